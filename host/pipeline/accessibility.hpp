// The learned accessibility of phase fields, from the accessibility members of a run. A field is judged only by the
// members that left its fold out, whether it is known or not: no member judges what it was trained on.
#pragma once

#include <span>
#include <vector>

#include "host/engine/ensemble.hpp"
#include "host/pipeline/run_directory.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

class AccessibilityMembers {
 public:
  // The members that Run::load placed. Refers to the run.
  explicit AccessibilityMembers(const Run& run);

  // Whether every fold has a member that left it out: a part of a run may lack some.
  bool complete() const { return complete_; }
  int folds() const { return static_cast<int>(by_fold_.size()); }
  // The members that judge the fields of a fold.
  const std::vector<Slot>& slots_of_fold(int fold) const { return by_fold_[static_cast<std::size_t>(fold)]; }
  int fold(std::span<const std::int16_t> rows) const;
  // Mean and deviation over the members that left each field's fold out; NaN unless complete().
  OverMembers judge(Engine& engine, FieldView fields) const;

 private:
  const RunContents& contents_;
  std::vector<std::vector<Slot>> by_fold_;
  bool complete_ = false;
};

}  // namespace phaseselect
