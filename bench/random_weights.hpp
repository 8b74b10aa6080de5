// Weights for benches that evaluate members without training them.
#pragma once

#include <cstdint>
#include <vector>

#include "phaseselect/model/parameter_layout.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect {

// Uniform within a block's initial limit (0.1 for biases); scalers are 1.
inline std::vector<float> random_weights(const ParameterLayout& layout, std::uint32_t member) {
  std::vector<float> weights(layout.size(), 0.0f);
  for (const ParameterBlock& block : layout.blocks()) {
    const RandomStream stream{1, member, Stream::initial_weights, 0, block.index};
    for (std::size_t i = 0; i < block.size(); ++i) {
      const float limit = block.initial_limit > 0 ? block.initial_limit : 0.1f;
      weights[block.offset + i] = block.trained ? symmetric(stream(static_cast<std::uint32_t>(i)), limit) : 1.0f;
    }
  }
  return weights;
}

}  // namespace phaseselect
