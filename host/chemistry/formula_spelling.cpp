// Formulas in other spellings, character by character.
#include "host/chemistry/formula_spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "host/chemistry/ascii.hpp"
#include "host/io/unicode.hpp"
#include "phaseselect/chemistry/composition.hpp"

namespace phaseselect {
namespace {

constexpr char32_t subscript_zero = U'₀';

bool is_subscript(char32_t c) { return c >= subscript_zero && c <= U'₉'; }

bool is_superscript(char32_t c) { return c == U'²' || c == U'³' || c == U'¹' || (c >= U'⁰' && c <= U'⁾') || c == U'ⁿ'; }

bool is_minus(char32_t c) { return is_dash(c) || c == U'₋'; }

bool is_addition_sign(char32_t c) {
  return c == U'·' || c == U'•' || c == U'‧' || c == U'∙' || c == U'⋅' || c == U'∗' || c == U'×' || c == U'・';
}

bool is_fraction(char32_t c) { return (c >= U'¼' && c <= U'¾') || (c >= U'⅐' && c <= U'⅟'); }

// Without a dash and a blank in front and a blank and a dash behind.
std::string_view without_dashes(std::string_view text) {
  const std::string_view whole = trimmed(text);
  const std::optional<Character> first = whole.empty() ? std::nullopt : character_at(whole, 0);
  if (!first || !is_dash(first->value)) return text;
  const std::string_view dash = whole.substr(0, first->bytes);
  if (whole.size() <= 2 * dash.size() || !whole.ends_with(dash)) return text;
  const std::string_view inner = whole.substr(dash.size(), whole.size() - 2 * dash.size());
  const bool apart = trimmed(inner).data() != inner.data() &&
                     trimmed(inner).data() + trimmed(inner).size() != inner.data() + inner.size();
  return apart ? inner : text;
}

[[noreturn]] void refuse_superscript(std::size_t position) {
  throw CompositionError(fmt::format(
      "a superscript at position {} is a charge or an isotope, neither of which is an amount: leave it out", position));
}

}  // namespace

void FormulaSpelling::rewrite(std::string_view formula, DecimalMark mark) {
  const std::string_view inner = without_dashes(formula);
  at_ = static_cast<std::size_t>(inner.data() - formula.data());
  formula_ = formula.substr(0, at_ + inner.size());
  mark_ = mark;
  mathematics_ = std::count(inner.begin(), inner.end(), '$') % 2 == 0;
  behind_subscript_ = false;
  text_.clear();
  origins_.clear();
  while (at_ < formula_.size()) {
    if (read_markup() || read_decimal_comma()) continue;
    if (static_cast<unsigned char>(formula_[at_]) < 0x80) {
      read_ascii();
    } else {
      read_character();
    }
  }
}

std::size_t FormulaSpelling::position(std::size_t at) const {
  return character_number(formula_, at < origins_.size() ? origins_[at] : formula_.size());
}

std::size_t FormulaSpelling::here() const { return character_number(formula_, at_); }

void FormulaSpelling::put(std::string_view characters) {
  text_ += characters;
  origins_.resize(text_.size(), static_cast<std::uint32_t>(at_));
  behind_subscript_ = false;
}

bool FormulaSpelling::skip(std::string_view word) {
  if (formula_.substr(at_, word.size()) != word) return false;
  at_ += word.size();
  return true;
}

bool FormulaSpelling::number_at(std::size_t at) const {
  if (at >= formula_.size()) return false;
  if (is_digit(formula_[at])) return true;
  const std::optional<Character> character = character_at(formula_, at);
  return character && is_subscript(character->value);
}

bool FormulaSpelling::read_markup() {
  if (mathematics_ && skip("$")) return true;
  if (formula_[at_] == '^' || formula_.substr(at_, 5) == "<sup>") refuse_superscript(here());
  const std::string_view rest = formula_.substr(at_);
  if (!rest.starts_with("_{") && !rest.starts_with("<sub>") && !(rest.front() == '_' && number_at(at_ + 1)))
    return false;
  begin_subscript();
  if (skip("_{")) {
    read_subscript("}");
  } else if (skip("<sub>")) {
    read_subscript("</sub>");
  } else {
    skip("_");
  }
  return true;
}

void FormulaSpelling::read_subscript(std::string_view closing) {
  const std::size_t end = std::min(formula_.find(closing, at_), formula_.size());
  while (at_ < end) {
    if (read_decimal_comma()) continue;
    if (static_cast<unsigned char>(formula_[at_]) >= 0x80) {
      read_character();
    } else {
      put(formula_.substr(at_, 1));
      ++at_;
    }
  }
  behind_subscript_ = !text_.empty() && is_digit(text_.back());
  skip(closing);
}

// A subscript goes on from a subscript, not from a number in full size.
void FormulaSpelling::begin_subscript() const {
  if (behind_subscript_ || text_.empty() || !is_digit(text_.back())) return;
  throw CompositionError(
      fmt::format("a subscript follows a number in full size at position {}: write one amount", here()));
}

bool FormulaSpelling::read_decimal_comma() {
  if (formula_[at_] != ',' || text_.empty() || !is_digit(text_.back()) || !number_at(at_ + 1)) return false;
  if (mark_ == DecimalMark::point) {
    throw CompositionError(
        fmt::format("a decimal comma at position {}: set data.decimal to ',' (or --decimal ,)", here()));
  }
  put(".");
  ++at_;
  return true;
}

void FormulaSpelling::read_ascii() {
  const char c = formula_[at_];
  if (behind_subscript_ && is_digit(c)) {
    throw CompositionError(
        fmt::format("a number in full size follows a subscript at position {}: write '·' before an addition", here()));
  }
  const bool addition = behind_subscript_ && c == '.' && at_ + 1 < formula_.size() && is_digit(formula_[at_ + 1]);
  put(addition ? "*" : c == '\n' || c == '\r' || c == '\v' || c == '\f' ? " " : formula_.substr(at_, 1));
  ++at_;
}

void FormulaSpelling::read_character() {
  const std::optional<Character> character = character_at(formula_, at_);
  const char32_t c = character ? character->value : 0;
  const std::size_t bytes = character ? character->bytes : 1;
  if (is_superscript(c)) refuse_superscript(here());
  if (is_fraction(c)) {
    throw CompositionError(fmt::format("a fraction at position {}: write it as a decimal (0.5)", here()));
  }
  if (is_subscript(c)) {
    begin_subscript();
    const char digit = static_cast<char>('0' + (c - subscript_zero));
    put({&digit, 1});
    behind_subscript_ = true;
  } else {
    put(is_blank(c)           ? " "
        : is_addition_sign(c) ? "*"
        : is_minus(c)         ? "-"
        : c == U'₊'           ? "+"
        : c == U'ₓ'           ? "x"
                              : formula_.substr(at_, bytes));
  }
  at_ += bytes;
}

}  // namespace phaseselect
