// Amounts as they are written: digits with at most one decimal point.
#pragma once

#include <optional>
#include <string_view>

#include "phaseselect/chemistry/composition.hpp"

namespace phaseselect {

// The amount in lowest terms; empty where 63 bits do not hold it. `text` has a digit. A decimal of more than nine
// significant digits carries the dust of floating-point arithmetic and is rounded to seven: 0.30000000000000004 and
// 0.30000001192092896 are 0.3. All others are exact, and none becomes zero.
std::optional<Rational> parse_amount(std::string_view text);

}  // namespace phaseselect
