// Initial weights. Draws are consumed four at a time; the bits do not depend on that.
#include <algorithm>
#include <vector>

#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/model/parameter_layout.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect {
namespace {

RandomStream stream_of(const ParameterBlock& block, std::uint64_t seed, std::uint32_t member, Stream stream) {
  return RandomStream{seed, member, stream, 0, block.index};
}

// Calls visit(position, draw) for position = 0 .. count-1.
template <typename Visit>
void for_each_draw(const RandomStream& random, float limit, std::size_t count, Visit visit) {
  for (std::size_t position = 0; position < count; position += 4) {
    const PhiloxBlock block = random.block(static_cast<std::uint32_t>(position / 4));
    const std::size_t end = std::min<std::size_t>(count - position, 4);
    for (std::size_t i = 0; i < end; ++i) visit(position + i, symmetric(block.word[i], limit));
  }
}

// Row g is the sum of the draws of its environments, in ascending order of the environments.
void draw_encoder(const ParameterBlock& block, const EnvironmentGroups& groups, const RandomStream& random,
                  float* weights) {
  const std::size_t k = block.columns;
  std::size_t environment = 0;
  std::size_t feature = 0;
  for_each_draw(random, block.initial_limit, k * groups.environments, [&](std::size_t, float draw) {
    weights[groups.column_group[environment] * k + feature] += draw;
    if (++feature == k) {
      feature = 0;
      ++environment;
    }
  });
}

// Column g holds the draws of the first environment of the group, at its place in the ungrouped [k][V] kernel.
void draw_decoder(const ParameterBlock& block, const EnvironmentGroups& groups, const RandomStream& random,
                  float* weights) {
  std::vector<std::uint32_t> first(block.columns);
  for (std::uint32_t j = groups.environments; j-- > 0;) first[groups.column_group[j]] = j;
  for (std::size_t feature = 0; feature < block.rows; ++feature) {
    for (std::size_t g = 0; g < block.columns; ++g) {
      const auto position = static_cast<std::uint32_t>(feature * groups.environments + first[g]);
      weights[feature * block.columns + g] = symmetric(random(position), block.initial_limit);
    }
  }
}

void draw_dense(const ParameterBlock& block, const RandomStream& random, float* weights) {
  for_each_draw(random, block.initial_limit, block.size(),
                [&](std::size_t position, float draw) { weights[position] = draw; });
}

}  // namespace

void draw_initial_classifier(const ParameterLayout& layout, const EnvironmentGroups& groups, std::uint64_t seed,
                             std::uint32_t member, std::span<float> weights) {
  std::fill(weights.begin(), weights.end(), 0.0f);
  for (const ParameterBlock& block : layout.blocks()) {
    if (block.initial_limit == 0) continue;
    const RandomStream random = stream_of(block, seed, member, Stream::initial_weights);
    float* target = weights.data() + block.offset;
    if (block.name == "encoder.weights") {
      draw_encoder(block, groups, random, target);
    } else if (block.name == "decoder.weights") {
      draw_decoder(block, groups, random, target);
    } else {
      draw_dense(block, random, target);
    }
  }
}

void draw_initial_ranking(const ParameterLayout& layout, std::uint64_t seed, std::uint32_t member,
                          std::span<float> weights) {
  std::fill(weights.begin(), weights.end(), 0.0f);
  for (const ParameterBlock& block : layout.blocks()) {
    if (block.initial_limit == 0) continue;
    draw_dense(block, stream_of(block, seed, member, Stream::ranking_initial_weights), weights.data() + block.offset);
  }
}

}  // namespace phaseselect
