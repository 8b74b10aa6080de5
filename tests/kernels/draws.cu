// Random decisions as the kernels make them.
#include "kernels/common/dense.cuh"
#include "kernels/common/launch.hpp"
#include "tests/kernels/draws.hpp"

namespace phaseselect::cuda {
namespace {

__global__ void dropout_kernel(const __grid_constant__ DropoutDraws params) {
  const Dropout dropout{params.random, params.rate};
  const int quads = (params.units + 3) / 4;
  for (int i = static_cast<int>(threadIdx.x); i < params.samples * quads; i += static_cast<int>(blockDim.x)) {
    const int sample = i / quads, unit = i % quads * 4, count = min(4, params.units - unit);
    float values[4] = {1, 1, 1, 1};
    dropout.apply(params.layer, sample, unit, count, values);
    for (int q = 0; q < count; ++q) params.out[sample * params.units + unit + q] = values[q];
  }
}

}  // namespace

void draw_dropout(Stream& stream, const DropoutDraws& params) {
  launch(stream, "dropout", dropout_kernel, {.block = 64}, params);
}

}  // namespace phaseselect::cuda
