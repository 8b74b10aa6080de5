// Letters, digits and brackets of formulas, whatever the locale.
#pragma once

#include <cstddef>
#include <string_view>

namespace phaseselect {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_opening(char c) { return c == '(' || c == '['; }
constexpr bool is_closing(char c) { return c == ')' || c == ']'; }

// The first place from `at` on that holds no blank, or no digit.
constexpr std::size_t behind_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
  return at;
}
constexpr std::size_t behind_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

}  // namespace phaseselect
