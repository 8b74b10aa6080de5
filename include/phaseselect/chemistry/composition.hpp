// A chemical composition read from a formula: YBa2Cu3O6.92, Ca(OH)2, [(CH3)2NH2].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "phaseselect/chemistry/decimal_mark.hpp"
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

// Parses a formula. Round and square brackets nest; blanks are ignored; amounts are decimal numbers, as subscripts too
// (Unicode, _2, _{2}, $_2$, <sub>2</sub>); D and T count as hydrogen, though T often stands for a transition metal;
// amounts of zero are not present. What is added stands behind a dot, a cross or '*', with or without a factor
// (CuSO4·5H2O, 3CdSO4·8H2O), or behind a full stop where that is no decimal point: before water (CuSO4.5H2O) and where
// no number follows. Decimals with more than nine significant digits are rounded to seven. Throws CompositionError with
// the reason for everything else: unknown symbols, charges, oxygen of unknown amount at the end (OX, O7-δ), `=z`,
// negative amounts, unbalanced brackets, nothing left, what can be read in two ways, amounts too long for exact
// arithmetic.
Composition parse_composition(std::string_view formula, DecimalMark mark = DecimalMark::point);

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
