// Kernels that are wrong on purpose, each in one way: the executor must catch them all.
#include <stdexcept>

#include "kernels/common/ptx.cuh"
#include "kernels/common/shared.cuh"
#include "tests/simt/test_kernels.hpp"

namespace phaseselect::cuda {

// Reads its neighbour's value without waiting for it.
__global__ void missing_barrier_kernel(FloatArrays params) {
  float* values = reinterpret_cast<float*>(shared_memory());
  values[threadIdx.x] = params.in[threadIdx.x];
  params.out[threadIdx.x] = values[(threadIdx.x + 1) % blockDim.x];
}

// The values were written in order before, so that only the order of the second writes and the reads is open.
__global__ void missing_warp_barrier_kernel(FloatArrays params) {
  float* values = reinterpret_cast<float*>(shared_memory());
  values[threadIdx.x] = 0.0f;
  __syncwarp();
  values[threadIdx.x] = params.in[threadIdx.x];
  params.out[threadIdx.x] = values[(threadIdx.x + 1) % 32];
}

__global__ void uninitialised_shared_kernel(FloatArrays params) {
  float* values = reinterpret_cast<float*>(shared_memory());
  if (static_cast<int>(threadIdx.x) < params.count) values[threadIdx.x] = params.in[threadIdx.x];
  __syncthreads();
  params.out[threadIdx.x] = values[threadIdx.x];
}

__global__ void atomic_sum_kernel(FloatArrays params) {
  const int index = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (index < params.count) atomicAdd(params.out, params.in[index]);
}

__global__ void barrier_in_branch_kernel(Words params) {
  params.out[threadIdx.x] = 1;
  if (threadIdx.x < 32) __syncthreads();
}

__global__ void barriers_in_both_branches_kernel(Words params) {
  if (threadIdx.x % 2 == 0) {
    params.out[threadIdx.x] = 1;
    __syncthreads();
  } else {
    __syncthreads();
    params.out[threadIdx.x] = 2;
  }
}

__global__ void barrier_after_return_kernel(Words params) {
  if (threadIdx.x == 40) return;
  __syncthreads();
  params.out[threadIdx.x] = 1;
}

// Nobody has returned when the others come to the second barrier.
__global__ void return_while_others_wait_kernel(Words params) {
  __syncthreads();
  if (threadIdx.x != 40) __syncthreads();
  params.out[threadIdx.x] = 1;
}

// Lanes 0 .. 15 wait for lanes 16 .. 31, which wait for them elsewhere.
__global__ void warp_waits_at_barrier_kernel(Words params) {
  if (threadIdx.x < 16) params.out[threadIdx.x] = __ballot_sync(0xffffffffu, 1);
  __syncthreads();
}

__global__ void shared_index_kernel(Access params) {
  SharedCarver carver(shared_memory());
  float* first = carver.take<float>(4);
  float* second = carver.take<float>(4);
  first[params.index] = 1.0f;
  second[threadIdx.x] = 2.0f;
}

__global__ void global_index_kernel(Access params) { params.global[params.index] = 1.0f; }

__global__ void carve_too_much_kernel(Access) {
  SharedCarver carver(shared_memory());
  carver.take<float>(4);
  carver.take<float>(4);
}

__global__ void shuffle_call_kernel(WarpCall params) {
  __shfl_sync(params.mask, static_cast<int>(threadIdx.x), params.source, params.width);
}

__global__ void lane_returns_kernel(WarpCall params) {
  __syncwarp();
  if (threadIdx.x == 7) return;
  __syncwarp(params.mask);
}

__global__ void different_operations_kernel(WarpCall params) {
  if (threadIdx.x < 16) {
    __any_sync(params.mask, 1);
  } else {
    __all_sync(params.mask, 1);
  }
}

__global__ void different_masks_kernel(WarpCall params) { __syncwarp(threadIdx.x < 16 ? params.mask : 0xffff0000u); }

__global__ void half_warp_product_kernel(WarpCall) {
  float d[4] = {};
  const std::uint32_t a[4] = {}, b[2] = {};
  if (threadIdx.x < 16) mma_m16n8k8_tf32(d, a, b);
}

namespace {
struct CountsDestruction {
  int* count;
  ~CountsDestruction() { ++*count; }
};
}  // namespace

__global__ void throwing_kernel(Throwing params) {
  const CountsDestruction held{params.destroyed};
  __syncthreads();
  if (threadIdx.x == 3) throw std::domain_error("thrown by thread 3");
  __syncthreads();
}

}  // namespace phaseselect::cuda
