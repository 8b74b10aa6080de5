// Dense layers with ReLU and dropout between them, by one block: forward, and backward with the optimiser's step.
#pragma once

#include <cstdint>

#include "kernels/common/adam.cuh"
#include "kernels/common/member.hpp"
#include "kernels/common/product.cuh"
#include "phaseselect/model/random.hpp"

namespace phaseselect::cuda {

// A part of a slab, possibly a copy of it in shared memory: at() takes offsets in the whole slab.
struct Weights {
  const float* data;
  int first;
  __device__ const float* at(int offset) const { return data + (offset - first); }
};

// Dropout of one layer of one step. rate 0: none.
struct Dropout {
  RandomStream random;
  float rate = 0;
  __device__ float scale() const { return 1.0f / (1.0f - rate); }
  // values[0 .. count-1] are units unit0 .. of a sample; unit0 is a multiple of 4, so that one draw serves them all.
  __device__ void apply(std::uint32_t layer, int sample, int unit0, int count, float (&values)[4]) const {
    if (rate <= 0) return;
    const std::uint32_t index =
        dropout_index(layer, static_cast<std::uint32_t>(sample), static_cast<std::uint32_t>(unit0));
    const PhiloxBlock draws = random.block(index >> 2);
#pragma unroll
    for (int q = 0; q < 4; ++q) {
      if (q < count) values[q] *= kept(draws.word[q], rate) ? scale() : 0.0f;
    }
  }
};

enum class Activation { relu, linear };

// y[rows][outputs] from x[rows][x_stride], of which the first `used` columns count (the rest of the inputs are zero).
// Dropout after ReLU belongs to layer number `dropout_layer`. No barrier before or after.
__device__ inline void dense_forward(const DenseLayer& layer, const Weights& weights, const float* x, int x_stride,
                                     int used, int rows, Activation activation, const Dropout& dropout,
                                     std::uint32_t dropout_layer, float* y) {
  const float* bias = weights.at(layer.bias);
  block_product<2>(rows, layer.outputs, used, Operand<Depth::contiguous>{x, x_stride},
                   Operand<Depth::strided>{weights.at(layer.weights), layer.outputs},
                   [&](int row, int j0, int count, float(&sum)[4]) {
#pragma unroll
                     for (int q = 0; q < 4; ++q) {
                       if (q >= count) continue;
                       sum[q] += bias[j0 + q];
                       if (activation == Activation::relu) sum[q] = fmaxf(sum[q], 0.0f);
                     }
                     if (activation == Activation::relu) dropout.apply(dropout_layer, row, j0, count, sum);
#pragma unroll
                     for (int q = 0; q < 4; ++q) {
                       if (q < count) y[row * layer.outputs + j0 + q] = sum[q];
                     }
                   });
}

// dx[rows][inputs] = dy W^T. hidden: x is the stored output of a hidden layer below (after ReLU and dropout), and the
// gradient goes on to before that: a stored value is positive exactly where ReLU passed and dropout kept. No barrier.
__device__ inline void dense_input_gradient(const DenseLayer& layer, const Weights& weights, const float* dy, int rows,
                                            const float* hidden, float dropout_scale, float* dx) {
  block_product<2>(rows, layer.inputs, layer.outputs, Operand<Depth::contiguous>{dy, layer.outputs},
                   Operand<Depth::contiguous>{weights.at(layer.weights), layer.outputs},
                   [&](int row, int i0, int count, const float(&sum)[4]) {
#pragma unroll
                     for (int q = 0; q < 4; ++q) {
                       if (q >= count) continue;
                       const int at = row * layer.inputs + i0 + q;
                       dx[at] = hidden == nullptr ? sum[q] : hidden[at] > 0 ? sum[q] * dropout_scale : 0.0f;
                     }
                   });
}

// Gradients of kernel and bias, x^T dy and the column sums of dy, and the optimiser's step in place. x: [rows][inputs].
// No barrier.
__device__ inline void dense_update(const DenseLayer& layer, const float* x, const float* dy, int rows,
                                    const AdamStep& adam, const Slab& slab, const Regularisation& kernel) {
  block_product<4>(layer.inputs, layer.outputs, rows, Operand<Depth::strided>{x, layer.inputs},
                   Operand<Depth::strided>{dy, layer.outputs}, [&](int i, int j0, int count, const float(&sum)[4]) {
#pragma unroll
                     for (int q = 0; q < 4; ++q) {
                       if (q < count)
                         adam_update(adam, slab, layer.weights + i * layer.outputs + j0 + q, sum[q], kernel);
                     }
                   });
  for (int j = static_cast<int>(threadIdx.x); j < layer.outputs; j += static_cast<int>(blockDim.x)) {
    float sum = 0;
    for (int row = 0; row < rows; ++row) sum += dy[row * layer.outputs + j];
    adam_update(adam, slab, layer.bias + j, sum, {});
  }
}

}  // namespace phaseselect::cuda
