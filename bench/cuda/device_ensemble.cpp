#include "bench/cuda/device_ensemble.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "host/engine/ensemble.hpp"
#include "host/pipeline/problem.hpp"
#include "kernels/runtime/device_algorithms.hpp"
#include "kernels/sample_order.hpp"
#include "kernels/statistics.hpp"

namespace phaseselect::cuda {

double copy_bandwidth(Stream& stream) {
  constexpr int copies = 20;
  const std::size_t bytes = std::min(std::size_t{1} << 30, free_memory() / 8);
  const DeviceBuffer<std::byte> from(stream, bytes, "a copy"), to(stream, bytes, "a copy");
  Timer timer(stream);
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    timer.start();
    for (int i = 0; i < copies; ++i) copy_on_device(stream, to.data(), from.data(), bytes);
    best = std::max(best, 2.0 * copies * static_cast<double>(bytes) / timer.stop_seconds());
  }
  return best;
}

DeviceEnsemble::DeviceEnsemble(int members)
    : problem_(paper().problem), model_(problem_, stream_, select_device()), members_(model_, stream_) {
  open_members(members);
  const auto count = static_cast<std::size_t>(members);
  adam_ = DeviceBuffer<AdamStep>(stream_, count, "the optimiser");
  losses_ = DeviceBuffer<double>(stream_, count * static_cast<std::size_t>(model_.shape.partitions), "losses");
  results_ = DeviceBuffer<EpochResult>(stream_, count, "statistics");
  const std::vector<std::int16_t> rows = all_candidates(problem_.architecture.elements, 3);
  candidates_ = DeviceBuffer<std::int16_t>(stream_, std::span(rows).first(3 * candidates), "phase fields");
  probabilities_ = DeviceBuffer<float>(stream_, count * candidates, "results");
  errors_ = DeviceBuffer<float>(stream_, count * candidates, "results");
  statistics_ = DeviceBuffer<FieldStatistics>(stream_, candidates, "statistics");
  // A first step, so that every array holds what it holds in training.
  features()();
  decode(Precision::fp32)();
  field_step()();
  encode()();
  stream_.synchronise();
}

void DeviceEnsemble::open_members(int count) {
  const auto plans = ensemble_plans(paper().config, problem_, 0, static_cast<std::uint32_t>(count));
  slots_ = all_slots(count);
  std::vector<Task> tasks;
  std::int32_t first = 0;
  std::uint32_t most_training = 0;
  for (const Slot slot : slots_) {
    const MemberPlan& plan = plans[static_cast<std::size_t>(slot)];
    tasks.push_back({slot, 0, static_cast<std::uint32_t>(steps_of(plan, problem_.classifier)), first});
    first += static_cast<std::int32_t>(plan.training.size());
    most_training = std::max(most_training, static_cast<std::uint32_t>(plan.training.size()));
    members_.place(slot, std::make_unique<DeviceMember>(model_, stream_, plan));
    members_.at(slot).begin_ranking(model_, stream_);
  }
  tasks_ = DeviceBuffer<Task>(stream_, std::span<const Task>(tasks), "tasks");
  members_.refresh_tables(slots_);
  Evaluator(model_, stream_).fit_scalers(slots_, members_.states(), most_training);
  order_samples();
}

void DeviceEnsemble::order_samples() {
  std::vector<std::int32_t> segments{0};
  std::uint32_t most = 0;
  for (const Slot slot : slots_) {
    const auto rows = static_cast<std::uint32_t>(members_.at(slot).training.size());
    segments.push_back(segments.back() + static_cast<std::int32_t>(rows));
    most = std::max(most, rows);
  }
  const auto keys = static_cast<std::size_t>(segments.back());
  const DeviceBuffer<std::int32_t> device_segments(stream_, std::span<const std::int32_t>(segments), "tasks");
  const DeviceBuffer<std::uint64_t> unsorted(stream_, keys, "the sample order");
  order_ = DeviceBuffer<std::uint64_t>(stream_, keys, "the sample order");
  SampleOrderParams params;
  params.seed = problem_.seed;
  params.tasks = tasks_.data();
  params.members = members_.states();
  params.keys = unsorted.data();
  sample_order_keys(stream_, params, members(), most);
  SegmentedSort(stream_, keys, slots_.size())(stream_, unsorted.data(), order_.data(), keys, device_segments.data(),
                                              slots_.size());
}

FieldSelection DeviceEnsemble::selection() const { return {candidates_.data(), 3, FieldRows::all, 0, candidates}; }

DeviceEnsemble::Launch DeviceEnsemble::features() {
  FeaturesParams params = features_params(model_, tasks_.data(), members_.states());
  params.adam = adam_.data();
  params.plan = problem_.classifier;
  return [this, params] { cuda::features(stream_, params, members()); };
}

DeviceEnsemble::Launch DeviceEnsemble::decode(Precision precision) {
  DecodeParams params = decode_params(model_, tasks_.data(), members_.states());
  params.adam = adam_.data();
  params.losses = losses_.data();
  const auto step = precision == Precision::tf32 ? decode_step_tensor : decode_step;
  return [this, params, step] { step(stream_, params, members(), model_.device.shared_per_block); };
}

DeviceEnsemble::Launch DeviceEnsemble::field_step() {
  FieldStepParams params = field_step_params(model_, tasks_.data(), members_.states());
  need(stream_, field_scratch_, slots_.size() * params.plan.scratch_bytes, "a step's activations");
  params.order = order_.data();
  params.adam = adam_.data();
  params.results = results_.data();
  params.scratch = field_scratch_.data();
  return [this, params] { cuda::field_step(stream_, params, members()); };
}

DeviceEnsemble::Launch DeviceEnsemble::encode() {
  EncodeParams params = encode_params(model_, tasks_.data(), members_.states());
  params.adam = adam_.data();
  return [this, params] { encode_step(stream_, params, members(), model_.device.shared_per_block); };
}

DeviceEnsemble::Launch DeviceEnsemble::ranking_step() {
  RankingStepParams params = ranking_step_params(model_, tasks_.data(), members_.states());
  need(stream_, ranking_scratch_, slots_.size() * params.network.plan.scratch_bytes, "a step's activations");
  params.order = order_.data();
  params.results = results_.data();
  params.network.scratch = ranking_scratch_.data();
  return [this, params] { cuda::ranking_step(stream_, params, members()); };
}

DeviceEnsemble::Launch DeviceEnsemble::evaluate() {
  EvaluateParams params =
      evaluate_params(model_, FieldOutput::probability, selection(), tasks_.data(), members_.states());
  need(stream_, evaluate_scratch_, evaluate_blocks(params, members()) * params.plan.scratch_bytes, "activations");
  params.out = probabilities_.data();
  params.stride = candidates;
  params.scratch = evaluate_scratch_.data();
  return [this, params] { cuda::evaluate(stream_, params, members()); };
}

DeviceEnsemble::Launch DeviceEnsemble::reconstruction() {
  ReconstructionParams params = reconstruction_params(model_, selection(), tasks_.data(), members_.states());
  need(stream_, reconstruction_scratch_, reconstruction_blocks(params, members()) * params.network.plan.scratch_bytes,
       "activations");
  params.out = errors_.data();
  params.stride = candidates;
  params.network.scratch = reconstruction_scratch_.data();
  return [this, params] { cuda::reconstruction(stream_, params, members()); };
}

DeviceEnsemble::Launch DeviceEnsemble::ensemble_statistics() {
  EnsembleParams params;
  params.members = members();
  params.fields = params.stride = candidates;
  params.probabilities = probabilities_.data();
  params.errors = errors_.data();
  params.out = statistics_.data();
  return [this, params] { cuda::ensemble_statistics(stream_, params); };
}

}  // namespace phaseselect::cuda
