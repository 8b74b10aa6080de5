#include "kernels/engine/launches.hpp"

namespace phaseselect::cuda {
namespace {

RankingParams ranking_params(const DeviceModel& model, const Task* tasks, const MemberState* members) {
  RankingParams params;
  params.slots = model.architecture().slots;
  params.layers = static_cast<int>(model.shape.ranking_stack.size());
  params.dense = model.ranking_stack.data();
  params.attention = model.shape.attention;
  params.input_mean = model.shape.input_mean;
  params.input_deviation = model.shape.input_deviation;
  params.weight_count = static_cast<int>(model.shape.ranking.size());
  params.tasks = tasks;
  params.members = members;
  return params;
}

}  // namespace

EncodeParams encode_params(const DeviceModel& model, const Task* tasks, const MemberState* members) {
  EncodeParams params;
  params.elements = model.architecture().elements;
  params.groups = model.architecture().groups;
  params.features = model.architecture().features;
  params.weights = model.shape.encoder_weights;
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

FieldStepParams field_step_params(const DeviceModel& model, const Task* tasks, const MemberState* members) {
  const Architecture& architecture = model.architecture();
  FieldStepParams params;
  params.elements = architecture.elements;
  params.slots = architecture.slots;
  params.batch = model.problem.classifier.batch;
  params.layers = static_cast<int>(model.shape.head.size());
  params.dense = model.head.data();
  params.attention = model.shape.attention;
  params.encoder_bias = model.shape.encoder_bias;
  params.first_weight = model.shape.first_field_weight;
  params.weight_count = model.shape.field_weights;
  params.partitions = model.shape.partitions;
  params.dropout = static_cast<float>(architecture.dropout);
  params.l1 = static_cast<float>(architecture.l1);
  params.l2 = static_cast<float>(architecture.l2);
  params.autoencoder_scale = model.autoencoder_scale;
  params.random_order = architecture.slot_order == SlotOrder::random;
  params.seed = model.problem.seed;
  params.fields = model.fields.data();
  params.labels = model.labels.data();
  params.tasks = tasks;
  params.members = members;
  plan_field_step(params, model.shape.head, model.device.shared_per_block);
  return params;
}

RankingStepParams ranking_step_params(const DeviceModel& model, const Task* tasks, const MemberState* members) {
  RankingStepParams params;
  params.network = ranking_params(model, tasks, members);
  params.batch = model.problem.ranking.batch;
  params.dropout = static_cast<float>(model.architecture().ranking_dropout);
  params.seed = model.problem.seed;
  params.optimiser = model.problem.ranking;
  params.fields = model.fields.data();
  plan_ranking_step(params, model.shape.ranking_stack, model.device.shared_per_block);
  return params;
}

EvaluateParams evaluate_params(const DeviceModel& model, FieldOutput output, const FieldSelection& selection,
                               const Task* tasks, const MemberState* members) {
  EvaluateParams params;
  params.output = output;
  params.selection = selection;
  // Slots that no field fills are zero in the field vector: the classifier leaves their inputs out.
  params.slots = output == FieldOutput::representation ? model.architecture().slots : selection.slots;
  params.layers = static_cast<int>(model.shape.head.size());
  params.dense = model.head.data();
  params.attention = model.shape.attention;
  params.orders = output == FieldOutput::probability ? model.architecture().prediction_orders : 1;
  params.permutations = model.permutations.data();
  params.permutation_slots = model.architecture().slots;
  params.tasks = tasks;
  params.members = members;
  plan_evaluate(params, model.shape.head, model.device.shared_per_block);
  return params;
}

ReconstructionParams reconstruction_params(const DeviceModel& model, const FieldSelection& selection, const Task* tasks,
                                           const MemberState* members) {
  ReconstructionParams params;
  params.network = ranking_params(model, tasks, members);
  params.selection = selection;
  plan_reconstruction(params, model.shape.ranking_stack, model.device.shared_per_block);
  return params;
}

}  // namespace phaseselect::cuda
