// Times short epochs of classifier training: what member_step and every scaling bench are made of.
#pragma once

#include <benchmark/benchmark.h>

#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

struct EpochShape {
  int members = 1;
  int threads = 1;
  int steps = 16;  // of an epoch; the table's fields must suffice
};

// An iteration is an epoch of all members. Reports the work, member-steps a second, the time of a member-step
// (`step_seconds`: of one thread, so that numbers of members compare), and whether the slabs that are worked on at once
// fit the last-level cache (`slab_in_cache`): where they do, most bytes never reach memory.
void time_epochs(benchmark::State& state, const Problem& problem, const EpochShape& shape);

}  // namespace phaseselect
