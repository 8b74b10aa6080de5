// Values of a property, and what else stands in their cells.
#include "host/data/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "host/chemistry/ascii.hpp"
#include "host/io/unicode.hpp"
#include "phaseselect/data/csv.hpp"

namespace phaseselect {
namespace {

constexpr std::string_view minus = "−";

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

// With '-' for the minus sign and, after a decimal comma, with a point.
std::string plain_number(std::string_view cell, DecimalMark mark) {
  std::string text;
  for (std::size_t at = 0; at < cell.size();) {
    const bool is_minus = cell.substr(at, minus.size()) == minus;
    const char c = cell[at];
    text += is_minus ? '-' : c == ',' && mark == DecimalMark::comma ? '.' : c;
    at += is_minus ? minus.size() : 1;
  }
  return text;
}

template <std::size_t Count>
bool is_one_of(std::string_view text, const std::string_view (&words)[Count]) {
  return std::find(std::begin(words), std::end(words), text) != std::end(words);
}

template <std::size_t Count>
bool begins_with_one(std::string_view text, const std::string_view (&words)[Count]) {
  return std::any_of(std::begin(words), std::end(words), [&](std::string_view word) { return text.starts_with(word); });
}

bool is_missing(std::string_view text) {
  constexpr std::string_view words[] = {"nan",  "n/a",  "#n/a",    "na",      "n.a.",    "none",  "null",   "nil",
                                        "-",    "--",   "---",     "–",       "—",       "−",     "?",      ".",
                                        "..",   "...",  "…",       "missing", "unknown", "nd",    "n.d.",   "nr",
                                        "n.r.", "<na>", "#value!", "#ref!",   "#div/0!", "#num!", "#name?", "#null!"};
  return is_one_of(text, words);
}

bool is_infinite(std::string_view text) {
  constexpr std::string_view words[] = {"inf", "infinity", "∞"};
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return is_one_of(text, words);
}

bool is_bound(std::string_view text) {
  constexpr std::string_view signs[] = {"<", ">", "≤", "≥", "⩽", "⩾", "≦", "≧", "≪", "≫"};
  return begins_with_one(text, signs);
}

bool is_approximate(std::string_view text) {
  constexpr std::string_view words[] = {"~", "≈", "∼", "≃", "≅", "ca.", "ca ", "c. ", "circa", "approx", "about"};
  return begins_with_one(text, words);
}

// The length of the number that the text begins with: sign, digits with a point or a comma, exponent.
std::size_t number_length(std::string_view text) {
  std::size_t at = 0;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  const std::size_t whole = at;
  at = behind_digits(text, at);
  if (at < text.size() && (text[at] == '.' || text[at] == ',')) at = behind_digits(text, at + 1);
  if (at == whole || (at == whole + 1 && !is_digit(text[whole]))) return 0;
  if (at + 1 < text.size() && text[at] == 'e') {
    const std::size_t digits = at + (text[at + 1] == '-' || text[at + 1] == '+' ? 2 : 1);
    if (behind_digits(text, digits) > digits) at = behind_digits(text, digits);
  }
  return at;
}

// Groups of digits between equal separators: 2024-05-01, 1.5.2024, 1/5/24; a time may follow.
bool is_date_of_digits(std::string_view text) {
  const std::size_t first = behind_digits(text, 0);
  if (first == 0 || first >= text.size()) return false;
  const char separator = text[first];
  const std::size_t second = behind_digits(text, first + 1);
  if (second == first + 1 || second >= text.size() || text[second] != separator) return false;
  const std::size_t third = behind_digits(text, second + 1);
  if (third == second + 1) return false;
  return (separator == '-' || separator == '/' || separator == '.') && first <= 4 && second - first <= 3;
}

bool is_time(std::string_view text) {
  const std::size_t hours = behind_digits(text, 0);
  return hours > 0 && hours <= 2 && text.substr(hours, 1) == ":";
}

// A month by its name beside a number: 1-May, 5 Jan, May-24, 1. Mai.
bool is_date_of_month(std::string_view text) {
  constexpr std::string_view months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug",
                                         "sep", "oct", "nov", "dec", "mai", "mär", "okt", "dez"};
  const std::size_t name = text.find_first_not_of("0123456789-/. ");
  if (name == std::string_view::npos || !begins_with_one(text.substr(name), months)) return false;
  return text.find_first_of("0123456789") != std::string_view::npos;
}

constexpr std::string_view fraction = "is a fraction: write it as a decimal";
constexpr std::string_view fractions[] = {"½", "⅓", "⅔", "¼", "¾"};

// What follows a number.
std::string_view kind_behind_number(std::string_view rest) {
  constexpr std::string_view uncertainty[] = {"±", "+/-", "+-", "∓"};
  constexpr std::string_view range[] = {"-", "–", "—", "−", "..", "…", "to ", "‒", "‐", "‑"};
  constexpr std::string_view power[] = {"×", "x10", "x 10", "*10", "* 10", "·10", "· 10", "^"};
  if (begins_with_one(rest, uncertainty) || (rest.front() == '(' && behind_digits(rest, 1) > 1))
    return "has an uncertainty: write the number alone";
  if (begins_with_one(rest, range)) return "is a range: write one number";
  if (begins_with_one(rest, power)) return "has a power of ten: write 1.5e3";
  if (rest.starts_with('/') || begins_with_one(rest, fractions)) return fraction;
  if (rest.starts_with("<") || rest.starts_with(">")) return "is a bound, not a number";
  const bool unit = is_lower(rest.front()) || rest.front() == '%' || static_cast<unsigned char>(rest.front()) >= 0x80;
  return unit ? "has a unit: write the number alone" : "is not a number";
}

bool has_comma(std::string_view number) { return number.find(',') != std::string_view::npos; }

// Of a cell in small letters that is not empty, with '-' for the minus sign.
std::string_view kind_of(std::string_view text, DecimalMark mark) {
  if (is_missing(text)) return "is a word for a missing one";
  if (is_infinite(text)) return "is infinite";
  if (is_bound(text)) return "is a bound, not a number";
  if (is_approximate(text)) return "is approximate: write the number alone";
  if (is_date_of_digits(text) || is_date_of_month(text) || is_time(text)) {
    return "is a date, which a spreadsheet may have made of a number";
  }
  const std::size_t length = number_length(text);
  const std::string_view number = text.substr(0, length);
  const std::string_view rest = trimmed(text.substr(length));
  if (length == 0) return begins_with_one(text, fractions) ? fraction : "is not a number";
  if (mark == DecimalMark::comma && number.find('.') != std::string_view::npos) {
    return "has a decimal point where data.decimal is ','";
  }
  if (has_comma(number) && (rest.starts_with('.') || rest.starts_with(','))) {
    return "has a thousands separator: leave it out";
  }
  if (mark == DecimalMark::point && has_comma(number)) {
    // "1,234": three digits behind the only comma.
    if (number.size() - number.find(',') == 4 && number.find(',') > 0 && number.find(',') <= 4) {
      return "has a comma that separates thousands or decimals: write 1234 or 1.234";
    }
    return "has a decimal comma: set data.decimal to ',' (or --decimal ,)";
  }
  if (rest.empty()) return "is beyond the range of numbers";
  return kind_behind_number(rest);
}

}  // namespace

std::optional<double> read_value(std::string_view cell, DecimalMark mark) {
  if (mark == DecimalMark::point) {
    if (const std::optional<double> value = parse_number(cell)) return value;
  } else if (cell.find('.') != std::string_view::npos) {
    return std::nullopt;
  }
  return parse_number(plain_number(trimmed(cell), mark));
}

std::string value_reason(std::string_view cell, DecimalMark mark) {
  const std::string text = lower(plain_number(trimmed(cell), DecimalMark::point));
  if (text.empty()) return "is empty";
  return fmt::format("{}: '{}'", kind_of(text, mark), shown(trimmed(cell)));
}

}  // namespace phaseselect
