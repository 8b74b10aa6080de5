#include "host/engine/cpu/model.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

namespace phaseselect::cpu {
namespace {

std::vector<std::string> head_names(const Architecture& architecture) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < architecture.hidden.size(); ++i) names.push_back("hidden." + std::to_string(i));
  names.push_back("logit");
  return names;
}

std::vector<std::string> ranking_names(const Architecture& architecture) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i + 1 < ranking_widths(architecture).size(); ++i)
    names.push_back("ranking." + std::to_string(i));
  return names;
}

}  // namespace

Model::Model(const Problem& problem_, const VectorKernels& kernels_)
    : problem(problem_),
      kernels(kernels_),
      classifier(classifier_layout(problem_.architecture)),
      ranking(ranking_layout(problem_.architecture)),
      attention(problem_.architecture, classifier),
      head(classifier, head_names(problem_.architecture)),
      ranking_stack(ranking, ranking_names(problem_.architecture)),
      kp(static_cast<int>(padded(static_cast<std::size_t>(problem_.architecture.features)))),
      encoder_weights(classifier["encoder.weights"].offset),
      encoder_bias(classifier["encoder.bias"].offset),
      decoder_weights(classifier["decoder.weights"].offset),
      decoder_bias(classifier["decoder.bias"].offset),
      input_mean(ranking["ranking.input_mean"].offset),
      input_deviation(ranking["ranking.input_deviation"].offset),
      row_factors(phaseselect::row_factors(problem_.architecture.normalisation, problem_.groups)),
      multiplicity_(problem_.groups.multiplicity.size()) {
  const EnvironmentGroups& groups = problem.groups;
  std::copy(groups.multiplicity.begin(), groups.multiplicity.end(), multiplicity_.data());
  pattern = Pattern{groups.elements,       groups.groups(),    problem.architecture.features,
                    groups.offsets.data(), groups.rows.data(), multiplicity_.data()};
}

void refresh_tables(const Model& model, Member& member) {
  if (member.tables_current) return;
  const int elements = model.pattern.elements;
  const int k = model.pattern.features;
  const std::size_t size = static_cast<std::size_t>(elements) * static_cast<std::size_t>(model.kp);
  member.z.need(size);
  member.h.need(static_cast<std::size_t>(model.architecture().attention_elements()) *
                static_cast<std::size_t>(model.kp));  // what lies behind the elements stays zero
  const float* weights = member.classifier.weights.data();
  if (!member.z_current) model.kernels.encode(model.pattern, weights + model.encoder_weights, member.z.data());
  member.z_current = true;
  const float* bias = weights + model.encoder_bias;
  for (int e = 0; e < elements; ++e) {
    const float* z = member.z.data() + e * model.kp;
    const float r = model.row_factors[static_cast<std::size_t>(e)];
    float* h = member.h.data() + e * model.kp;
    for (int c = 0; c < k; ++c) h[c] = std::max(r * z[c] + bias[c], 0.0f);
  }
  model.attention.project(model.kernels, weights, member.h.data(), member.tables);
  member.tables_current = true;
}

AdamStep adam_step(const OptimiserPlan& plan, std::uint64_t step, std::uint64_t steps) {
  const double t = static_cast<double>(step);
  double rate = plan.learning_rate;
  if (plan.schedule == Schedule::cosine) {
    rate *= 0.5 * (1.0 + std::cos(std::numbers::pi * t / static_cast<double>(steps)));
  }
  AdamStep adam;
  adam.rate = static_cast<float>(rate);
  adam.beta1 = static_cast<float>(plan.beta1);
  adam.beta2 = static_cast<float>(plan.beta2);
  adam.rest1 = static_cast<float>(1.0 - plan.beta1);
  adam.rest2 = static_cast<float>(1.0 - plan.beta2);
  adam.correction1 = static_cast<float>(1.0 / (1.0 - std::pow(plan.beta1, t + 1.0)));
  adam.correction2 = static_cast<float>(1.0 / (1.0 - std::pow(plan.beta2, t + 1.0)));
  adam.epsilon = static_cast<float>(plan.epsilon);
  return adam;
}

std::vector<std::uint32_t> sample_order(std::uint64_t seed, std::uint32_t member, Stream stream, std::uint32_t epoch,
                                        std::size_t count) {
  const RandomStream random{seed, member, stream, epoch, 0};
  std::vector<std::uint64_t> keys(count);  // draw, then position
  for (std::size_t i = 0; i < count; ++i) {
    keys[i] = (std::uint64_t{random(static_cast<std::uint32_t>(i))} << 32) | i;
  }
  std::sort(keys.begin(), keys.end());
  std::vector<std::uint32_t> order(count);
  std::transform(keys.begin(), keys.end(), order.begin(),
                 [](std::uint64_t key) { return static_cast<std::uint32_t>(key); });
  return order;
}

FieldSet gather_fields(const Problem& problem, std::span<const std::uint32_t> rows) {
  const auto slots = static_cast<std::size_t>(problem.fields.slots);
  FieldSet set{problem.fields.slots, {}};
  set.rows.reserve(rows.size() * slots);
  for (const std::uint32_t row : rows) {
    const auto first = problem.fields.rows.begin() + static_cast<std::ptrdiff_t>(row * slots);
    set.rows.insert(set.rows.end(), first, first + static_cast<std::ptrdiff_t>(slots));
  }
  return set;
}

}  // namespace phaseselect::cpu
