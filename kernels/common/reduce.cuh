// Reductions over a block in a fixed order: the same block size and values give the same bits.
#pragma once

namespace phaseselect::cuda {

inline constexpr int warp_lanes = 32;
inline constexpr unsigned whole_warp = 0xffffffffu;

// Sum over the block, valid in thread 0. scratch: shared, one value a warp; blockDim.x is a multiple of 32. Begins and
// ends with a barrier.
template <typename T>
__device__ T block_sum(T value, T* scratch) {
  for (int offset = warp_lanes / 2; offset > 0; offset /= 2) value += __shfl_down_sync(whole_warp, value, offset);
  const int lane = static_cast<int>(threadIdx.x) % warp_lanes, warp = static_cast<int>(threadIdx.x) / warp_lanes;
  __syncthreads();
  if (lane == 0) scratch[warp] = value;
  __syncthreads();
  T total = 0;
  if (threadIdx.x == 0) {
    for (int w = 0; w < static_cast<int>(blockDim.x) / warp_lanes; ++w) total += scratch[w];
  }
  __syncthreads();
  return total;
}

}  // namespace phaseselect::cuda
