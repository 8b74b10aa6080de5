// The decoder's part of a training step: forward, loss, backward and optimiser in one pass over D, m and v.
#pragma once

#include <cstdint>

#include "kernels/common/member.hpp"
#include "kernels/runtime/runtime.hpp"

namespace phaseselect::cuda {

struct DecodeParams {
  int elements = 0;  // E
  int groups = 0;    // G
  int features = 0;  // k
  int weights = 0;   // offset of decoder.weights [k][G] in the slab
  int bias = 0;      // offset of decoder.bias [G]
  int tile = 0;      // columns of a tile, of the tensor-core kernel; chosen by its launcher
  float scale = 0;   // lambda / (E V): from the sums below to the loss
  std::uint32_t step = 0;
  const std::uint32_t* pattern = nullptr;  // [(E + 31) / 32][G], bit e % 32 of word e / 32 is a_eg
  const float* multiplicity = nullptr;     // [G]
  const AdamStep* adam = nullptr;          // [tasks]
  const Task* tasks = nullptr;
  const MemberState* members = nullptr;
  double* losses = nullptr;  // [tasks][partitions], written at a member's last step: sum of m_g [softplus(l) - a l]
};

// The most features whose arrays fit a block's shared memory.
int most_decoder_features(int elements, std::size_t shared_limit);

// The instantiation that decode_step launches: decode_step_kernel<features, tile>.
struct DecodeShape {
  int features = 0;  // of a chunk
  int tile = 0;      // columns, and threads of a block
  std::size_t shared_bytes = 0;
};
DecodeShape decode_shape(int elements, int features, std::size_t shared_limit);
std::size_t decode_tensor_shared_bytes(int elements, int features, std::size_t shared_limit);
inline constexpr unsigned decode_tensor_threads = 256;

// features <= most_decoder_features(elements, shared_limit).
void decode_step(Stream& stream, DecodeParams params, int tasks, std::size_t shared_limit);
// The same with its products in tf32 on tensor cores.
void decode_step_tensor(Stream& stream, DecodeParams params, int tasks, std::size_t shared_limit);

}  // namespace phaseselect::cuda
