// Dense layers with ReLU and dropout between them and a linear output: the classifier's head and the ranking
// autoencoder.
#pragma once

#include <string>
#include <vector>

#include "host/engine/cpu/buffer.hpp"
#include "host/engine/cpu/vector/vector_kernels.hpp"
#include "phaseselect/model/parameter_layout.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect::cpu {

// Multiplies values [rows][width] by 1 / (1 - rate) or 0; the decisions are those of `layer` (random.hpp,
// dropout_index).
void apply_dropout(const RandomStream& random, std::uint32_t layer, float rate, int rows, int width, float* values);

class DenseStack {
 public:
  // names: layer i has blocks names[i] + ".weights" and names[i] + ".bias".
  DenseStack(const ParameterLayout& layout, const std::vector<std::string>& names);

  int inputs() const { return layers_.front().inputs; }
  int outputs() const { return layers_.back().outputs; }

  // Activations of one batch, kept for the backward pass; one per thread.
  struct Activations {
    std::vector<Buffer> values;  // after ReLU and dropout; [layer][rows][width]
    Buffer gradient, previous_gradient, transposed;
  };

  struct Dropout {
    RandomStream random;
    float rate = 0;
  };

  // x: [rows][inputs], of which only the first `used_inputs` columns exist (the rest are zero); row stride used_inputs.
  // Returns the outputs [rows][outputs]. dropout null: evaluation.
  const float* forward(const VectorKernels& kernels, const float* weights, const float* x, int used_inputs, int rows,
                       const Dropout* dropout, Activations& activations) const;

  // From the gradient of the outputs [rows][outputs] (overwritten): gradients of kernels and biases into `gradients`
  // (same layout as the weights, overwritten), and of the inputs into dx [rows][inputs] unless null.
  void backward(const VectorKernels& kernels, const float* weights, const float* x, int rows, const Dropout* dropout,
                float* output_gradient, Activations& activations, float* gradients, float* dx) const;

 private:
  struct Layer {
    std::size_t weights = 0, bias = 0;
    int inputs = 0, outputs = 0;
  };
  std::vector<Layer> layers_;
};

}  // namespace phaseselect::cpu
