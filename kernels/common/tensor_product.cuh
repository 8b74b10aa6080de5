// Matrix products by one block on tensor cores: tf32 operands (rounded when they are loaded), fp32 sums.
// The interface of block_product (product.cuh), except that the depth must be a multiple of 8 (pad with zeros).
#pragma once

#include <cstdint>

#include "kernels/common/product.cuh"
#include "kernels/common/ptx.cuh"
#include "kernels/common/reduce.cuh"

namespace phaseselect::cuda {

// c(i, j) = sum over t of a(i, t) b(j, t), i < m, j < n. Calls finish(i, j, value) once for each element.
// Each warp takes 16 x 8 tiles in turn; beyond an edge it reads the last row or column again and drops the result.
template <Depth a_depth, Depth b_depth, typename Finish>
__device__ void tensor_product(int m, int n, int depth, Operand<a_depth> a, Operand<b_depth> b, Finish finish) {
  const int lane = static_cast<int>(threadIdx.x) % warp_lanes, warp = static_cast<int>(threadIdx.x) / warp_lanes;
  const int warps = static_cast<int>(blockDim.x) / warp_lanes;
  const int group = lane / 4, place = lane % 4;
  const int column_tiles = (n + 7) / 8, tiles = (m + 15) / 16 * column_tiles;
  const int a_step = a.step(), b_step = b.step();
  for (int tile = warp; tile < tiles; tile += warps) {
    const int i0 = tile / column_tiles * 16, j0 = tile % column_tiles * 8;
    const float* upper = a.outer(min(i0 + group, m - 1)) + place * a_step;
    const float* lower = a.outer(min(i0 + group + 8, m - 1)) + place * a_step;
    const float* right = b.outer(min(j0 + group, n - 1)) + place * b_step;
    float sum[4] = {};
    for (int t = 0; t < depth; t += 8) {
      const std::uint32_t left[4] = {to_tf32(upper[t * a_step]), to_tf32(lower[t * a_step]),
                                     to_tf32(upper[(t + 4) * a_step]), to_tf32(lower[(t + 4) * a_step])};
      const std::uint32_t columns[2] = {to_tf32(right[t * b_step]), to_tf32(right[(t + 4) * b_step])};
      mma_m16n8k8_tf32(sum, left, columns);
    }
#pragma unroll
    for (int q = 0; q < 4; ++q) {
      const int i = i0 + group + q / 2 * 8, j = j0 + 2 * place + q % 2;
      if (i < m && j < n) finish(i, j, sum[q]);
    }
  }
}

}  // namespace phaseselect::cuda
