// Small problems with every awkward property the mathematics can have: groups that stand for several columns, fields of
// one element and of all slots, both classes, held-out rows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "phaseselect/engine/engine.hpp"

namespace phaseselect::oracle {

struct SmallProblem {
  Architecture architecture;  // `environments` is filled in
  int fields = 24;
  int smallest_field = 1;
  int largest_field = 0;         // 0: architecture.slots
  int largest_multiplicity = 4;  // 1: no two columns are equal
  OptimiserPlan classifier, ranking;
  std::uint64_t seed = 20220707;
};

inline Architecture small_architecture() {
  Architecture architecture;
  architecture.elements = 9;
  architecture.groups = 7;
  architecture.slots = 4;
  architecture.features = 5;
  architecture.heads = 3;
  architecture.key_dim = 2;
  architecture.hidden = {7, 6};
  return architecture;
}

inline OptimiserPlan small_plan(int epochs, int batch, double learning_rate) {
  OptimiserPlan plan;
  plan.epochs = epochs;
  plan.batch = batch;
  plan.learning_rate = learning_rate;
  return plan;
}

// Uniform in 0 .. count-1 (to the small bias of a modulus), the same with every standard library.
inline std::uint32_t below(std::mt19937_64& random, std::uint32_t count) {
  return static_cast<std::uint32_t>((random() >> 20) % count);
}

// Distinct random patterns; the columns of the groups are interleaved.
inline EnvironmentGroups small_groups(const Architecture& architecture, int largest_multiplicity,
                                      std::mt19937_64& random) {
  EnvironmentGroups groups;
  groups.elements = architecture.elements;
  groups.offsets.push_back(0);
  std::set<std::vector<std::uint16_t>> seen;
  while (groups.groups() < architecture.groups) {
    std::vector<std::uint16_t> pattern;
    for (int e = 0; e < architecture.elements; ++e) {
      if (below(random, 3) == 0) pattern.push_back(static_cast<std::uint16_t>(e));
    }
    if (pattern.empty() || !seen.insert(pattern).second) continue;
    groups.rows.insert(groups.rows.end(), pattern.begin(), pattern.end());
    groups.offsets.push_back(static_cast<std::uint32_t>(groups.rows.size()));
    groups.multiplicity.push_back(1 + below(random, static_cast<std::uint32_t>(largest_multiplicity)));
  }
  for (std::uint32_t copy = 0; copy < static_cast<std::uint32_t>(largest_multiplicity); ++copy) {
    for (std::uint32_t g = 0; g < groups.multiplicity.size(); ++g) {
      if (copy < groups.multiplicity[g]) groups.column_group.push_back(g);
    }
  }
  groups.environments = static_cast<std::uint32_t>(groups.column_group.size());
  return groups;
}

// The same matrix with every column a group of its own.
inline EnvironmentGroups ungrouped(const EnvironmentGroups& groups) {
  EnvironmentGroups result;
  result.elements = groups.elements;
  result.environments = groups.environments;
  result.offsets.push_back(0);
  for (const std::uint32_t group : groups.column_group) {
    result.rows.insert(result.rows.end(), groups.rows.begin() + groups.offsets[group],
                       groups.rows.begin() + groups.offsets[group + 1]);
    result.offsets.push_back(static_cast<std::uint32_t>(result.rows.size()));
    result.column_group.push_back(static_cast<std::uint32_t>(result.multiplicity.size()));
    result.multiplicity.push_back(1);
  }
  return result;
}

inline FieldSet small_fields(const SmallProblem& small, std::mt19937_64& random) {
  const Architecture& architecture = small.architecture;
  const int largest = small.largest_field == 0 ? architecture.slots : small.largest_field;
  FieldSet fields{architecture.slots, {}};
  for (int field = 0; field < small.fields; ++field) {
    const auto span = static_cast<std::uint32_t>(largest - small.smallest_field + 1);
    const auto size = static_cast<std::size_t>(small.smallest_field) + static_cast<std::uint32_t>(field) % span;
    std::set<std::int16_t> rows;
    while (rows.size() < size) {
      rows.insert(static_cast<std::int16_t>(below(random, static_cast<std::uint32_t>(architecture.elements))));
    }
    fields.rows.insert(fields.rows.end(), rows.begin(), rows.end());
    fields.rows.insert(fields.rows.end(), static_cast<std::size_t>(architecture.slots) - size, std::int16_t{-1});
  }
  return fields;
}

inline Problem make_problem(const SmallProblem& small) {
  std::mt19937_64 random(small.seed);
  Problem problem;
  problem.architecture = small.architecture;
  problem.groups = small_groups(small.architecture, small.largest_multiplicity, random);
  problem.architecture.environments = problem.groups.environments;
  problem.fields = small_fields(small, random);
  for (int field = 0; field < small.fields; ++field) {
    problem.labels.push_back(static_cast<std::uint8_t>(field < 2 ? field : below(random, 3) == 0));
  }
  problem.classifier = small.classifier;
  problem.ranking = small.ranking;
  problem.seed = small.seed ^ 0x9E3779B97F4A7C15u;
  return problem;
}

// Every fourth row is held out; different members leave out different ones. Rows 0 and 1 (one of each class) always
// train.
inline MemberPlan make_plan(const Problem& problem, std::uint32_t id) {
  MemberPlan plan;
  plan.id = id;
  for (std::uint32_t row = 0; row < problem.labels.size(); ++row) {
    const bool out = row >= 2 && row % 4 == (id + 3) % 4;
    (out ? plan.held_out : plan.training).push_back(row);
  }
  return plan;
}

}  // namespace phaseselect::oracle
