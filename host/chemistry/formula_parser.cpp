// The formula parser: one pass over the text, an explicit stack of brackets, exact amounts.
#include "host/chemistry/formula_parser.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "host/chemistry/ascii.hpp"
#include "host/chemistry/rational.hpp"

namespace phaseselect {
namespace {

// The character at a position as text for a message: a whole UTF-8 sequence, or the number of a byte that cannot be
// shown.
std::string shown_character(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte >= 0x20 && byte < 0x7F) return std::string(1, text[at]);
  const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 0;
  if (length == 0 || byte > 0xF4 || at + length > text.size()) return fmt::format("\\x{:02X}", byte);
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return fmt::format("\\x{:02X}", byte);
  }
  return std::string(text.substr(at, length));
}

}  // namespace

std::span<const Component> FormulaParser::parse(std::string_view formula) {
  text_ = formula;
  at_ = 0;
  components_.clear();
  brackets_.clear();
  skip_blanks();
  if (at_ == text_.size()) throw CompositionError("the formula is empty");
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (is_upper(c)) {
      read_element();
    } else if (c == '(' || c == '[') {
      open_bracket();
    } else if (c == ')' || c == ']') {
      close_bracket();
    } else {
      reject_character();
    }
    skip_blanks();
  }
  if (!brackets_.empty()) {
    throw CompositionError(
        fmt::format("bracket '{}' at position {} is not closed", text_[brackets_.back().at], brackets_.back().at + 1));
  }
  merge();
  if (components_.empty()) throw CompositionError("every amount is zero, so that no element is left");
  return components_;
}

void FormulaParser::skip_blanks() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
}

bool FormulaParser::at_amount() const { return at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.'); }

Rational FormulaParser::read_amount() {
  skip_blanks();
  if (at_amount()) return read_decimal();
  if (at_ + 1 < text_.size() && text_[at_] == '-' && (is_digit(text_[at_ + 1]) || text_[at_ + 1] == '.')) {
    throw CompositionError(fmt::format("negative amount at position {}", at_ + 1));
  }
  return {1, 1};
}

// Zeros that end the decimals are counted, not multiplied in: 0.50000000000000000000 is one half.
Rational FormulaParser::read_decimal() {
  const std::size_t begin = at_;
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
  std::size_t digits = 0;
  int zeros = 0;
  bool point = false;
  bool fits = true;
  for (; at_amount() && !(point && text_[at_] == '.'); ++at_) {
    if (text_[at_] == '.') {
      point = true;
      continue;
    }
    ++digits;
    if (point && text_[at_] == '0') {
      ++zeros;
      continue;
    }
    for (; zeros > 0 && fits; --zeros) {
      fits =
          !__builtin_mul_overflow(numerator, 10, &numerator) && !__builtin_mul_overflow(denominator, 10, &denominator);
    }
    fits = fits && !__builtin_mul_overflow(numerator, 10, &numerator) &&
           !__builtin_add_overflow(numerator, text_[at_] - '0', &numerator) &&
           !(point && __builtin_mul_overflow(denominator, 10, &denominator));
  }
  if (digits == 0) throw CompositionError(fmt::format("'.' without digits at position {}", begin + 1));
  if (!fits) {
    throw CompositionError(
        fmt::format("the amount at position {} has too many digits for exact arithmetic", begin + 1));
  }
  if (denominator == 1) return {numerator, 1};
  const std::int64_t divisor = std::gcd(numerator, denominator);
  return {numerator / divisor, denominator / divisor};
}

void FormulaParser::read_element() {
  const std::size_t begin = at_++;
  while (at_ < text_.size() && is_lower(text_[at_])) ++at_;
  const std::string_view name = text_.substr(begin, at_ - begin);
  const std::optional<Element> element = find_element(name);
  if (!element) throw CompositionError(fmt::format("unknown element '{}'", name));
  const Rational amount = read_amount();
  components_.push_back({*element, amount});
}

void FormulaParser::open_bracket() {
  brackets_.push_back({text_[at_] == '(' ? ')' : ']', components_.size(), at_});
  ++at_;
}

void FormulaParser::close_bracket() {
  if (brackets_.empty() || brackets_.back().closing != text_[at_]) {
    throw CompositionError(fmt::format("bracket '{}' at position {} closes nothing", text_[at_], at_ + 1));
  }
  const std::size_t first = brackets_.back().first;
  if (first == components_.size()) {
    throw CompositionError(fmt::format("the brackets at position {} are empty", brackets_.back().at + 1));
  }
  brackets_.pop_back();
  ++at_;
  const Rational factor = read_amount();
  if (factor == Rational{1, 1}) return;
  for (std::size_t i = first; i < components_.size(); ++i) {
    components_[i].amount = multiply(components_[i].amount, factor);
  }
}

void FormulaParser::merge() {
  std::sort(components_.begin(), components_.end(),
            [](const Component& a, const Component& b) { return a.element < b.element; });
  std::size_t kept = 0;
  for (const Component& component : components_) {
    if (component.amount.numerator == 0) continue;
    if (kept > 0 && components_[kept - 1].element == component.element) {
      components_[kept - 1].amount = add(components_[kept - 1].amount, component.amount);
    } else {
      components_[kept++] = component;
    }
  }
  components_.resize(kept);
}

void FormulaParser::reject_character() const {
  const char c = text_[at_];
  if (at_amount()) {
    const std::size_t before = text_.substr(0, at_).find_last_not_of(" \t");
    const bool begins = before == std::string_view::npos || text_[before] == '(' || text_[before] == '[';
    throw CompositionError(begins ? fmt::format("an amount without an element at position {}", at_ + 1)
                                  : fmt::format("a second amount or decimal point at position {}", at_ + 1));
  }
  if (is_lower(c)) {
    throw CompositionError(fmt::format("unexpected '{}' at position {}: a symbol begins with a capital", c, at_ + 1));
  }
  throw CompositionError(
      fmt::format("unexpected '{}' at position {}: only symbols, decimal amounts and brackets are read",
                  shown_character(text_, at_), at_ + 1));
}

std::span<const IntegerComponent> FormulaParser::reduce() { return reduce(components_); }

// The greatest common measure of fractions in lowest terms is gcd(numerators) / lcm(denominators), so each quotient
// below is an integer. The least common multiple has at most 126 bits where every result has 63.
std::span<const IntegerComponent> FormulaParser::reduce(std::span<const Component> components) {
  __extension__ using Wide = unsigned __int128;
  std::int64_t measure = 0;
  Wide multiple = 1;
  for (const Component& component : components) {
    const auto denominator = static_cast<std::uint64_t>(component.amount.denominator);
    measure = std::gcd(measure, component.amount.numerator);
    if (denominator == 1) continue;
    const std::uint64_t common = std::gcd(static_cast<std::uint64_t>(multiple % denominator), denominator);
    if (__builtin_mul_overflow(multiple, denominator / common, &multiple)) reject_length();
  }
  reduced_.clear();
  for (const Component& component : components) {
    const Wide scale = multiple == 1 ? 1 : multiple / static_cast<std::uint64_t>(component.amount.denominator);
    const std::int64_t units = component.amount.numerator / measure;  // NOLINT: amounts are positive, so measure is
    std::int64_t amount = 0;
    if (__builtin_mul_overflow(units, scale, &amount)) reject_length();
    reduced_.push_back({component.element, amount});
  }
  return reduced_;
}

}  // namespace phaseselect
