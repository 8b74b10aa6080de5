// What the accessibility members train on: every known phase field (of the environment formulas and of the training
// table) as label 1, sampled fields that nobody has reported as label 0. A hash assigns every possible field to a fold;
// a member sees no field of its own fold, known or not, so that every field can be judged by members that never saw it
// (DESIGN.md 3.8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "host/pipeline/known_fields.hpp"
#include "host/pipeline/problem.hpp"

namespace phaseselect {

// Larger fields are neither learned from nor sampled; the combinations of this many of all elements still fit 63 bits.
inline constexpr int most_accessibility_arity = 12;

// The fold (0 .. folds-1) of a field: a function of its elements and the seed alone.
int accessibility_fold(const FieldKey& field, int folds, std::uint64_t seed);

// The fold that a member leaves out.
inline int left_out_fold(std::uint32_t member, int folds) {
  return static_cast<int>(member % static_cast<std::uint32_t>(folds));
}

// The accessibility members that go with members first .. last-1 of the ensemble: ranges that tile the ensemble tile
// them too.
std::pair<std::uint32_t, std::uint32_t> accessibility_range(const Config& config, std::uint32_t first,
                                                            std::uint32_t last);

struct AccessibilityData {
  Problem problem;                  // fields by size, then in canonical order
  std::vector<MemberPlan> members;  // held out: a sample of the left-out fold, which only the history tells of
  std::size_t known = 0;            // fields with label 1
};

// The problem of accessibility members first .. last-1. A member's plan and the order of its fields do not depend on
// which others are asked for. Throws UsageError when a member would see one class only.
AccessibilityData accessibility_data(const Config& config, const PreparedData& data, std::uint32_t first,
                                     std::uint32_t last);

// The configuration that trains them: what `accessibility` says, to the end of the last epoch.
Config accessibility_training(const Config& config);

}  // namespace phaseselect
