// Initial weights, drawn where they are used: a member's upload would be 5 MB of random numbers.
// One thread a weight. Sums and products are rounded one by one (no fused multiply-add), as on the host.
#include "kernels/common/launch.hpp"
#include "kernels/initial_weights.hpp"

namespace phaseselect::cuda {
namespace {

constexpr unsigned threads = initial_weights_threads;

// symmetric() of random.hpp, kept out of reach of contraction with the addition that follows.
__device__ float draw(const InitialWeightsParams& params, std::uint32_t position) {
  return __fmul_rn(uniform(params.random(position)) - 0.5f, 2.0f * params.limit);
}

__global__ void initial_weights_kernel(const __grid_constant__ InitialWeightsParams params) {
  const int index = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (index >= params.rows * params.columns) return;
  const int row = index / params.columns, column = index % params.columns;
  float weight = 0;
  switch (params.block) {
    case InitialBlock::dense:
      weight = draw(params, static_cast<std::uint32_t>(index));
      break;
    case InitialBlock::encoder:
      for (std::uint32_t i = params.column_offsets[row]; i < params.column_offsets[row + 1]; ++i) {
        const std::uint32_t position = params.columns_of_group[i] * static_cast<std::uint32_t>(params.columns);
        weight = __fadd_rn(weight, draw(params, position + static_cast<std::uint32_t>(column)));
      }
      break;
    case InitialBlock::decoder: {
      const std::uint32_t first = params.columns_of_group[params.column_offsets[column]];
      weight = draw(params, static_cast<std::uint32_t>(row) * params.environments + first);
      break;
    }
  }
  params.weights[index] = weight;
}

}  // namespace

void initial_weights(Stream& stream, const InitialWeightsParams& params) {
  const auto count = static_cast<unsigned>(params.rows * params.columns);
  launch(stream, "initial_weights", initial_weights_kernel,
         {.grid_x = (count + threads - 1) / threads, .block = threads}, params);
}

}  // namespace phaseselect::cuda
