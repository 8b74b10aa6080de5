// Kernels of the executor's own tests: right ones, and ones that are wrong on purpose.
#pragma once

#include <cstdint>

#include "kernels/common/launch.hpp"
#include "tests/simt/dialect.hpp"

namespace phaseselect::cuda {

struct FloatArrays {
  const float* in;
  float* out;
  int count;
};
struct Words {
  std::uint32_t* out;
};

// ---- right ----

__global__ void block_sum_kernel(FloatArrays params);     // out[block]: the sum of the block's part of in
__global__ void scan_kernel(FloatArrays params);          // out: inclusive sums of in[0 .. block)
__global__ void early_return_kernel(FloatArrays params);  // out[i] = in[i]; no barrier
struct Votes {
  std::uint32_t *ballot, *any, *all;
};
__global__ void vote_kernel(Votes params);  // of lane % 3 == 0; all: of lane < 32
struct Shuffles {
  int source, width;
  int *shuffled, *up, *down, *exclusive;
  double* wide;
};
__global__ void shuffle_kernel(Shuffles params);  // each of the lane's number
__global__ void half_warp_kernel(Words params);   // each half its own shuffles
__global__ void atomic_kernel(Words params);      // count, sum of indices, least, largest
__global__ void order_kernel(Words params);       // out[i]: the i-th thread of the grid to come
__global__ void place_kernel(Words params);       // threadIdx after a barrier, blockIdx, blockDim, gridDim
struct Product {
  const float *a, *b, *c;  // [16][8], [8][8], [16][8]
  float* d;
};
__global__ void product_kernel(Product params);
__global__ void stack_kernel(Words params);                // out: whether AddressSanitizer knows the thread's stack
__global__ void many_barriers_kernel(FloatArrays params);  // for the time that a block takes
__global__ void shared_start_kernel(FloatArrays params);   // out: shared memory at the start; then fills it

// ---- wrong ----

__global__ void missing_barrier_kernel(FloatArrays params);
__global__ void missing_warp_barrier_kernel(FloatArrays params);
__global__ void uninitialised_shared_kernel(FloatArrays params);
__global__ void atomic_sum_kernel(FloatArrays params);
__global__ void barrier_in_branch_kernel(Words params);
__global__ void barriers_in_both_branches_kernel(Words params);
__global__ void barrier_after_return_kernel(Words params);
__global__ void return_while_others_wait_kernel(Words params);
__global__ void warp_waits_at_barrier_kernel(Words params);
struct Access {
  float* global;
  int index;
};
__global__ void shared_index_kernel(Access params);  // two arrays of 4 floats; writes to the first
__global__ void global_index_kernel(Access params);
__global__ void carve_too_much_kernel(Access params);
struct WarpCall {
  unsigned mask;
  int source, width;
};
__global__ void shuffle_call_kernel(WarpCall params);
__global__ void lane_returns_kernel(WarpCall params);
__global__ void different_operations_kernel(WarpCall params);
__global__ void different_masks_kernel(WarpCall params);
__global__ void half_warp_product_kernel(WarpCall params);
struct Throwing {
  int* destroyed;
};
__global__ void throwing_kernel(Throwing params);

}  // namespace phaseselect::cuda
