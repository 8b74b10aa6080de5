// Kernels that follow CUDA's rules, for the executor's own tests.
#include "kernels/common/ptx.cuh"
#include "kernels/common/shared.cuh"
#include "tests/simt/sanitizer.hpp"
#include "tests/simt/test_kernels.hpp"

namespace phaseselect::cuda {

__global__ void __launch_bounds__(1024) block_sum_kernel(FloatArrays params) {
  SharedCarver carver(shared_memory());
  float* warp_sums = carver.take<float>(32);
  const int thread = static_cast<int>(threadIdx.x), warp = thread / warpSize, lane = thread % warpSize;
  const int warps = static_cast<int>(blockDim.x) / warpSize;
  const int index = static_cast<int>(blockIdx.x * blockDim.x) + thread;
  float sum = index < params.count ? params.in[index] : 0.0f;
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_down_sync(0xffffffffu, sum, distance);
  if (lane == 0) warp_sums[warp] = sum;
  __syncthreads();
  if (warp == 0) {
    sum = lane < warps ? warp_sums[lane] : 0.0f;
    for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, distance);
    if (lane == 0) params.out[blockIdx.x] = sum;
  }
}

__global__ void scan_kernel(FloatArrays params) {
  float* sums = reinterpret_cast<float*>(shared_memory());
  const int thread = static_cast<int>(threadIdx.x);
  sums[thread] = params.in[thread];
  __syncthreads();
  for (int distance = 1; distance < static_cast<int>(blockDim.x); distance *= 2) {
    const float before = thread >= distance ? sums[thread - distance] : 0.0f;
    __syncthreads();
    sums[thread] += before;
    __syncthreads();
  }
  params.out[thread] = sums[thread];
}

__global__ void early_return_kernel(FloatArrays params) {
  const int index = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (index >= params.count) return;
  params.out[index] = __ldg(&params.in[index]);
}

__global__ void vote_kernel(Votes params) {
  const unsigned lane = threadIdx.x % 32;
  params.ballot[threadIdx.x] = __ballot_sync(0xffffffffu, lane % 3 == 0);
  params.any[threadIdx.x] = static_cast<unsigned>(__any_sync(0xffffffffu, threadIdx.x == 5));
  params.all[threadIdx.x] = static_cast<unsigned>(__all_sync(0xffffffffu, threadIdx.x != 5));
}

__global__ void shuffle_kernel(Shuffles params) {
  const int lane = static_cast<int>(threadIdx.x);
  params.shuffled[lane] = __shfl_sync(0xffffffffu, lane, params.source, params.width);
  params.up[lane] = __shfl_up_sync(0xffffffffu, lane, 3, params.width);
  params.down[lane] = __shfl_down_sync(0xffffffffu, lane, 3, params.width);
  params.exclusive[lane] = __shfl_xor_sync(0xffffffffu, lane, 5, params.width);
  params.wide[lane] = __shfl_sync(0xffffffffu, 0.1 * lane, 31 - lane);
}

__global__ void half_warp_kernel(Words params) {
  const unsigned lane = threadIdx.x;
  unsigned value = lane;
  if (lane < 16) {
    for (int distance = 8; distance > 0; distance /= 2) value += __shfl_xor_sync(0x0000ffffu, value, distance);
  } else {
    value *= 2;
    __syncwarp(0xffff0000u);
    for (int distance = 8; distance > 0; distance /= 2)
      value = max(value, __shfl_xor_sync(0xffff0000u, value, distance));
  }
  params.out[lane] = value;
}

__global__ void atomic_kernel(Words params) {
  const unsigned index = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(&params.out[0], 1u);
  atomicAdd(&params.out[1], index);
  atomicMin(&params.out[2], index + 7);
  atomicMax(&params.out[3], index);
}

__global__ void order_kernel(Words params) {
  const unsigned turn = atomicAdd(&params.out[0], 1u);
  params.out[1 + turn] = blockIdx.x * blockDim.x + threadIdx.x;
}

__global__ void place_kernel(Words params) {
  __syncthreads();
  std::uint32_t* out = params.out + 5 * ((blockIdx.y * gridDim.x + blockIdx.x) * blockDim.x + threadIdx.x);
  __syncthreads();
  out[0] = threadIdx.x;
  out[1] = blockIdx.x;
  out[2] = blockIdx.y;
  out[3] = blockDim.x;
  out[4] = gridDim.x + 100 * gridDim.y;
}

__global__ void product_kernel(Product params) {
  const int group = static_cast<int>(threadIdx.x) / 4, place = static_cast<int>(threadIdx.x) % 4;
  const auto a = [&](int row, int depth) { return to_tf32(params.a[row * 8 + depth]); };
  const auto b = [&](int depth, int column) { return to_tf32(params.b[depth * 8 + column]); };
  const std::uint32_t a_part[4] = {a(group, place), a(group + 8, place), a(group, place + 4), a(group + 8, place + 4)};
  const std::uint32_t b_part[2] = {b(place, group), b(place + 4, group)};
  const int upper = group * 8 + 2 * place, lower = upper + 64;
  float d[4] = {params.c[upper], params.c[upper + 1], params.c[lower], params.c[lower + 1]};
  mma_m16n8k8_tf32(d, a_part, b_part);
  params.d[upper] = d[0];
  params.d[upper + 1] = d[1];
  params.d[lower] = d[2];
  params.d[lower + 1] = d[3];
}

__global__ void stack_kernel(Words params) {
  const int local = static_cast<int>(threadIdx.x);
  __syncthreads();
  params.out[threadIdx.x] = simt::is_on_known_stack(&local);
}

__global__ void many_barriers_kernel(FloatArrays params) {
  float* values = reinterpret_cast<float*>(shared_memory());
  const int thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x);
  values[thread] = params.in[thread];
  for (int round = 0; round < params.count; ++round) {
    __syncthreads();
    const float next = values[(thread + 1) % threads];
    __syncthreads();
    values[thread] = next;
  }
  params.out[thread] = values[thread];
}

__global__ void shared_start_kernel(FloatArrays params) {
  float* values = reinterpret_cast<float*>(shared_memory());
  params.out[blockIdx.x * blockDim.x + threadIdx.x] = values[threadIdx.x];
  values[threadIdx.x] = 1.0f;
}

}  // namespace phaseselect::cuda
