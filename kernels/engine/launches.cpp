#include "kernels/engine/launches.hpp"

namespace phaseselect::cuda {
namespace {

RankingParams ranking_shape(const Architecture& architecture, const ModelShape& shape) {
  RankingParams params;
  params.slots = architecture.slots;
  params.layers = static_cast<int>(shape.ranking_stack.size());
  params.attention = shape.attention;
  params.input_mean = shape.input_mean;
  params.input_deviation = shape.input_deviation;
  params.weight_count = static_cast<int>(shape.ranking.size());
  return params;
}

void connect(RankingParams& params, const DeviceModel& model, const Task* tasks, const MemberState* members) {
  params.dense = model.ranking_stack.data();
  params.tasks = tasks;
  params.members = members;
}

}  // namespace

EncodeParams encode_params(const DeviceModel& model, const Task* tasks, const MemberState* members) {
  EncodeParams params;
  params.elements = model.architecture().elements;
  params.groups = model.architecture().groups;
  params.features = model.architecture().features;
  params.weights = model.shape.encoder_weights;
  params.rate = static_cast<float>(model.problem.classifier.encoder_rate);
  params.multiplicity = model.multiplicity.data();
  params.offsets = model.offsets.data();
  params.rows = model.rows.data();
  params.tile_offsets = model.tile_offsets.data();
  params.tile_members = model.tile_members.data();
  params.tasks = tasks;
  params.members = members;
  return params;
}

FeaturesParams features_params(const DeviceModel& model, const Task* tasks, const MemberState* members) {
  FeaturesParams params;
  params.elements = model.architecture().elements;
  params.features = model.architecture().features;
  params.partitions = model.shape.partitions;
  params.encoder_bias = model.shape.encoder_bias;
  params.row_factors = model.row_factors.data();
  params.attention = model.shape.attention;
  params.tasks = tasks;
  params.members = members;
  return params;
}

DecodeParams decode_params(const DeviceModel& model, const Task* tasks, const MemberState* members) {
  DecodeParams params;
  params.elements = model.architecture().elements;
  params.groups = model.architecture().groups;
  params.features = model.architecture().features;
  params.weights = model.shape.decoder_weights;
  params.bias = model.shape.decoder_bias;
  params.scale = model.autoencoder_scale;
  params.pattern = model.pattern.data();
  params.multiplicity = model.multiplicity.data();
  params.tasks = tasks;
  params.members = members;
  return params;
}

FieldStepParams field_step_shape(const Architecture& architecture, const ModelShape& shape, int batch,
                                 std::size_t shared_limit) {
  FieldStepParams params;
  params.elements = architecture.elements;
  params.slots = architecture.slots;
  params.batch = batch;
  params.layers = static_cast<int>(shape.head.size());
  params.attention = shape.attention;
  params.encoder_bias = shape.encoder_bias;
  params.first_weight = shape.first_field_weight;
  params.weight_count = shape.field_weights;
  params.partitions = shape.partitions;
  params.dropout = static_cast<float>(architecture.dropout);
  params.l1 = static_cast<float>(architecture.l1);
  params.l2 = static_cast<float>(architecture.l2);
  params.random_order = architecture.slot_order == SlotOrder::random;
  plan_field_step(params, shape.head, shared_limit);
  return params;
}

FieldStepParams field_step_params(const DeviceModel& model, const Task* tasks, const MemberState* members) {
  FieldStepParams params = field_step_shape(model.architecture(), model.shape, model.problem.classifier.batch,
                                            model.device.shared_per_block);
  params.dense = model.head.data();
  params.row_factors = model.row_factors.data();
  params.autoencoder_scale = model.autoencoder_scale;
  params.seed = model.problem.seed;
  params.fields = model.fields.data();
  params.labels = model.labels.data();
  params.tasks = tasks;
  params.members = members;
  return params;
}

RankingStepParams ranking_step_shape(const Architecture& architecture, const ModelShape& shape, int batch,
                                     std::size_t shared_limit) {
  RankingStepParams params;
  params.network = ranking_shape(architecture, shape);
  params.batch = batch;
  params.dropout = static_cast<float>(architecture.ranking_dropout);
  plan_ranking_step(params, shape.ranking_stack, shared_limit);
  return params;
}

RankingStepParams ranking_step_params(const DeviceModel& model, const Task* tasks, const MemberState* members) {
  RankingStepParams params =
      ranking_step_shape(model.architecture(), model.shape, model.problem.ranking.batch, model.device.shared_per_block);
  connect(params.network, model, tasks, members);
  params.seed = model.problem.seed;
  params.optimiser = model.problem.ranking;
  params.fields = model.fields.data();
  return params;
}

EvaluateParams evaluate_shape(const Architecture& architecture, const ModelShape& shape, FieldOutput output, int slots,
                              std::size_t shared_limit) {
  EvaluateParams params;
  params.output = output;
  // With a mask, slots that no field fills are zero in the field vector: the classifier leaves their inputs out.
  const bool every_slot = output == FieldOutput::representation || !architecture.attention_mask;
  params.slots = every_slot ? architecture.slots : slots;
  params.layers = static_cast<int>(shape.head.size());
  params.attention = shape.attention;
  params.orders = output == FieldOutput::probability ? architecture.prediction_orders : 1;
  params.permutation_slots = architecture.slots;
  plan_evaluate(params, shape.head, shared_limit);
  return params;
}

EvaluateParams evaluate_params(const DeviceModel& model, FieldOutput output, const FieldSelection& selection,
                               const Task* tasks, const MemberState* members) {
  EvaluateParams params =
      evaluate_shape(model.architecture(), model.shape, output, selection.slots, model.device.shared_per_block);
  params.selection = selection;
  params.dense = model.head.data();
  params.permutations = model.permutations.data();
  params.tasks = tasks;
  params.members = members;
  return params;
}

ReconstructionParams reconstruction_shape(const Architecture& architecture, const ModelShape& shape,
                                          std::size_t shared_limit) {
  ReconstructionParams params;
  params.network = ranking_shape(architecture, shape);
  plan_reconstruction(params, shape.ranking_stack, shared_limit);
  return params;
}

ReconstructionParams reconstruction_params(const DeviceModel& model, const FieldSelection& selection, const Task* tasks,
                                           const MemberState* members) {
  ReconstructionParams params = reconstruction_shape(model.architecture(), model.shape, model.device.shared_per_block);
  connect(params.network, model, tasks, members);
  params.selection = selection;
  return params;
}

std::size_t evaluation_scratch(const DeviceModel& model, FieldOutput output, int slots) {
  const EvaluatePlan plan = evaluate_params(model, output, {.slots = slots}, nullptr, nullptr).plan;
  return plan.scratch_bytes / static_cast<std::size_t>(plan.fields);
}

std::size_t reconstruction_scratch(const DeviceModel& model) {
  const RankingPlan plan = reconstruction_params(model, {}, nullptr, nullptr).network.plan;
  return plan.scratch_bytes / static_cast<std::size_t>(plan.fields);
}

}  // namespace phaseselect::cuda
