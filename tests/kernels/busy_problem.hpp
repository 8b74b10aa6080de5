// A small problem with every random decision in it, and the sentence of a refusal.
#pragma once

#include <string>

#include "phaseselect/error.hpp"
#include "tests/gradients/cases.hpp"

namespace phaseselect::oracle {

inline Problem busy_problem() {
  SmallProblem small = base_problem();
  small.architecture.combine = Combine::residual;
  small.architecture.slot_order = SlotOrder::random;
  small.architecture.prediction_orders = 2;
  small.architecture.dropout = 0.3;
  small.architecture.ranking_dropout = 0.1;
  return make_problem(small);
}

// The sentence with which `action` refuses; empty where it does not.
template <typename Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

}  // namespace phaseselect::oracle
