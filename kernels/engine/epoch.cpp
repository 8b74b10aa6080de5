#include "kernels/engine/epoch.hpp"

#include <algorithm>
#include <stdexcept>

#include "kernels/sample_order.hpp"
#include "kernels/statistics.hpp"

namespace phaseselect::cuda {
namespace {

// Graphs are recorded for so many tasks at a time; blocks without a task return at once.
constexpr int task_granularity = 8;

int rounded_tasks(std::size_t tasks) {
  const int count = static_cast<int>(tasks);
  return count <= task_granularity ? count : (count + task_granularity - 1) / task_granularity * task_granularity;
}

std::uint32_t steps_of(std::size_t rows, int batch) {
  const auto size = static_cast<std::size_t>(batch);
  return static_cast<std::uint32_t>((rows + size - 1) / size);
}

}  // namespace

EpochRunner::EpochRunner(const DeviceModel& model, Stream& stream, Network network)
    : model_(model), stream_(stream), network_(network) {
  if (network == Network::ranking) return;
  const std::span<const DenseLayer> hidden(model.shape.head.data(), model.shape.head.size() - 1);
  penalised_ = DeviceBuffer<DenseLayer>(stream, hidden, "layers");
}

const OptimiserPlan& EpochRunner::plan() const {
  return network_ == Network::classifier ? model_.problem.classifier : model_.problem.ranking;
}

std::size_t EpochRunner::step_scratch(const DeviceModel& model, Network network) {
  return network == Network::classifier ? field_step_params(model, nullptr, nullptr).plan.scratch_bytes
                                        : ranking_step_params(model, nullptr, nullptr).network.plan.scratch_bytes;
}

std::size_t EpochRunner::task_bytes(const DeviceModel& model, Network network, std::size_t rows) {
  const std::size_t held_out =
      sizeof(float) + (network == Network::classifier
                           ? evaluation_scratch(model, FieldOutput::probability, model.architecture().slots)
                           : reconstruction_scratch(model));
  return step_scratch(model, network) + rows * (3 * sizeof(std::uint64_t) + held_out);
}

EpochShape EpochRunner::shape_of(std::span<const EpochTask> tasks, Members& members) const {
  EpochShape shape;
  shape.tasks = rounded_tasks(tasks.size());
  for (const EpochTask& task : tasks) {
    const DeviceMember& member = members.at(task.slot);
    if (!member.trains()) throw std::logic_error("the member was opened for evaluation only");
    shape.most_training = std::max(shape.most_training, static_cast<std::uint32_t>(member.training.size()));
    shape.most_held_out = std::max(shape.most_held_out, static_cast<std::uint32_t>(member.held_out.size()));
  }
  shape.members = members.states();
  return shape;
}

void EpochRunner::prepare(const EpochShape& shape) {
  const auto tasks = static_cast<std::size_t>(shape.tasks);
  const std::size_t keys = tasks * shape.most_training;
  graph_.reset();
  need(stream_, tasks_, tasks, "tasks");
  need(stream_, segments_, tasks + 1, "tasks");
  if (keys > keys_.size() || tasks > sort_tasks_) {
    sort_tasks_ = std::max(tasks, sort_tasks_);
    sort_.emplace(stream_, std::max(keys, keys_.size()), sort_tasks_);
  }
  need(stream_, keys_, keys, "the sample order");
  need(stream_, order_, keys, "the sample order");
  need(stream_, adam_, tasks, "the optimiser");
  need(stream_, decoder_losses_, tasks * static_cast<std::size_t>(model_.shape.partitions), "losses");
  need(stream_, held_out_, tasks * shape.most_held_out, "held-out results");
  need(stream_, results_, tasks, "statistics");
  if (host_results_.size() < tasks) host_results_ = PinnedBuffer<EpochResult>(tasks, "statistics");
  need(stream_, step_scratch_, tasks * step_scratch(model_, network_), "a step's activations");
  const FieldSelection held_out{.slots = model_.architecture().slots,
                                .rows = FieldRows::held_out,
                                .count = static_cast<int>(shape.most_held_out)};
  std::size_t scratch = 0;
  if (network_ == Network::classifier) {
    const EvaluateParams params = evaluate_params(model_, FieldOutput::probability, held_out, nullptr, nullptr);
    scratch = evaluate_blocks(params, shape.tasks) * params.plan.scratch_bytes;
  } else {
    const ReconstructionParams params = reconstruction_params(model_, held_out, nullptr, nullptr);
    scratch = reconstruction_blocks(params, shape.tasks) * params.network.plan.scratch_bytes;
  }
  need(stream_, held_out_scratch_, scratch, "an evaluation's activations");
}

void EpochRunner::upload(std::span<const EpochTask> tasks, const EpochShape& shape, Members& members) {
  std::vector<Task> list;
  std::vector<std::int32_t> segments{0};
  for (const EpochTask& task : tasks) {
    const std::size_t rows = members.at(task.slot).training.size();
    list.push_back({task.slot, task.epoch, steps_of(rows, plan().batch), segments.back()});
    segments.push_back(segments.back() + static_cast<std::int32_t>(rows));
  }
  list.resize(static_cast<std::size_t>(shape.tasks));
  segments.resize(static_cast<std::size_t>(shape.tasks) + 1, segments.back());
  tasks_.upload(list);
  segments_.upload(segments);
}

void EpochRunner::record(const EpochShape& shape) {
  const std::size_t keys = static_cast<std::size_t>(shape.tasks) * shape.most_training;
  results_.zero();
  SampleOrderParams order;
  order.seed = model_.problem.seed;
  order.purpose =
      network_ == Network::classifier ? phaseselect::Stream::sample_order : phaseselect::Stream::ranking_sample_order;
  order.tasks = tasks_.data();
  order.members = shape.members;
  order.keys = keys_.data();
  sample_order_keys(stream_, order, shape.tasks, shape.most_training);
  (*sort_)(stream_, keys_.data(), order_.data(), keys, segments_.data(), static_cast<std::size_t>(shape.tasks));
  const std::uint32_t steps = steps_of(shape.most_training, plan().batch);
  if (network_ == Network::classifier) {
    record_classifier_steps(shape, steps);
  } else {
    record_ranking_steps(shape, steps);
  }
  record_held_out(shape);
  copy_to_host(stream_, host_results_.data(), results_.data(),
               static_cast<std::size_t>(shape.tasks) * sizeof(EpochResult));
}

void EpochRunner::record_classifier_steps(const EpochShape& shape, std::uint32_t steps) {
  FeaturesParams start = features_params(model_, tasks_.data(), shape.members);
  start.adam = adam_.data();
  start.plan = plan();
  DecodeParams decode = decode_params(model_, tasks_.data(), shape.members);
  decode.adam = adam_.data();
  decode.losses = decoder_losses_.data();
  FieldStepParams field = field_step_params(model_, tasks_.data(), shape.members);
  field.order = order_.data();
  field.adam = adam_.data();
  field.results = results_.data();
  field.scratch = step_scratch_.data();
  EncodeParams encode = encode_params(model_, tasks_.data(), shape.members);
  encode.adam = adam_.data();
  const auto decode_launch = model_.problem.precision == Precision::tf32 ? decode_step_tensor : decode_step;
  for (std::uint32_t step = 0; step < steps; ++step) {
    start.step = decode.step = field.step = encode.step = step;
    features(stream_, start, shape.tasks);
    decode_launch(stream_, decode, shape.tasks, model_.device.shared_per_block);
    field_step(stream_, field, shape.tasks);
    encode_step(stream_, encode, shape.tasks, model_.device.shared_per_block);
  }
  FeaturesParams end = features_params(model_, tasks_.data(), shape.members);
  end.tables = true;
  features(stream_, end, shape.tasks);
}

void EpochRunner::record_ranking_steps(const EpochShape& shape, std::uint32_t steps) {
  RankingStepParams params = ranking_step_params(model_, tasks_.data(), shape.members);
  params.order = order_.data();
  params.results = results_.data();
  params.network.scratch = step_scratch_.data();
  for (params.step = 0; params.step < steps; ++params.step) ranking_step(stream_, params, shape.tasks);
}

void EpochRunner::record_held_out(const EpochShape& shape) {
  const FieldSelection held_out{.fields = model_.fields.data(),
                                .slots = model_.architecture().slots,
                                .rows = FieldRows::held_out,
                                .count = static_cast<int>(shape.most_held_out)};
  EpochStatisticsParams statistics;
  statistics.network = network_;
  statistics.held_out = held_out_.data();
  statistics.stride = static_cast<int>(shape.most_held_out);
  statistics.labels = model_.labels.data();
  statistics.decoder_losses = decoder_losses_.data();
  statistics.partitions = model_.shape.partitions;
  statistics.penalised = penalised_.data();
  statistics.penalised_layers = static_cast<int>(penalised_.size());
  statistics.l1 = model_.architecture().l1;
  statistics.l2 = model_.architecture().l2;
  statistics.width = model_.architecture().field_width();
  statistics.tasks = tasks_.data();
  statistics.members = shape.members;
  statistics.results = results_.data();
  if (network_ == Network::classifier) {
    EvaluateParams params = evaluate_params(model_, FieldOutput::probability, held_out, tasks_.data(), shape.members);
    params.out = held_out_.data();
    params.stride = statistics.stride;
    params.scratch = held_out_scratch_.data();
    evaluate(stream_, params, shape.tasks);
  } else {
    ReconstructionParams params = reconstruction_params(model_, held_out, tasks_.data(), shape.members);
    params.out = held_out_.data();
    params.stride = statistics.stride;
    params.network.scratch = held_out_scratch_.data();
    reconstruction(stream_, params, shape.tasks);
  }
  epoch_statistics(stream_, statistics, shape.tasks);
}

std::vector<EpochStatistics> EpochRunner::run(std::span<const EpochTask> tasks, Members& members) {
  if (tasks.empty()) return {};
  std::vector<Slot> slots;
  for (const EpochTask& task : tasks) slots.push_back(task.slot);
  if (network_ == Network::classifier) {
    members.refresh_sums(slots);
  } else {
    members.refresh_tables(slots);
  }
  const EpochShape shape = shape_of(tasks, members);
  if (!graph_ || shape != shape_) {
    prepare(shape);
    graph_ = Graph::capture(stream_, [&] { record(shape); });
    shape_ = shape;
  }
  upload(tasks, shape, members);
  graph_->launch(stream_);
  stream_.synchronise();
  std::vector<EpochStatistics> statistics;
  const double cells =
      static_cast<double>(model_.architecture().elements) * static_cast<double>(model_.architecture().environments);
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    const EpochResult& result = host_results_.span()[t];
    DeviceMember& member = members.at(tasks[t].slot);
    if (network_ == Network::classifier) member.z_current = member.tables_current = true;
    const auto training = static_cast<double>(member.training.size());
    const auto held_out = static_cast<double>(std::max<std::size_t>(member.held_out.size(), 1));
    statistics.push_back({.training_loss = result.training_loss / training,
                          .autoencoder_loss = result.autoencoder_loss / cells,
                          .penalty = result.penalty,
                          .held_out_loss = result.held_out_loss / held_out,
                          .held_out_correct = result.held_out_correct,
                          .held_out = static_cast<std::uint32_t>(member.held_out.size())});
  }
  return statistics;
}

}  // namespace phaseselect::cuda
