// Oxygen of unknown amount at the end of a formula: OX, Oy, O7-z, O6+δ.
#pragma once

#include <string_view>

namespace phaseselect {

// Throws CompositionError where the formula ends with one. OY is yttrium, though, in a formula of two or three elements
// in alphabetical order, as databases write them (BrOY): of 87 superconductors with oxygen OY all have more elements,
// in another order.
void refuse_unknown_oxygen(std::string_view formula);

}  // namespace phaseselect
