// The ranking autoencoder of one member (DESIGN.md 3.3). Field vectors are computed from the classifier's tables
// when they are needed: that costs little and keeps no [fields][n * k] array per member.
#include <algorithm>
#include <cmath>

#include "host/engine/cpu/model.hpp"

namespace phaseselect::cpu {
namespace {

constexpr std::size_t chunk = 64;

// (r - mean) / deviation for `fields` rows of field vectors, in place.
void standardise(const Model& model, const Member& member, std::size_t fields, float* values) {
  const auto width = static_cast<std::size_t>(model.architecture().field_width());
  const float* mean = member.ranking.weights.data() + model.input_mean;
  const float* deviation = member.ranking.weights.data() + model.input_deviation;
  for (std::size_t f = 0; f < fields; ++f) {
    float* row = values + f * width;
    for (std::size_t i = 0; i < width; ++i) row[i] = (row[i] - mean[i]) / deviation[i];
  }
}

// Calls visit(vectors, count) for consecutive chunks of the rows' field vectors.
template <typename Visit>
void for_each_chunk(const Model& model, const Member& member, std::span<const std::uint32_t> rows, Workspace& workspace,
                    Visit visit) {
  workspace.standardised.need(chunk * static_cast<std::size_t>(model.architecture().field_width()));
  for (std::size_t first = 0; first < rows.size(); first += chunk) {
    const std::size_t count = std::min(chunk, rows.size() - first);
    const FieldSet fields = gather_fields(model.problem, rows.subspan(first, count));
    representations(model, member, fields, workspace, workspace.standardised.data());
    visit(workspace.standardised.data(), count);
  }
}

void fit_scaler(const Model& model, Member& member, Workspace& workspace) {
  const auto width = static_cast<std::size_t>(model.architecture().field_width());
  const auto n = static_cast<double>(member.plan.training.size());
  std::vector<double> mean(width), variance(width);
  for_each_chunk(model, member, member.plan.training, workspace, [&](const float* values, std::size_t count) {
    for (std::size_t i = 0; i < count * width; ++i) mean[i % width] += static_cast<double>(values[i]);
  });
  for (double& value : mean) value /= n;
  for_each_chunk(model, member, member.plan.training, workspace, [&](const float* values, std::size_t count) {
    for (std::size_t i = 0; i < count * width; ++i) {
      const double difference = static_cast<double>(values[i]) - mean[i % width];
      variance[i % width] += difference * difference;
    }
  });
  for (std::size_t i = 0; i < width; ++i) {
    const auto deviation = static_cast<float>(std::sqrt(variance[i] / n));
    member.ranking.weights.data()[model.input_mean + i] = static_cast<float>(mean[i]);
    member.ranking.weights.data()[model.input_deviation + i] = deviation > 0 ? deviation : 1.0f;
  }
}

struct RankingStep {
  std::uint32_t epoch = 0;
  std::uint32_t index = 0;
  std::span<const std::uint32_t> rows;
};

// Squared error of the batch, summed over samples of the mean over dimensions.
double train_step(const Model& model, Member& member, const RankingStep& step, const AdamStep& adam,
                  Workspace& workspace) {
  const auto width = static_cast<std::size_t>(model.architecture().field_width());
  const std::size_t size = step.rows.size() * width;
  const int rows = static_cast<int>(step.rows.size());
  float* slab = member.ranking.weights.data();
  const FieldSet fields = gather_fields(model.problem, step.rows);
  representations(model, member, fields, workspace, workspace.standardised.data());
  standardise(model, member, step.rows.size(), workspace.standardised.data());

  const DenseStack::Dropout dropout{
      {model.problem.seed, member.plan.id, Stream::ranking_dropout, step.epoch, step.index},
      static_cast<float>(model.architecture().ranking_dropout)};
  std::copy_n(workspace.standardised.data(), size, workspace.noisy.data());
  if (dropout.rate > 0) {
    apply_dropout(dropout.random, 0, dropout.rate, rows, static_cast<int>(width), workspace.noisy.data());
  }
  const float* output = model.ranking_stack.forward(model.kernels, slab, workspace.noisy.data(),
                                                    static_cast<int>(width), rows, &dropout, workspace.activations);
  double loss = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const float difference = output[i] - workspace.standardised.data()[i];
    loss += static_cast<double>(difference) * static_cast<double>(difference);
    workspace.d_output.data()[i] = 2.0f * difference / static_cast<float>(size);
  }
  model.ranking_stack.backward(model.kernels, slab, workspace.noisy.data(), rows, &dropout, workspace.d_output.data(),
                               workspace.activations, workspace.gradients.data(), nullptr);
  for (const ParameterBlock& block : model.ranking.blocks()) {
    if (!block.trained) continue;
    model.kernels.adam(adam, member.ranking.at(block.offset), workspace.gradients.data() + block.offset, block.size());
  }
  return loss / static_cast<double>(width);
}

void reserve(const Model& model, Workspace& workspace) {
  const std::size_t size = static_cast<std::size_t>(std::max(model.problem.ranking.batch, static_cast<int>(chunk))) *
                           static_cast<std::size_t>(model.architecture().field_width());
  workspace.standardised.need(size);
  workspace.noisy.need(size);
  workspace.d_output.need(size);
  workspace.gradients.need(model.ranking.size());
}

}  // namespace

void begin_ranking(const Model& model, Member& member, Workspace& workspace) {
  refresh_tables(model, member);
  const std::size_t size = model.ranking.size();
  member.ranking = NetworkState{Buffer(size), Buffer(size), Buffer(size), Buffer()};
  draw_initial_ranking(model.ranking, model.problem.seed, member.plan.id, member.ranking.weights.span());
  fit_scaler(model, member, workspace);
}

std::optional<EpochStatistics> ranking_epoch(const Model& model, Member& member, std::uint32_t epoch,
                                             Workspace& workspace, const Stop& stop) {
  const OptimiserPlan& plan = model.problem.ranking;
  reserve(model, workspace);
  refresh_tables(model, member);
  std::vector<std::uint32_t> order = sample_order(model.problem.seed, member.plan.id, Stream::ranking_sample_order,
                                                  epoch, member.plan.training.size());
  for (std::uint32_t& position : order) position = member.plan.training[position];
  const auto batch = static_cast<std::size_t>(plan.batch);
  const std::size_t steps = (order.size() + batch - 1) / batch;
  EpochStatistics statistics;
  for (std::size_t i = 0; i < steps; ++i) {
    if (stop && stop()) return std::nullopt;
    const std::size_t first = i * batch;
    const RankingStep step{epoch, static_cast<std::uint32_t>(i),
                           std::span(order).subspan(first, std::min(batch, order.size() - first))};
    const AdamStep adam =
        adam_step(plan, epoch * std::uint64_t{steps} + i, static_cast<std::uint64_t>(plan.epochs) * steps);
    statistics.training_loss += train_step(model, member, step, adam, workspace);
  }
  statistics.training_loss /= static_cast<double>(order.size());
  const FieldSet held_out = gather_fields(model.problem, member.plan.held_out);
  std::vector<float> errors(held_out.size());
  reconstruction_errors(model, member, held_out, workspace, errors.data());
  for (const float error : errors) statistics.held_out_loss += static_cast<double>(error) * static_cast<double>(error);
  if (!errors.empty()) {
    statistics.held_out_loss /=
        static_cast<double>(errors.size()) * static_cast<double>(model.architecture().field_width());
  }
  statistics.held_out = static_cast<std::uint32_t>(errors.size());
  return statistics;
}

void reconstruction_errors(const Model& model, const Member& member, FieldView fields, Workspace& workspace,
                           float* out) {
  const auto width = static_cast<std::size_t>(model.architecture().field_width());
  const auto slots = static_cast<std::size_t>(fields.slots);
  workspace.standardised.need(chunk * width);
  for (std::size_t first = 0; first < fields.size(); first += chunk) {
    const std::size_t count = std::min(chunk, fields.size() - first);
    float* input = workspace.standardised.data();
    representations(model, member, FieldView(fields.slots, fields.rows.subspan(first * slots, count * slots)),
                    workspace, input);
    standardise(model, member, count, input);
    const float* output =
        model.ranking_stack.forward(model.kernels, member.ranking.weights.data(), input, static_cast<int>(width),
                                    static_cast<int>(count), nullptr, workspace.activations);
    for (std::size_t f = 0; f < count; ++f) {
      float sum = 0;
      for (std::size_t i = f * width; i < (f + 1) * width; ++i) {
        const float difference = output[i] - input[i];
        sum += difference * difference;
      }
      out[first + f] = std::sqrt(sum);
    }
  }
}

}  // namespace phaseselect::cpu
