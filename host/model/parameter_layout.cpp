#include "phaseselect/model/parameter_layout.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace phaseselect {
namespace {

// 128 bytes: a full line of a GPU's memory transaction, two of a CPU's cache.
constexpr std::size_t block_alignment = 32;

float glorot_limit(double fan_in, double fan_out) { return static_cast<float>(std::sqrt(6.0 / (fan_in + fan_out))); }

ParameterBlock kernel(std::string name, std::size_t rows, std::size_t columns, double fan_in, double fan_out) {
  ParameterBlock block;
  block.name = std::move(name);
  block.rows = rows;
  block.columns = columns;
  block.initial_limit = glorot_limit(fan_in, fan_out);
  block.decays = true;
  return block;
}

ParameterBlock bias(std::string name, std::size_t columns) {
  ParameterBlock block;
  block.name = std::move(name);
  block.rows = 1;
  block.columns = columns;
  return block;
}

// kernel [inputs][outputs] and bias [outputs] of a dense layer.
void append_dense(std::vector<ParameterBlock>& blocks, const std::string& name, int inputs, int outputs) {
  blocks.push_back(
      kernel(name + ".weights", static_cast<std::size_t>(inputs), static_cast<std::size_t>(outputs), inputs, outputs));
  blocks.push_back(bias(name + ".bias", static_cast<std::size_t>(outputs)));
}

}  // namespace

ParameterLayout::ParameterLayout(std::vector<ParameterBlock> blocks) : blocks_(std::move(blocks)) {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].index = static_cast<std::uint32_t>(i);
    blocks_[i].offset = size_;
    size_ += (blocks_[i].size() + block_alignment - 1) / block_alignment * block_alignment;
  }
}

const ParameterBlock& ParameterLayout::operator[](std::string_view name) const {
  const auto found =
      std::find_if(blocks_.begin(), blocks_.end(), [&](const auto& block) { return block.name == name; });
  if (found == blocks_.end()) throw std::out_of_range("no parameter block " + std::string(name));
  return *found;
}

bool ParameterLayout::contains(std::string_view name) const {
  return std::any_of(blocks_.begin(), blocks_.end(), [&](const auto& block) { return block.name == name; });
}

ParameterLayout classifier_layout(const Architecture& architecture) {
  const auto groups = static_cast<std::size_t>(architecture.groups);
  const auto k = static_cast<std::size_t>(architecture.features);
  const int width = architecture.attention_width();
  std::vector<ParameterBlock> blocks;
  blocks.push_back(kernel("encoder.weights", groups, k, architecture.environments, architecture.features));
  // A row of unit length gives features of order one whatever the size of the matrix.
  if (architecture.normalisation == Normalisation::row) blocks.back().initial_limit = 1;
  blocks.push_back(bias("encoder.bias", k));
  blocks.push_back(kernel("decoder.weights", k, groups, architecture.features, architecture.environments));
  blocks.push_back(bias("decoder.bias", groups));
  append_dense(blocks, "attention.query", architecture.features, width);
  append_dense(blocks, "attention.key", architecture.features, width);
  if (architecture.combine != Combine::scores) {
    append_dense(blocks, "attention.value", architecture.features, width);
    append_dense(blocks, "attention.output", width, architecture.features);
  }
  int inputs = architecture.field_width();
  for (std::size_t i = 0; i < architecture.hidden.size(); ++i) {
    append_dense(blocks, "hidden." + std::to_string(i), inputs, architecture.hidden[i]);
    blocks[blocks.size() - 2].penalised = true;
    inputs = architecture.hidden[i];
  }
  append_dense(blocks, "logit", inputs, 1);
  return ParameterLayout(std::move(blocks));
}

ParameterLayout ranking_layout(const Architecture& architecture) {
  const auto field_width = static_cast<std::size_t>(architecture.field_width());
  std::vector<ParameterBlock> blocks{bias("ranking.input_mean", field_width),
                                     bias("ranking.input_deviation", field_width)};
  for (auto& scaler : blocks) scaler.trained = false;
  const std::vector<int> widths = ranking_widths(architecture);
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    append_dense(blocks, "ranking." + std::to_string(i), widths[i], widths[i + 1]);
    blocks[blocks.size() - 2].decays = false;  // the ranking plan has no weight decay
  }
  return ParameterLayout(std::move(blocks));
}

}  // namespace phaseselect
