// A phase field: a set of chemical elements, whatever the ratios (Vasylenko et al. 2022, Methods).
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "phaseselect/chemistry/element.hpp"

namespace phaseselect {

// Canonical: alphabetical order of the symbols, each element once.
class PhaseField {
 public:
  PhaseField() = default;
  // Sorts and removes repetitions.
  explicit PhaseField(std::vector<Element> elements);

  const std::vector<Element>& elements() const { return elements_; }
  int size() const { return static_cast<int>(elements_.size()); }
  bool empty() const { return elements_.empty(); }

  friend auto operator<=>(const PhaseField&, const PhaseField&) = default;  // NOLINT(modernize-use-nullptr): no pointer

 private:
  std::vector<Element> elements_;
};

// "Ba Cu O Y".
std::string to_string(const PhaseField& field);

// Elements separated by blanks, in any order ("O Ba Ca Mg"). Throws Error with the reason: an unknown symbol, nothing,
// an element twice.
PhaseField parse_phase_field(std::string_view text);

struct PhaseFieldHash {
  std::size_t operator()(const PhaseField& field) const;
};

}  // namespace phaseselect
