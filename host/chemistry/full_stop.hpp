// What a full stop in a formula means: a decimal point (O6.92) or an addition (CuSO4.5H2O).
#pragma once

#include <cstddef>
#include <string_view>

namespace phaseselect {

enum class FullStop { decimal_point, addition };

// Of the full stop at `stop`; the digits of an amount before it begin at `whole` (`stop` where there are none).
// Water behind a full stop and at most two digits is an addition where the formula, a pair of brackets or another
// addition ends behind it; so is whatever follows without a number. Throws CompositionError, with spellings to use
// instead, where both readings are sensible: two points (O2.1.3H2O), another molecule that crystals take up (Cl2.8NH3),
// a compound after O, a halogen or brackets (O3.2SiO2).
FullStop full_stop(std::string_view text, std::size_t whole, std::size_t stop);

// Whether water, plain or in brackets, stands here and something ends behind it.
bool is_water(std::string_view text, std::size_t at);

}  // namespace phaseselect
