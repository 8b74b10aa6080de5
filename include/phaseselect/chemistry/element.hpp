// The 118 chemical elements, identified by the alphabetical rank of their symbol, so that numeric order of `Element`
// is the canonical (alphabetical) order of a phase field and of the rows of the environment matrix.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

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

// The element with this symbol, matched exactly ("Ba", not "BA"); D and T are hydrogen; empty when unknown.
std::optional<Element> find_element(std::string_view symbol);

}  // namespace phaseselect
