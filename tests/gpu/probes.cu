#include "kernels/common/launch.hpp"
#include "kernels/common/shared.cuh"
#include "tests/gpu/probes.hpp"

namespace phaseselect::cuda {
namespace {

constexpr unsigned threads = 128;

__global__ void scale_kernel(const __grid_constant__ ScaleParams params) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < params.count) params.out[i] = params.factor * params.in[i];
}

__global__ void sum_kernel(const __grid_constant__ SharedParams params) {
  int* words = reinterpret_cast<int*>(shared_memory());
  for (int i = static_cast<int>(threadIdx.x); i < params.words; i += static_cast<int>(blockDim.x)) words[i] = i;
  __syncthreads();
  if (threadIdx.x != 0) return;
  double sum = 0;
  for (int i = 0; i < params.words; ++i) sum += words[i];
  *params.out = sum;
}

LaunchShape sum_shape(std::size_t shared_bytes) { return {.block = threads, .shared_bytes = shared_bytes}; }

}  // namespace

void scale(Stream& stream, const ScaleParams& params) {
  launch(stream, "scale", scale_kernel,
         {.grid_x = (static_cast<unsigned>(params.count) + threads - 1) / threads, .block = threads}, params);
}

void sum_of_shared(Stream& stream, double* out, std::size_t shared_bytes) {
  const SharedParams params{out, static_cast<int>(shared_bytes / sizeof(int))};
  launch(stream, "sum_of_shared", sum_kernel, sum_shape(shared_bytes), params);
}

int resident_blocks_of_sum(std::size_t shared_bytes) {
  const SharedParams params{};
  return resident_blocks(kernel_call("sum_of_shared", sum_kernel, params), sum_shape(shared_bytes));
}

}  // namespace phaseselect::cuda
