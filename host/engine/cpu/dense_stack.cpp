#include "host/engine/cpu/dense_stack.hpp"

#include <algorithm>

namespace phaseselect::cpu {

void apply_dropout(const RandomStream& random, std::uint32_t layer, float rate, int rows, int width, float* values) {
  const float scale = 1.0f / (1.0f - rate);
  for (int row = 0; row < rows; ++row) {
    float* target = values + static_cast<std::ptrdiff_t>(row) * width;
    for (int unit = 0; unit < width; unit += 4) {
      const std::uint32_t index =
          dropout_index(layer, static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(unit));
      const PhiloxBlock draws = random.block(index >> 2);
      for (int i = 0; i < std::min(4, width - unit); ++i) target[unit + i] *= kept(draws.word[i], rate) ? scale : 0.0f;
    }
  }
}

DenseStack::DenseStack(const ParameterLayout& layout, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const ParameterBlock& weights = layout[name + ".weights"];
    layers_.push_back(Layer{weights.offset, layout[name + ".bias"].offset, static_cast<int>(weights.rows),
                            static_cast<int>(weights.columns)});
  }
}

const float* DenseStack::forward(const VectorKernels& kernels, const float* weights, const float* x, int used_inputs,
                                 int rows, const Dropout* dropout, Activations& activations) const {
  activations.values.resize(layers_.size());
  int depth = used_inputs;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const std::size_t size = static_cast<std::size_t>(rows) * static_cast<std::size_t>(layer.outputs);
    Buffer& output = activations.values[l];
    output.need(size);
    const bool last = l + 1 == layers_.size();
    kernels.multiply(Product{rows, layer.outputs, depth, x, depth, 1, weights + layer.weights, layer.outputs,
                             output.data(), layer.outputs, Start::bias, weights + layer.bias, !last});
    x = output.data();
    depth = layer.outputs;
    if (last) break;
    if (dropout != nullptr && dropout->rate > 0) {
      apply_dropout(dropout->random, static_cast<std::uint32_t>(l + 1), dropout->rate, rows, layer.outputs,
                    output.data());
    }
  }
  return x;
}

void DenseStack::backward(const VectorKernels& kernels, const float* weights, const float* x, int rows,
                          const Dropout* dropout, float* output_gradient, Activations& activations, float* gradients,
                          float* dx) const {
  const float scale = dropout != nullptr ? 1.0f / (1.0f - dropout->rate) : 1.0f;
  float* dy = output_gradient;
  for (std::size_t l = layers_.size(); l-- > 0;) {
    const Layer& layer = layers_[l];
    const float* input = l == 0 ? x : activations.values[l - 1].data();
    kernels.multiply(Product{layer.inputs, layer.outputs, rows, input, 1, layer.inputs, dy, layer.outputs,
                             gradients + layer.weights, layer.outputs, Start::zero, nullptr});
    kernels.column_sums(dy, rows, layer.outputs, gradients + layer.bias);
    if (l == 0 && dx == nullptr) return;
    const std::size_t size = static_cast<std::size_t>(rows) * static_cast<std::size_t>(layer.inputs);
    activations.previous_gradient.need(size);
    activations.transposed.need(static_cast<std::size_t>(layer.inputs) * static_cast<std::size_t>(layer.outputs));
    kernels.transpose(weights + layer.weights, layer.inputs, layer.outputs, activations.transposed.data());
    float* below = l == 0 ? dx : activations.previous_gradient.data();
    kernels.multiply(Product{rows, layer.inputs, layer.outputs, dy, layer.outputs, 1, activations.transposed.data(),
                             layer.inputs, below, layer.inputs, Start::zero, nullptr});
    if (l == 0) return;
    // A stored activation is positive exactly where ReLU passed and dropout kept.
    for (std::size_t i = 0; i < size; ++i) below[i] = input[i] > 0 ? below[i] * scale : 0.0f;
    std::swap(activations.gradient, activations.previous_gradient);
    dy = activations.gradient.data();
  }
}

}  // namespace phaseselect::cpu
