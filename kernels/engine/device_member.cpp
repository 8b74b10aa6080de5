#include "kernels/engine/device_member.hpp"

#include <stdexcept>
#include <utility>

#include "kernels/initial_weights.hpp"

namespace phaseselect::cuda {
namespace {

DeviceBuffer<float> floats(Stream& stream, std::size_t size, const char* purpose) {
  return DeviceBuffer<float>(stream, size, purpose);
}

NetworkBuffers fresh_network(const ParameterLayout& layout, Stream& stream) {
  return {floats(stream, layout.size(), "a member's weights"),
          floats(stream, layout.size(), "a member's moments"),
          floats(stream, layout.size(), "a member's moments"),
          {}};
}

DeviceBuffer<float> copy_of(const ParameterLayout& layout, Stream& stream, std::span<const float> weights) {
  if (weights.size() != layout.size()) throw std::logic_error("a buffer handed to the engine has the wrong size");
  return DeviceBuffer<float>(stream, weights, "a member's weights");
}

// The bits of draw_initial_classifier and draw_initial_ranking.
void draw(const DeviceModel& model, Stream& stream, const ParameterLayout& layout, phaseselect::Stream purpose,
          std::uint32_t member, float* weights) {
  for (const ParameterBlock& block : layout.blocks()) {
    if (block.initial_limit == 0) continue;
    InitialWeightsParams params;
    params.random = {model.problem.seed, member, purpose, 0, block.index};
    params.block = block.name == "encoder.weights"   ? InitialBlock::encoder
                   : block.name == "decoder.weights" ? InitialBlock::decoder
                                                     : InitialBlock::dense;
    params.limit = block.initial_limit;
    params.weights = weights + block.offset;
    params.rows = static_cast<int>(block.rows);
    params.columns = static_cast<int>(block.columns);
    params.environments = model.problem.groups.environments;
    params.column_offsets = model.column_offsets.data();
    params.columns_of_group = model.columns_of_group.data();
    initial_weights(stream, params);
  }
}

}  // namespace

DeviceBuffer<float>& NetworkBuffers::role(Role role) {
  switch (role) {
    case Role::weights:
      return weights;
    case Role::first_moment:
      return first_moment;
    case Role::second_moment:
      return second_moment;
    case Role::best:
      return best;
  }
  throw std::logic_error("no such role");
}

DeviceMember::DeviceMember(const DeviceModel& model, Stream& stream, MemberPlan plan_)
    : plan(std::move(plan_)),
      classifier(fresh_network(model.shape.classifier, stream)),
      training(stream, std::span<const std::uint32_t>(plan.training), "training rows"),
      held_out(stream, std::span<const std::uint32_t>(plan.held_out), "held-out rows") {
  allocate_features(model, stream);
  dh_partial = floats(stream, z_partial.size(), "a member's gradients");
  dz = floats(stream, h.size(), "a member's gradients");
  double count[2] = {0, 0};
  for (const std::uint32_t row : plan.training) count[model.problem.labels[row] != 0 ? 1 : 0] += 1;
  const bool balanced = model.architecture().class_weights == ClassWeights::balanced;
  for (int c = 0; c < 2; ++c) {
    if (balanced && count[c] > 0) {
      class_weight[c] = static_cast<float>(static_cast<double>(plan.training.size()) / (2.0 * count[c]));
    }
  }
  draw(model, stream, model.shape.classifier, phaseselect::Stream::initial_weights, plan.id, classifier.weights.data());
}

DeviceMember::DeviceMember(const DeviceModel& model, Stream& stream, std::span<const float> classifier_weights,
                           std::span<const float> ranking_weights) {
  classifier.weights = copy_of(model.shape.classifier, stream, classifier_weights);
  if (!ranking_weights.empty()) ranking.weights = copy_of(model.shape.ranking, stream, ranking_weights);
  allocate_features(model, stream);
}

void DeviceMember::allocate_features(const DeviceModel& model, Stream& stream) {
  const auto features = static_cast<std::size_t>(model.architecture().features);
  const auto elements = static_cast<std::size_t>(model.architecture().attention_elements());
  const std::size_t encoded = static_cast<std::size_t>(model.architecture().elements) * features;
  z_partial = floats(stream, static_cast<std::size_t>(model.shape.partitions) * encoded, "element features");
  h = floats(stream, elements * features, "element features");
  tables = floats(stream, elements * static_cast<std::size_t>(model.shape.attention.table_width), "element features");
}

void DeviceMember::begin_ranking(const DeviceModel& model, Stream& stream) {
  ranking = fresh_network(model.shape.ranking, stream);
  draw(model, stream, model.shape.ranking, phaseselect::Stream::ranking_initial_weights, plan.id,
       ranking.weights.data());
}

MemberState DeviceMember::state() const {
  MemberState state;
  state.id = plan.id;
  state.classifier = classifier.slab();
  state.ranking = ranking.slab();
  state.training = training.data();
  state.held_out = held_out.data();
  state.training_count = static_cast<std::uint32_t>(training.size());
  state.held_out_count = static_cast<std::uint32_t>(held_out.size());
  state.class_weight[0] = class_weight[0];
  state.class_weight[1] = class_weight[1];
  state.z_partial = z_partial.data();
  state.h = h.data();
  state.tables = tables.data();
  state.dh_partial = dh_partial.data();
  state.dz = dz.data();
  return state;
}

std::size_t DeviceMember::training_bytes(const DeviceModel& model) {
  const Architecture& architecture = model.architecture();
  const std::size_t slabs = 4 * (model.shape.classifier.size() + model.shape.ranking.size());
  const std::size_t features = static_cast<std::size_t>(architecture.attention_elements()) *
                               static_cast<std::size_t>(architecture.features) *
                               static_cast<std::size_t>(2 * model.shape.partitions + 2);
  const std::size_t tables = static_cast<std::size_t>(architecture.attention_elements()) *
                             static_cast<std::size_t>(model.shape.attention.table_width);
  return (slabs + features + tables) * sizeof(float) + model.problem.labels.size() * sizeof(std::uint32_t);
}

}  // namespace phaseselect::cuda
