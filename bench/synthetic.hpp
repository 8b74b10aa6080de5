// Problems of the published tables' sizes and multiples of them, by seed: for benches without the tables, and for
// matrices larger than any. Distributions are close to those of the published matrix: patterns of 8 elements on
// average, half of them of at most 5; a few groups stand for most environments; common elements occur twice as often as
// the median.
#pragma once

#include "phaseselect/config/config.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

// 87 elements; `scale` times 10,423 groups and 63,384 environments.
EnvironmentGroups synthetic_groups(int scale);
// 4,219 fields of 1 to 8 elements, and their labels: a third are 1.
Problem synthetic_problem(const Config& config, int scale);

}  // namespace phaseselect
