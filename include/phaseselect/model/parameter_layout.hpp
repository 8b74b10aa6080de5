// Where each parameter of a member lies in its flat slab. One layout serves engines, kernels, optimiser, checkpoint and
// tests: a member's weights (and each optimiser moment) are `size()` floats; an ensemble is [member][size()].
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "phaseselect/model/architecture.hpp"

namespace phaseselect {

// All kernels are row-major [inputs][outputs]; biases are [1][outputs]. encoder.weights is [G][k], decoder.weights
// [k][G].
struct ParameterBlock {
  std::string name;        // "encoder.weights", "hidden.0.bias", ...
  std::size_t offset = 0;  // in floats from the start of the member's slab; a multiple of 32 (128 bytes)
  std::size_t rows = 0;
  std::size_t columns = 0;
  float initial_limit = 0;  // Glorot-uniform limit; 0 starts at zero
  bool decays = false;      // decoupled weight decay applies (kernels, not biases)
  bool penalised = false;   // L1 and L2 apply (hidden kernels of the classifier)
  bool trained = true;      // false: constants of the member, such as the ranking scaler
  std::uint32_t index = 0;  // position in the layout; selects the random numbers of the initial draw

  std::size_t size() const { return rows * columns; }
};

class ParameterLayout {
 public:
  explicit ParameterLayout(std::vector<ParameterBlock> blocks);  // assigns offsets and indices in order

  std::span<const ParameterBlock> blocks() const { return blocks_; }
  const ParameterBlock& operator[](std::string_view name) const;  // throws std::out_of_range
  bool contains(std::string_view name) const;
  std::size_t size() const { return size_; }  // floats per member, padding between blocks (always zero) included

 private:
  std::vector<ParameterBlock> blocks_;
  std::size_t size_ = 0;
};

// Element autoencoder, attention and classifier:
//   encoder.weights [G][k]  encoder.bias [k]  decoder.weights [k][G]  decoder.bias [G]
//   attention.query.weights [k][Hd]  .bias  attention.key.*  attention.value.*  attention.output.weights [Hd][k]  .bias
//   hidden.<i>.weights  hidden.<i>.bias  logit.weights [last][1]  logit.bias [1]
// With Combine::scores there is no attention.value and no attention.output.
// Encoder and decoder draw with the fan-in and fan-out of the ungrouped network (V and k): DESIGN.md 3.2.
ParameterLayout classifier_layout(const Architecture& architecture);

// Ranking autoencoder: ranking.input_mean [field width], ranking.input_deviation [field width] (not trained),
// ranking.<i>.weights, ranking.<i>.bias.
ParameterLayout ranking_layout(const Architecture& architecture);

// Draws a member's initial weights into `weights` (layout.size() floats, zeroed first). Every engine must give these
// bits. Block b, position p of the ungrouped block uses random number p of stream (seed, member, stream, epoch 0, step
// b). encoder.weights row g is the sum, in ascending order, of the rows of the environments of group g; decoder.weights
// column g is the column of the group's first environment.
struct EnvironmentGroups;
void draw_initial_classifier(const ParameterLayout& layout, const EnvironmentGroups& groups, std::uint64_t seed,
                             std::uint32_t member, std::span<float> weights);
void draw_initial_ranking(const ParameterLayout& layout, std::uint64_t seed, std::uint32_t member,
                          std::span<float> weights);

}  // namespace phaseselect
