#include "kernels/engine/device_model.hpp"

#include <cmath>
#include <numeric>
#include <string>

namespace phaseselect::cuda {
namespace {

DenseLayer dense_layer(const ParameterLayout& layout, const std::string& name) {
  const ParameterBlock& weights = layout[name + ".weights"];
  return {static_cast<int>(weights.offset), static_cast<int>(layout[name + ".bias"].offset),
          static_cast<int>(weights.rows), static_cast<int>(weights.columns), 0};
}

std::vector<DenseLayer> stack_of(const ParameterLayout& layout, const std::vector<std::string>& names) {
  std::vector<DenseLayer> layers;
  int units = 0;
  for (const std::string& name : names) {
    layers.push_back(dense_layer(layout, name));
    layers.back().units_before = units;
    units += layers.back().outputs;
  }
  return layers;
}

AttentionShape attention_shape(const Architecture& architecture, const ParameterLayout& layout) {
  AttentionShape shape;
  shape.elements = architecture.attention_elements();
  shape.absent = architecture.attention_mask ? -1 : architecture.elements;
  shape.features = architecture.features;
  shape.heads = architecture.heads;
  shape.key_dim = architecture.key_dim;
  shape.width = architecture.attention_width();
  shape.scale = 1.0f / std::sqrt(static_cast<float>(architecture.key_dim));
  shape.combine = architecture.combine;
  shape.weight = static_cast<float>(architecture.attention_weight);
  shape.projections[0] = dense_layer(layout, "attention.query");
  shape.projections[1] = dense_layer(layout, "attention.key");
  shape.table_width = 2 * shape.width;
  if (architecture.combine != Combine::scores) {
    shape.projections[2] = dense_layer(layout, "attention.value");
    shape.output = dense_layer(layout, "attention.output");
    shape.table_width = 3 * shape.width;
  }
  return shape;
}

std::vector<float> multiplicities(const EnvironmentGroups& groups) {
  return {groups.multiplicity.begin(), groups.multiplicity.end()};
}

std::vector<std::uint32_t> pattern_bits(const EnvironmentGroups& groups) {
  const auto columns = static_cast<std::size_t>(groups.groups());
  std::vector<std::uint32_t> bits(static_cast<std::size_t>((groups.elements + 31) / 32) * columns);
  for (std::size_t g = 0; g < columns; ++g) {
    for (std::uint32_t one = groups.offsets[g]; one < groups.offsets[g + 1]; ++one) {
      bits[groups.rows[one] / 32u * columns + g] |= 1u << (groups.rows[one] % 32u);
    }
  }
  return bits;
}

struct TileLists {
  std::vector<std::uint32_t> offsets;
  std::vector<std::uint8_t> members;
};

TileLists tile_lists(const EnvironmentGroups& groups) {
  TileLists lists;
  for (int first = 0; first < groups.groups(); first += tile_groups) {
    std::vector<std::vector<std::uint8_t>> of_element(static_cast<std::size_t>(groups.elements));
    for (int g = first; g < std::min(first + tile_groups, groups.groups()); ++g) {
      for (std::uint32_t one = groups.offsets[static_cast<std::size_t>(g)];
           one < groups.offsets[static_cast<std::size_t>(g) + 1]; ++one) {
        of_element[groups.rows[one]].push_back(static_cast<std::uint8_t>(g - first));
      }
    }
    for (const std::vector<std::uint8_t>& list : of_element) {
      lists.offsets.push_back(static_cast<std::uint32_t>(lists.members.size()));
      lists.members.insert(lists.members.end(), list.begin(), list.end());
    }
    lists.offsets.push_back(static_cast<std::uint32_t>(lists.members.size()));
  }
  return lists;
}

// Offsets [G + 1] of each group's environments in columns_of_group.
std::vector<std::uint32_t> column_offsets(const EnvironmentGroups& groups) {
  if (groups.column_group.empty()) return {};
  std::vector<std::uint32_t> offsets{0};
  for (const std::uint32_t multiplicity : groups.multiplicity) offsets.push_back(offsets.back() + multiplicity);
  return offsets;
}

std::vector<std::uint32_t> columns_of_group(const EnvironmentGroups& groups) {
  std::vector<std::uint32_t> next = column_offsets(groups);
  std::vector<std::uint32_t> columns(groups.column_group.size());
  for (std::uint32_t j = 0; j < groups.column_group.size(); ++j) columns[next[groups.column_group[j]]++] = j;
  return columns;
}

std::vector<std::uint8_t> permutations(const Problem& problem) {
  const int slots = problem.architecture.slots;
  std::vector<std::uint8_t> table;
  for (int order = 0; order < problem.architecture.prediction_orders; ++order) {
    for (int size = 0; size <= slots; ++size) {
      const std::vector<int> permutation = prediction_permutation(order, size, problem.seed);
      table.insert(table.end(), permutation.begin(), permutation.end());
      table.resize(table.size() + static_cast<std::size_t>(slots - size));
    }
  }
  return table;
}

std::vector<std::string> head_names(const Architecture& architecture) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < architecture.hidden.size(); ++i) names.push_back("hidden." + std::to_string(i));
  names.emplace_back("logit");
  return names;
}

std::vector<std::string> ranking_names(const Architecture& architecture) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i + 1 < ranking_widths(architecture).size(); ++i) {
    names.push_back("ranking." + std::to_string(i));
  }
  return names;
}

int offset_of(const ParameterLayout& layout, const char* name) { return static_cast<int>(layout[name].offset); }

}  // namespace

ModelShape::ModelShape(const Architecture& architecture)
    : classifier(classifier_layout(architecture)),
      ranking(ranking_layout(architecture)),
      attention(attention_shape(architecture, classifier)),
      head(stack_of(classifier, head_names(architecture))),
      ranking_stack(stack_of(ranking, ranking_names(architecture))),
      partitions(partitions_of(architecture.groups)),
      encoder_weights(offset_of(classifier, "encoder.weights")),
      encoder_bias(offset_of(classifier, "encoder.bias")),
      decoder_weights(offset_of(classifier, "decoder.weights")),
      decoder_bias(offset_of(classifier, "decoder.bias")),
      first_field_weight(offset_of(classifier, "attention.query.weights")),
      field_weights(static_cast<int>(classifier.size()) - first_field_weight),
      input_mean(offset_of(ranking, "ranking.input_mean")),
      input_deviation(offset_of(ranking, "ranking.input_deviation")) {}

DeviceModel::DeviceModel(const Problem& problem_, Stream& stream, const Device& device_)
    : problem(problem_),
      device(device_),
      shape(problem_.architecture),
      autoencoder_scale(static_cast<float>(problem_.architecture.autoencoder_weight /
                                           (static_cast<double>(problem_.architecture.elements) *
                                            static_cast<double>(problem_.architecture.environments)))),
      head(stream, std::span<const DenseLayer>(shape.head), "layers"),
      ranking_stack(stream, std::span<const DenseLayer>(shape.ranking_stack), "layers"),
      multiplicity(stream, std::span<const float>(multiplicities(problem_.groups)), "the environment matrix"),
      row_factors(
          stream,
          std::span<const float>(phaseselect::row_factors(problem_.architecture.normalisation, problem_.groups)),
          "the environment matrix"),
      pattern(stream, std::span<const std::uint32_t>(pattern_bits(problem_.groups)), "the environment matrix"),
      offsets(stream, std::span<const std::uint32_t>(problem_.groups.offsets), "the environment matrix"),
      rows(stream, std::span<const std::uint16_t>(problem_.groups.rows), "the environment matrix"),
      column_offsets(stream, std::span<const std::uint32_t>(cuda::column_offsets(problem_.groups)),
                     "the environment matrix"),
      columns_of_group(stream, std::span<const std::uint32_t>(cuda::columns_of_group(problem_.groups)),
                       "the environment matrix"),
      fields(stream, std::span<const std::int16_t>(problem_.fields.rows), "phase fields"),
      labels(stream, std::span<const std::uint8_t>(problem_.labels), "labels"),
      permutations(stream, std::span<const std::uint8_t>(cuda::permutations(problem_)), "prediction orders") {
  const TileLists lists = tile_lists(problem.groups);
  tile_offsets =
      DeviceBuffer<std::uint32_t>(stream, std::span<const std::uint32_t>(lists.offsets), "the environment matrix");
  tile_members =
      DeviceBuffer<std::uint8_t>(stream, std::span<const std::uint8_t>(lists.members), "the environment matrix");
}

}  // namespace phaseselect::cuda
