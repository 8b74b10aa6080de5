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

struct NamedField {
  PhaseField field;
  bool named_twice = false;   // an element stands there more than once; D and T are hydrogen
  bool from_formula = false;  // the text is not all symbols
};

// Elements in any order, separated by blanks, commas, semicolons, slashes and dashes, in brackets and quotes or not
// ("O Ba Ca Mg", "Y-Ba-Cu-O", "{Ba, Cu, O}"). Symbols come first: Co is cobalt, CO is carbon and oxygen. Text that is
// not all symbols is read as a formula (YBa2Cu3O7), or as formulas separated like elements. Throws Error with the
// reason: an unknown symbol, a charge or an amount apart (Na+, Ba-1K), a word for a missing value (NaN), nothing.
NamedField read_phase_field(std::string_view text);

// The same, whether an element stands there twice or not.
PhaseField parse_phase_field(std::string_view text);

struct PhaseFieldHash {
  std::size_t operator()(const PhaseField& field) const;
};

}  // namespace phaseselect
