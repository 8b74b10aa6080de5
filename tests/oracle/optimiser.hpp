// The oracle's optimiser: Adam with bias correction and decoupled weight decay, and what column groups change in it.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/engine/engine.hpp"
#include "phaseselect/model/parameter_layout.hpp"

namespace phaseselect::oracle {

// What a network of a member owns, each [layout.size()].
template <typename T>
struct Slab {
  std::vector<T> weights, first_moment, second_moment;
};

// Learning rate of the step that follows `done` steps.
inline double scheduled_rate(const OptimiserPlan& plan, std::uint64_t done, std::uint64_t steps_per_epoch) {
  if (plan.schedule == Schedule::constant) return plan.learning_rate;
  const double total = static_cast<double>(plan.epochs) * static_cast<double>(steps_per_epoch);
  return plan.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * static_cast<double>(done) / total));
}

// Updates the moments of one parameter and returns m^ / (sqrt(v^) + epsilon) of step t (1-based). 1 - beta is formed in
// double: formed in float it would put 110 ulp into v at beta2 = 0.999.
template <typename T>
T adam_direction(const OptimiserPlan& plan, std::uint64_t t, T gradient, T& first, T& second) {
  first = T(plan.beta1) * first + T(1 - plan.beta1) * gradient;
  second = T(plan.beta2) * second + T(1 - plan.beta2) * gradient * gradient;
  const T corrected_first = first / T(1 - std::pow(plan.beta1, static_cast<double>(t)));
  const T corrected_second = second / T(1 - std::pow(plan.beta2, static_cast<double>(t)));
  return corrected_first / (std::sqrt(corrected_second) + T(plan.epsilon));
}

// How a parameter of a group of m identical columns stands for them: the stored gradient belongs to `shared` columns,
// the stored weight is the sum of `summed` columns.
struct GroupRole {
  double shared = 1;
  double summed = 1;
};

inline GroupRole group_role(const ParameterBlock& block, std::size_t position, const EnvironmentGroups& groups) {
  const auto multiplicity = [&](std::size_t group) { return static_cast<double>(groups.multiplicity[group]); };
  if (block.name == "encoder.weights") return {1, multiplicity(position / block.columns)};
  if (block.name == "decoder.weights" || block.name == "decoder.bias")
    return {multiplicity(position % block.columns), 1};
  return {};
}

// w -= rate * (summed * direction + weight_decay * w)
template <typename T>
void adam_step(const ParameterLayout& layout, const EnvironmentGroups& groups, const OptimiserPlan& plan, double rate,
               std::uint64_t t, const std::vector<T>& gradient, Slab<T>& slab) {
  for (const ParameterBlock& block : layout.blocks()) {
    const double own_rate = block.name == "encoder.weights" ? rate * plan.encoder_rate : rate;
    const T decay = block.decays ? T(plan.weight_decay) : T(0);
    for (std::size_t i = 0; block.trained && i < block.size(); ++i) {
      const std::size_t at = block.offset + i;
      const GroupRole role = group_role(block, i, groups);
      const T direction =
          adam_direction(plan, t, gradient[at] / T(role.shared), slab.first_moment[at], slab.second_moment[at]);
      slab.weights[at] -= T(own_rate) * (T(role.summed) * direction + decay * slab.weights[at]);
    }
  }
}

}  // namespace phaseselect::oracle
