// How a validation divides the fields into what its members may learn from and what they are judged by.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "phaseselect/chemistry/phase_field.hpp"

namespace phaseselect {

enum class SplitKind { random, leave_element_out, arity, supersets };

struct ValidationSplit {
  SplitKind split = SplitKind::random;
  int folds = 5;           // not of arity, which has one; of leave_element_out without `elements`: how many are drawn
  bool stratified = true;  // folds of random and supersets
  std::uint64_t seed = 1;
  std::vector<std::string> elements;  // leave_element_out: a fold for each; empty: drawn
  int arity = 3;                      // arity: fields of up to so many elements are learned from
};

// Rows in neither list are left out of the fold. Both ascending; training has two rows of each class or more.
struct SplitFold {
  std::string holds_out;  // what the judged fields have in common: "fields with Fe"; empty: nothing
  std::vector<std::uint32_t> training, judged;
};

// An element is drawn for leave_element_out when so many fields of each class have it.
inline constexpr int fewest_fields_of_class = 10;

// random: every field is judged once, by members that learned from all other folds.
// supersets: the same folds, but nobody learns from a field that contains a judged one or is contained in it.
// leave_element_out: a fold for each element; it is judged by all fields with it and learned from all without.
// arity: one fold; learned from the fields of up to `arity` elements, judged by the larger ones.
// Throws UsageError, naming the key, for what the fields do not allow.
std::vector<SplitFold> split_fields(std::span<const PhaseField> fields, std::span<const std::uint8_t> labels,
                                    const ValidationSplit& how);

}  // namespace phaseselect
