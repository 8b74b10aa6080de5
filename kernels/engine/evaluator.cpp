#include "kernels/engine/evaluator.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "kernels/runtime/device_algorithms.hpp"
#include "kernels/statistics.hpp"

namespace phaseselect::cuda {
namespace {

// Bytes of member values that are held on the device at once.
constexpr std::size_t chunk_bytes = std::size_t{64} << 20;
// Fields of a chunk at most: enough blocks to fill a GPU even for a single member.
constexpr std::size_t most_fields = 16384;

// bytes: of results and scratch, of one field of one member.
std::size_t chunk_fields(std::size_t members, std::size_t bytes) {
  return std::clamp<std::size_t>(chunk_bytes / std::max<std::size_t>(1, members * bytes), 1, most_fields);
}

}  // namespace

FieldSelection Evaluator::upload_fields(FieldView fields) {
  need(stream_, fields_, fields.rows.size(), "phase fields");
  fields_.upload(fields.rows);
  return {fields_.data(), fields.slots, FieldRows::all, 0, static_cast<int>(fields.size())};
}

void Evaluator::evaluate_chunk(FieldOutput output, const FieldSelection& selection, int tasks,
                               const MemberState* members, DeviceBuffer<float>& out) {
  EvaluateParams params = evaluate_params(model_, output, selection, tasks_.data(), members);
  need(stream_, scratch_, evaluate_blocks(params, tasks) * params.plan.scratch_bytes, "an evaluation's activations");
  params.scratch = scratch_.data();
  params.out = out.data();
  params.stride = selection.count;
  evaluate(stream_, params, tasks);
}

void Evaluator::reconstruct_chunk(const FieldSelection& selection, int tasks, const MemberState* members,
                                  DeviceBuffer<float>& out) {
  ReconstructionParams params = reconstruction_params(model_, selection, tasks_.data(), members);
  need(stream_, scratch_, reconstruction_blocks(params, tasks) * params.network.plan.scratch_bytes,
       "an evaluation's activations");
  params.network.scratch = scratch_.data();
  params.out = out.data();
  params.stride = selection.count;
  reconstruction(stream_, params, tasks);
}

// Calls evaluate(selection) for one chunk of fields after another and copies values_ out.
template <typename Evaluate>
void Evaluator::in_chunks(std::span<const Slot> slots, FieldView fields, std::size_t values, std::size_t scratch,
                          std::span<float> out, Evaluate evaluate) {
  const std::size_t count = fields.size();
  if (fields.slots > model_.architecture().slots) throw std::logic_error("fields have more slots than the model");
  if (out.size() != slots.size() * count * values) {
    throw std::logic_error("a buffer handed to the engine has the wrong size");
  }
  if (out.empty()) return;
  upload_tasks(stream_, tasks_, slots);
  const std::size_t chunk = std::min(count, chunk_fields(slots.size(), values * sizeof(float) + scratch));
  need(stream_, values_, slots.size() * chunk * values, "results");
  const auto width = static_cast<std::size_t>(fields.slots);
  for (std::size_t first = 0; first < count; first += chunk) {
    const std::size_t size = std::min(chunk, count - first);
    evaluate(upload_fields(FieldView(fields.slots, fields.rows.subspan(first * width, size * width))));
    for (std::size_t s = 0; s < slots.size(); ++s) {
      copy_to_host(stream_, out.data() + (s * count + first) * values, values_.data() + s * size * values,
                   size * values * sizeof(float));
    }
  }
  stream_.synchronise();
}

void Evaluator::outputs(FieldOutput output, std::span<const Slot> slots, FieldView fields, const MemberState* members,
                        std::span<float> out) {
  const std::size_t values = output == FieldOutput::probability ? 1
                             : output == FieldOutput::attention
                                 ? static_cast<std::size_t>(fields.slots)
                                 : static_cast<std::size_t>(model_.architecture().field_width());
  const std::size_t scratch = evaluation_scratch(model_, output, fields.slots);
  in_chunks(slots, fields, values, scratch, out, [&](const FieldSelection& selection) {
    evaluate_chunk(output, selection, static_cast<int>(slots.size()), members, values_);
  });
}

void Evaluator::reconstruction_errors(std::span<const Slot> slots, FieldView fields, const MemberState* members,
                                      std::span<float> out) {
  in_chunks(slots, fields, 1, reconstruction_scratch(model_), out, [&](const FieldSelection& selection) {
    reconstruct_chunk(selection, static_cast<int>(slots.size()), members, values_);
  });
}

// statistics_ of all fields; keys beside it where asked for.
void Evaluator::statistics_on_device(std::span<const Slot> slots, FieldView fields, const MemberState* members,
                                     const Keys& keys) {
  if (slots.empty()) throw std::logic_error("statistics of no members");
  const std::size_t bytes = 2 * sizeof(float) + evaluation_scratch(model_, FieldOutput::probability, fields.slots) +
                            reconstruction_scratch(model_);
  const std::size_t count = fields.size(), chunk = std::min(count, chunk_fields(slots.size(), bytes));
  const int tasks = static_cast<int>(slots.size());
  need(stream_, statistics_, count, "statistics");
  need(stream_, values_, slots.size() * chunk, "results");
  need(stream_, errors_, slots.size() * chunk, "results");
  upload_tasks(stream_, tasks_, slots);
  const FieldSelection all = upload_fields(fields);
  for (std::size_t first = 0; first < count; first += chunk) {
    FieldSelection selection = all;
    selection.first = static_cast<int>(first);
    selection.count = static_cast<int>(std::min(chunk, count - first));
    evaluate_chunk(FieldOutput::probability, selection, tasks, members, values_);
    reconstruct_chunk(selection, tasks, members, errors_);
    EnsembleParams params;
    params.members = tasks;
    params.fields = selection.count;
    params.stride = selection.count;
    params.first = selection.first;
    params.probabilities = values_.data();
    params.errors = errors_.data();
    params.out = statistics_.data();
    params.keys = keys.keys;
    params.positions = keys.positions;
    params.mean_errors = keys.errors;
    cuda::ensemble_statistics(stream_, params);
  }
}

std::vector<FieldStatistics> Evaluator::ensemble_statistics(std::span<const Slot> slots, FieldView fields,
                                                            const MemberState* members) {
  std::vector<FieldStatistics> result(fields.size());
  if (result.empty()) return result;
  statistics_on_device(slots, fields, members, {});
  statistics_.download(result);
  stream_.synchronise();
  return result;
}

BestFields Evaluator::best_fields(std::span<const Slot> slots, FieldView fields, std::size_t top,
                                  const MemberState* members) {
  BestFields best;
  best.smallest_error = best.largest_error = std::numeric_limits<float>::quiet_NaN();
  const std::size_t count = fields.size(), kept = std::min(top, count);
  if (count == 0) return best;
  DeviceBuffer<std::uint64_t> keys(stream_, count, "the selection"), sorted_keys(stream_, count, "the selection");
  DeviceBuffer<std::uint32_t> positions(stream_, count, "the selection"), sorted(stream_, count, "the selection");
  DeviceBuffer<float> errors(stream_, count, "the selection"), range(stream_, 2, "the selection");
  statistics_on_device(slots, fields, members, {keys.data(), positions.data(), errors.data()});
  SortByKey(stream_, count)(stream_, keys.data(), sorted_keys.data(), positions.data(), sorted.data(), count);
  Range(stream_, count)(stream_, errors.data(), count, range.data());
  DeviceBuffer<FieldStatistics> chosen(stream_, kept, "the selection");
  gather_statistics(stream_, {static_cast<int>(kept), sorted.data(), statistics_.data(), chosen.data()});
  best.index.resize(kept);
  best.statistics.resize(kept);
  float limits[2] = {0, 0};
  sorted.download(best.index);
  chosen.download(best.statistics);
  range.download(limits);
  stream_.synchronise();
  best.smallest_error = limits[0];
  best.largest_error = limits[1];
  return best;
}

void Evaluator::fit_scalers(std::span<const Slot> slots, const MemberState* members, std::uint32_t most_training) {
  const int tasks = static_cast<int>(slots.size());
  const auto width = static_cast<std::size_t>(model_.architecture().field_width());
  const std::size_t bytes =
      width * sizeof(float) + evaluation_scratch(model_, FieldOutput::representation, model_.architecture().slots);
  const std::size_t chunk = std::min<std::size_t>(most_training, chunk_fields(slots.size(), bytes));
  upload_tasks(stream_, tasks_, slots);
  need(stream_, values_, slots.size() * chunk * width, "field vectors");
  const DeviceBuffer<double> sums(stream_, slots.size() * width, "field vectors");
  ScalerParams params;
  params.width = static_cast<int>(width);
  params.count = static_cast<int>(chunk);
  params.input_mean = model_.shape.input_mean;
  params.input_deviation = model_.shape.input_deviation;
  params.vectors = values_.data();
  params.sums = sums.data();
  params.tasks = tasks_.data();
  params.members = members;
  for (const Moment moment : {Moment::mean, Moment::deviation}) {
    params.moment = moment;
    for (std::size_t first = 0; first < most_training; first += chunk) {
      params.first = static_cast<int>(first);
      params.last = first + chunk >= most_training;
      const FieldSelection selection{model_.fields.data(), model_.architecture().slots, FieldRows::training,
                                     params.first, params.count};
      evaluate_chunk(FieldOutput::representation, selection, tasks, members, values_);
      ranking_scaler(stream_, params, tasks);
    }
  }
}

}  // namespace phaseselect::cuda
