// Compiled by nvcc, never run: the headers that device code shares with the host, and the random numbers in device code
// against their published known answers (Random123, kat_vectors: philox4x32 10), at compile time.
#include "phaseselect/engine/engine.hpp"
#include "phaseselect/model/architecture.hpp"
#include "phaseselect/model/parameter_layout.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect {
namespace {

constexpr bool equal(PhiloxBlock left, PhiloxBlock right) {
  for (int i = 0; i < 4; ++i) {
    if (left.word[i] != right.word[i]) return false;
  }
  return true;
}

__device__ constexpr PhiloxBlock zeros = philox4x32_10({{0, 0, 0, 0}}, 0, 0);
static_assert(equal(zeros, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}));
__device__ constexpr PhiloxBlock pi =
    philox4x32_10({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0);
static_assert(equal(pi, {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}));

}  // namespace

// One draw a thread, as a kernel would use it.
__global__ void draw_kernel(RandomStream random, float limit, float* out) {
  const std::uint32_t index = blockIdx.x * blockDim.x + threadIdx.x;
  out[index] = kept(random(index), 0.5f) ? symmetric(random(index), limit) : 0.0f;
}

}  // namespace phaseselect
