// Values of a property as people write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "phaseselect/chemistry/decimal_mark.hpp"

namespace phaseselect {

// A finite number, a minus sign (U+2212) in it or not; with a decimal comma a number has no point. Empty where the cell
// is anything else.
std::optional<double> read_value(std::string_view cell, DecimalMark mark);

// Why a cell that read_value does not read is no number, to follow "the value of 'Tc' ": "is a bound, not a number:
// '>20'".
std::string value_reason(std::string_view cell, DecimalMark mark);

}  // namespace phaseselect
