// The paper's superconductor ensemble as a problem: from the published tables where they are, otherwise synthetic with
// the same sizes, by seed. The model is that of the paper's letter: k 20, batch 16, hidden 80, 80, 80, 20, 8 heads
// of 2.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "phaseselect/config/config.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

struct Paper {
  Config config;  // 300 members, 100 epochs, early stopping off
  Problem problem;
  std::string source;  // where the data is from, for reports
};

const Paper& paper();

// Steps of an epoch.
double steps_of(const MemberPlan& plan, const OptimiserPlan& optimiser);

// All combinations of `arity` of the modelled elements: [candidates][arity].
std::vector<std::int16_t> all_candidates(int rows_of_matrix, int arity);

}  // namespace phaseselect
