// The 118 chemical elements, identified by the alphabetical rank of their symbol, so that numeric order of `Element`
// is the canonical (alphabetical) order of a phase field and of the rows of the environment matrix.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace phaseselect {

inline constexpr int element_count = 118;

// Alphabetical rank of the symbol: Ac = 0, Ag = 1, ..., Zr = 117.
enum class Element : std::uint8_t {};

constexpr int rank(Element element) { return static_cast<int>(element); }

// "Ba". The element must be one of the 118.
std::string_view symbol(Element element);

// All elements but these: the nonmetals H He C N O F Ne P S Cl Ar Se Br Kr I Xe Rn, and what is between B Si Ge As Sb
// Te At; Ts and Og, of which nobody knows, are not metals either.
bool is_metal(Element element);

// The elements of a group, in alphabetical order of their symbols; empty when no group has this name ('@' in front or
// not, whatever the case).
//   radioactive   Tc, Pm and all from Po on: no isotope is stable. Bi counts as stable: its half-life is 2e19 years.
//   noble-gases   He Ne Ar Kr Xe Rn
//   lanthanides   La to Lu
//   actinides     Ac to Lr
std::vector<Element> element_group(std::string_view name);
// "@radioactive, @noble-gases, ...", for messages.
std::string element_group_names();

// The element with this symbol, matched exactly ("Ba", not "BA"); D and T are hydrogen; empty when unknown.
std::optional<Element> find_element(std::string_view symbol);

}  // namespace phaseselect
