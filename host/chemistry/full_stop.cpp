// What a full stop in a formula means.
#include "host/chemistry/full_stop.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "host/chemistry/ascii.hpp"
#include "phaseselect/chemistry/composition.hpp"

namespace phaseselect {
namespace {

constexpr std::array<std::string_view, 6> water{"H2O", "D2O", "T2O", "OH2", "OD2", "OT2"};
constexpr std::array<std::string_view, 19> solvates{"NH3",    "ND3",   "HCl",    "HF",    "HBr",  "HI",    "CO2",
                                                    "SO2",    "N2H4",  "NH2NH2", "H2O2",  "D2O2", "CH3OH", "CH4O",
                                                    "C2H5OH", "C2H6O", "HNO3",   "H2SO4", "CH3CN"};
constexpr std::size_t most_coefficient_digits = 2;

// The place behind a molecule, blanks between its characters or not; empty where it does not stand here.
std::optional<std::size_t> behind_word(std::string_view text, std::size_t at, std::string_view molecule) {
  for (const char c : molecule) {
    at = behind_blanks(text, at);
    if (at == text.size() || text[at] != c) return std::nullopt;
    ++at;
  }
  return at;
}

// Whether one of the molecules stands here, plain or in brackets, and the formula, a pair of brackets or a part of an
// addition ends behind it.
template <std::size_t Count>
bool ends_with_one(std::string_view text, std::size_t at, const std::array<std::string_view, Count>& molecules) {
  const bool bracketed = at < text.size() && is_opening(text[at]);
  const std::size_t begin = behind_blanks(text, at + (bracketed ? 1 : 0));
  if (begin >= text.size()) return false;
  return std::any_of(molecules.begin(), molecules.end(), [&](std::string_view molecule) {
    if (text[begin] != molecule.front()) return false;
    const std::optional<std::size_t> end = behind_word(text, begin, molecule);
    if (!end) return false;
    std::size_t behind = behind_blanks(text, *end);
    if (bracketed) {
      if (behind == text.size() || !is_closing(text[behind])) return false;
      behind = behind_blanks(text, behind + 1);
    }
    return behind == text.size() || is_closing(text[behind]) || text[behind] == '.' || text[behind] == '*';
  });
}

bool is_solvate(std::string_view text, std::size_t at) { return ends_with_one(text, at, solvates); }

// Whether the amount behind which the stop stands belongs to what compounds end with.
bool follows_anion(std::string_view text, std::size_t whole) {
  std::size_t end = whole;
  while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t')) --end;
  if (end == 0) return false;
  if (is_closing(text[end - 1])) return true;
  std::size_t begin = end - 1;
  while (begin > 0 && is_lower(text[begin])) --begin;
  const std::string_view symbol = text.substr(begin, end - begin);
  return symbol == "O" || symbol == "F" || symbol == "Cl" || symbol == "Br" || symbol == "I";
}

// The end of a compound of two elements or more with whole amounts that stands here; empty where none does.
std::optional<std::size_t> behind_compound(std::string_view text, std::size_t at) {
  std::string_view first;
  bool two = false;
  int depth = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (is_opening(c)) ++depth;
    if (is_closing(c) && --depth < 0) break;
    if (c == '*') break;
    if (c == '.') {
      const std::size_t digits = behind_blanks(text, at + 1);
      const std::size_t next = behind_blanks(text, behind_digits(text, digits));
      if (digits == next || is_water(text, next)) break;
      return std::nullopt;
    }
    if (!is_upper(c)) continue;
    std::size_t end = at + 1;
    while (end < text.size() && is_lower(text[end])) ++end;
    const std::string_view symbol = text.substr(at, end - at);
    two = two || (!first.empty() && symbol != first);
    first = symbol;
  }
  return two ? std::optional(at) : std::nullopt;
}

// Where the symbol begins whose amount begins at `whole`; `whole` behind brackets.
std::size_t symbol_begin(std::string_view text, std::size_t whole) {
  std::size_t begin = whole;
  while (begin > 0 && !is_closing(text[begin - 1]) && !is_upper(text[begin])) --begin;
  return begin < text.size() && is_upper(text[begin]) ? begin : whole;
}

// The digits of the number behind the stop end at `digits`, what is added ends at `end`. Three decimals are always
// an amount's.
[[noreturn]] void refuse(std::string_view text, std::size_t whole, std::size_t stop, std::size_t digits,
                         std::size_t end) {
  const std::size_t begin = symbol_begin(text, whole);
  const std::string_view before = text.substr(begin, stop - begin);
  const std::string_view number = text.substr(stop + 1, digits - stop - 1);
  const std::string_view part = text.substr(digits, end - digits);
  throw CompositionError(fmt::format("'{}.{}{}' is an addition or a decimal: write '{}·{}{}' or '{}{}.{:0<3}{}'",
                                     before, number, part, before, number, part, before, whole == stop ? "0" : "",
                                     number, part));
}

// Of the first of two points; `digits` to `end` are the digits between them.
FullStop first_of_two(std::string_view text, std::size_t whole, std::size_t stop, std::size_t digits, std::size_t end) {
  const std::size_t last = behind_digits(text, end + 1);
  const std::size_t next = behind_blanks(text, last);
  if (last == end + 1 || !(is_water(text, next) || is_solvate(text, next))) return FullStop::decimal_point;
  if (text.substr(digits, end - digits) == "0") return FullStop::addition;
  const std::size_t begin = symbol_begin(text, whole);
  const std::string_view before = text.substr(begin, stop - begin);
  const std::size_t opened = next + (is_opening(text[next]) ? 1 : 0);
  const std::string_view part = text.substr(opened, text.find_first_of(".*)] ", opened) - opened);
  throw CompositionError(
      fmt::format("either of the points in '{}' can be the decimal point: write '{}({}){}' or '{}·{}{}'",
                  text.substr(begin, last - begin), before, part, text.substr(digits, last - digits),
                  text.substr(begin, end - begin), text.substr(end + 1, last - end - 1), part));
}

bool all_zeros(std::string_view digits) {
  return !digits.empty() && digits.find_first_not_of('0') == std::string_view::npos;
}

bool begins_compound(std::string_view text, std::size_t at) {
  return at < text.size() && (is_upper(text[at]) || is_opening(text[at]));
}

}  // namespace

bool is_water(std::string_view text, std::size_t at) { return ends_with_one(text, at, water); }

FullStop full_stop(std::string_view text, std::size_t whole, std::size_t stop) {
  const std::size_t digits = behind_blanks(text, stop + 1);
  const std::size_t end = behind_digits(text, digits);
  const std::size_t next = behind_blanks(text, end);
  if (digits == end || digits != stop + 1) {  // no decimal: nothing or a blank behind the stop
    return begins_compound(text, next) ? FullStop::addition : FullStop::decimal_point;
  }
  if (end - digits > most_coefficient_digits || all_zeros(text.substr(whole, stop - whole))) {
    return FullStop::decimal_point;
  }
  if (end < text.size() && text[end] == '.') return first_of_two(text, whole, stop, digits, end);
  if (text[digits] == '0' || !begins_compound(text, next)) return FullStop::decimal_point;
  if (is_water(text, next)) return FullStop::addition;
  if (is_solvate(text, next)) refuse(text, whole, stop, end, text.find_first_of(".*", next));
  if (end - digits == 1 && follows_anion(text, whole)) {
    if (const std::optional<std::size_t> compound = behind_compound(text, next)) {
      refuse(text, whole, stop, end, *compound);
    }
  }
  return FullStop::decimal_point;
}

}  // namespace phaseselect
