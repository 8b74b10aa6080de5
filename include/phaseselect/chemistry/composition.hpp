// A chemical composition read from a formula: YBa2Cu3O6.92, Ca(OH)2, [(CH3)2NH2].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "phaseselect/chemistry/element.hpp"
#include "phaseselect/chemistry/phase_field.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {

// Why a formula was rejected, in words: "unknown element 'Xx'", "unexpected '=' at position 7".
class CompositionError : public Error {
 public:
  using Error::Error;
};

// An exact positive amount, in lowest terms.
struct Rational {
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
  friend bool operator==(const Rational&, const Rational&) = default;
};

struct Component {
  Element element{};
  Rational amount;
  friend bool operator==(const Component&, const Component&) = default;
};

// Components in alphabetical order of their symbols, each element once, all amounts positive.
struct Composition {
  std::vector<Component> components;
  friend bool operator==(const Composition&, const Composition&) = default;
};

// Parses a formula. Round and square brackets nest; spaces are ignored; amounts are decimal numbers; D and T count as
// hydrogen; amounts of zero are not present. Throws CompositionError with the reason for everything else: unknown
// symbols, `=z`, `+`, negative amounts, unbalanced brackets, nothing left, amounts too long for exact arithmetic.
Composition parse_composition(std::string_view formula);

// The elements of a composition.
PhaseField phase_field(const Composition& composition);

struct IntegerComponent {
  Element element{};
  std::int64_t amount = 0;
  friend auto operator<=>(const IntegerComponent&, const IntegerComponent&) = default;
};

// The composition scaled by exact rational arithmetic to the smallest integers, in alphabetical order of the symbols.
// Throws CompositionError when that does not fit 63 bits.
std::vector<IntegerComponent> reduced(const Composition& composition);

}  // namespace phaseselect
