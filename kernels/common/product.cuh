// Small matrix products by one block, for operands that lie in shared memory or in cache.
// Every output element is one sum in ascending order by one thread: its bits depend neither on the number of rows that
// are handed over together nor on the size of the block.
#pragma once

namespace phaseselect::cuda {

// How the depth (the index that is summed over) lies in memory: contiguous, or a stride apart.
enum class Depth { contiguous, strided };

// Element (i, t) of an operand with outer index i and depth t: data[i * stride + t] where the depth is contiguous,
// data[t * stride + i] where it is strided.
template <Depth depth>
struct Operand {
  const float* data;
  int stride;
  __device__ const float* outer(int i) const { return data + (depth == Depth::contiguous ? i * stride : i); }
  __device__ int step() const { return depth == Depth::contiguous ? 1 : stride; }
};

// c(i, j) = sum over t of a(i, t) b(j, t), i < m, j < n. Calls finish(i, j0, count, values) once for each row i and
// group of 4 columns from j0 = 0, 4, 8, ...; values[0 .. count-1] are c(i, j0 ..). No barrier before or after.
// A thread computes TileRows x 4 elements; beyond an edge it reads the last row or column again and drops the result.
template <int TileRows, Depth a_depth, Depth b_depth, typename Finish>
__device__ void block_product(int m, int n, int depth, Operand<a_depth> a, Operand<b_depth> b, Finish finish) {
  const int column_tiles = (n + 3) / 4;
  const int tiles = (m + TileRows - 1) / TileRows * column_tiles;
  const int a_step = a.step(), b_step = b.step();
  for (int tile = static_cast<int>(threadIdx.x); tile < tiles; tile += static_cast<int>(blockDim.x)) {
    const int i0 = tile / column_tiles * TileRows, j0 = tile % column_tiles * 4;
    const float* left[TileRows];
    const float* right[4];
#pragma unroll
    for (int r = 0; r < TileRows; ++r) left[r] = a.outer(min(i0 + r, m - 1));
#pragma unroll
    for (int q = 0; q < 4; ++q) right[q] = b.outer(min(j0 + q, n - 1));
    float sum[TileRows][4] = {};
#pragma unroll 4
    for (int t = 0; t < depth; ++t) {
      float row[4];
#pragma unroll
      for (int q = 0; q < 4; ++q) row[q] = right[q][t * b_step];
#pragma unroll
      for (int r = 0; r < TileRows; ++r) {
        const float factor = left[r][t * a_step];
#pragma unroll
        for (int q = 0; q < 4; ++q) sum[r][q] += factor * row[q];
      }
    }
#pragma unroll
    for (int r = 0; r < TileRows; ++r) {
      if (i0 + r < m) finish(i0 + r, j0, min(4, n - j0), sum[r]);
    }
  }
}

}  // namespace phaseselect::cuda
