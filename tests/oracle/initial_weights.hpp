// Initial weights from their specification in parameter_layout.hpp, drawn one number at a time. The limits are derived
// here again from the shapes, not taken from the layout.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/model/parameter_layout.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect::oracle {

inline float glorot_limit(std::size_t inputs, std::size_t outputs) {
  return static_cast<float>(std::sqrt(6.0 / static_cast<double>(inputs + outputs)));
}

inline float draw(const RandomStream& stream, std::size_t index, float limit) {
  const std::uint32_t bits = stream(static_cast<std::uint32_t>(index));
  return (static_cast<float>(bits >> 8) / 16777216.0f - 0.5f) * (2.0f * limit);
}

inline bool is_kernel(const ParameterBlock& block) { return block.name.ends_with(".weights"); }

inline void draw_block(const ParameterBlock& block, const RandomStream& stream, std::vector<float>& weights) {
  if (!is_kernel(block)) return;
  const float limit = glorot_limit(block.rows, block.columns);
  for (std::size_t i = 0; i < block.size(); ++i) weights[block.offset + i] = draw(stream, i, limit);
}

inline std::vector<float> initial_classifier(const ParameterLayout& layout, const EnvironmentGroups& groups,
                                             std::uint64_t seed, std::uint32_t member, Normalisation normalisation) {
  std::vector<float> weights(layout.size(), 0.0f);
  std::uint32_t number = 0;
  for (const ParameterBlock& block : layout.blocks()) {
    const RandomStream stream{seed, member, Stream::initial_weights, 0, number++};
    if (block.name == "encoder.weights") {
      const float limit = normalisation == Normalisation::row ? 1.0f : glorot_limit(groups.environments, block.columns);
      for (std::size_t environment = 0; environment < groups.environments; ++environment) {
        for (std::size_t f = 0; f < block.columns; ++f) {
          weights[block.offset + groups.column_group[environment] * block.columns + f] +=
              draw(stream, environment * block.columns + f, limit);
        }
      }
    } else if (block.name == "decoder.weights") {
      const float limit = glorot_limit(block.rows, groups.environments);
      for (std::size_t environment = groups.environments;
           environment-- > 0;) {  // the first of a group has the last word
        for (std::size_t f = 0; f < block.rows; ++f) {
          weights[block.offset + f * block.columns + groups.column_group[environment]] =
              draw(stream, f * groups.environments + environment, limit);
        }
      }
    } else {
      draw_block(block, stream, weights);
    }
  }
  return weights;
}

inline std::vector<float> initial_ranking(const ParameterLayout& layout, std::uint64_t seed, std::uint32_t member) {
  std::vector<float> weights(layout.size(), 0.0f);
  std::uint32_t number = 0;
  for (const ParameterBlock& block : layout.blocks()) {
    draw_block(block, RandomStream{seed, member, Stream::ranking_initial_weights, 0, number++}, weights);
  }
  return weights;
}

}  // namespace phaseselect::oracle
