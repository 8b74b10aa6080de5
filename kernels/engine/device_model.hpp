// What all members share, on the device: shapes, the grouped matrix from both sides, the fields and their labels.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/common/member.hpp"
#include "kernels/runtime/runtime.hpp"
#include "phaseselect/engine/engine.hpp"
#include "phaseselect/model/parameter_layout.hpp"

namespace phaseselect::cuda {

// Shapes in the form that kernels take them; also what cost estimates are made from.
struct ModelShape {
  explicit ModelShape(const Architecture& architecture);

  ParameterLayout classifier;
  ParameterLayout ranking;
  AttentionShape attention;
  std::vector<DenseLayer> head;           // hidden layers and the logit
  std::vector<DenseLayer> ranking_stack;  // from the noisy field vector to its reconstruction
  int partitions = 0;
  int encoder_weights = 0, encoder_bias = 0, decoder_weights = 0, decoder_bias = 0;  // offsets
  int first_field_weight = 0, field_weights = 0;  // the field network's part of the classifier slab
  int input_mean = 0, input_deviation = 0;        // offsets in the ranking slab

  const ParameterLayout& layout(Network network) const { return network == Network::classifier ? classifier : ranking; }
};

struct DeviceModel {
  DeviceModel(const Problem& problem_, Stream& stream, const Device& device_);

  const Problem& problem;
  const Device device;
  const ModelShape shape;
  const float autoencoder_scale;  // lambda / (E V)

  DeviceBuffer<DenseLayer> head, ranking_stack;
  DeviceBuffer<float> multiplicity;              // [G]
  DeviceBuffer<float> row_factors;               // [E]
  DeviceBuffer<std::uint32_t> pattern;           // [(E + 31) / 32][G]
  DeviceBuffer<std::uint32_t> offsets;           // [G + 1]
  DeviceBuffer<std::uint16_t> rows;              // [ones]
  DeviceBuffer<std::uint32_t> tile_offsets;      // [tiles * (E + 1)]
  DeviceBuffer<std::uint8_t> tile_members;       // [ones]
  DeviceBuffer<std::uint32_t> column_offsets;    // [G + 1]; empty for evaluation only
  DeviceBuffer<std::uint32_t> columns_of_group;  // [V]
  DeviceBuffer<std::int16_t> fields;             // [N][slots]
  DeviceBuffer<std::uint8_t> labels;             // [N]
  DeviceBuffer<std::uint8_t> permutations;       // [orders][slots + 1][slots]

  const Architecture& architecture() const { return problem.architecture; }
};

}  // namespace phaseselect::cuda
