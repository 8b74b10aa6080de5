// The formula parser: one pass over the plain spelling, an explicit stack of brackets, exact amounts.
#include "host/chemistry/formula_parser.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>

#include "host/chemistry/amount.hpp"
#include "host/chemistry/ascii.hpp"
#include "host/chemistry/full_stop.hpp"
#include "host/chemistry/rational.hpp"
#include "host/chemistry/unknown_oxygen.hpp"
#include "host/io/unicode.hpp"

namespace phaseselect {
namespace {

// The largest amounts in earnest are 149 (Materials Project) and 100 (SuperCon); O6050 was once O6.050.
constexpr std::int64_t large_amount = 1000;

// What the parser reads or refuses as it is; everything else may be another spelling.
constexpr auto plain = [] {
  std::array<bool, 256> is_plain{};
  for (std::size_t c = 0; c < 128; ++c) {
    const char letter = static_cast<char>(c);
    is_plain[c] = is_upper(letter) || is_lower(letter) || is_digit(letter) || is_opening(letter) ||
                  is_closing(letter) || std::string_view(". \t*+=").find(letter) != std::string_view::npos;
  }
  return is_plain;
}();

bool is_plain(std::string_view formula) {
  return std::all_of(formula.begin(), formula.end(), [](char c) { return plain[static_cast<unsigned char>(c)]; });
}

// II, III, IV, VI, VII and VIII: iodine and vanadium do not stand like that. (I) and (V) can be elements.
bool is_oxidation_state(std::string_view text) {
  constexpr std::string_view states[] = {"II", "III", "IV", "VI", "VII", "VIII"};
  return std::find(std::begin(states), std::end(states), text) != std::end(states);
}

[[noreturn]] void reject_symbol(std::string_view name) {
  const bool variable = std::string_view("xyz").find(name.back()) != std::string_view::npos &&
                        find_element(name.substr(0, name.size() - 1));
  throw CompositionError(
      fmt::format("unknown element '{}'{}", shown(name), variable ? ", or an amount that is not a number" : ""));
}

}  // namespace

std::span<const Component> FormulaParser::parse(std::string_view formula) {
  respelled_ = !is_plain(formula);
  if (respelled_) spelling_.rewrite(formula, mark_);
  text_ = respelled_ ? spelling_.text() : formula;
  at_ = 0;
  large_amount_ = false;
  components_.clear();
  levels_.clear();
  skip_blanks();
  if (at_ == text_.size()) throw CompositionError("the formula is empty");
  refuse_unknown_oxygen(text_);
  open_level('\0');
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (is_upper(c)) {
      read_element();
    } else if (is_opening(c)) {
      open_bracket();
    } else if (is_closing(c)) {
      close_bracket();
    } else if (c == '*' || (c == '.' && full_stop(text_, at_, at_) == FullStop::addition)) {
      read_addition();
    } else {
      reject_character();
    }
    skip_blanks();
  }
  if (levels_.size() > 1) {
    const std::size_t opened = levels_.back().at;
    throw CompositionError(fmt::format("bracket '{}' at position {} is not closed", text_[opened], position(opened)));
  }
  close_level();
  components_.resize(merged(0, false));
  if (components_.empty()) throw CompositionError("every amount is zero, so that no element is left");
  return components_;
}

std::size_t FormulaParser::position(std::size_t at) const { return respelled_ ? spelling_.position(at) : at + 1; }

void FormulaParser::skip_blanks() { at_ = behind_blanks(text_, at_); }

bool FormulaParser::at_amount() const { return at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.'); }

Rational FormulaParser::read_amount() {
  skip_blanks();
  if (at_amount()) {
    const std::size_t stop = behind_digits(text_, at_);
    if (stop == text_.size() || text_[stop] != '.') return read_number(stop);
    if (full_stop(text_, at_, stop) == FullStop::decimal_point) return read_number(behind_digits(text_, stop + 1));
    return stop == at_ ? Rational{1, 1} : read_number(stop);
  }
  if (at_ + 1 < text_.size() && text_[at_] == '-' && (is_digit(text_[at_ + 1]) || text_[at_ + 1] == '.')) {
    throw CompositionError(
        fmt::format("negative amount or charge at position {}: leave a charge out (SO4 for SO4-2)", position(at_)));
  }
  return {1, 1};
}

Rational FormulaParser::read_number(std::size_t end) {
  const std::string_view number = text_.substr(at_, end - at_);
  if (number == ".") throw CompositionError(fmt::format("'.' without digits at position {}", position(at_)));
  const std::optional<Rational> amount = parse_amount(number);
  if (!amount) {
    throw CompositionError(
        fmt::format("the amount at position {} has too many digits for exact arithmetic", position(at_)));
  }
  large_amount_ = large_amount_ || amount->numerator / large_amount >= amount->denominator;
  at_ = end;
  return *amount;
}

void FormulaParser::read_element() {
  const std::size_t begin = at_++;
  while (at_ < text_.size() && is_lower(text_[at_])) ++at_;
  const std::string_view name = text_.substr(begin, at_ - begin);
  const std::optional<Element> element = find_element(name);
  if (!element) reject_symbol(name);
  const Rational amount = read_amount();
  components_.push_back({*element, amount});
}

void FormulaParser::open_level(char closing) {
  levels_.push_back({closing, at_, components_.size(), components_.size()});
  if (closing != '\0') ++at_;
  skip_blanks();
  if (at_ < text_.size() && is_digit(text_[at_])) {
    levels_.back().leading_factor = at_;
    read_factor();
  }
}

void FormulaParser::open_bracket() { open_level(text_[at_] == '(' ? ')' : ']'); }

void FormulaParser::close_bracket() {
  const Level level = levels_.back();
  if (level.closing != text_[at_]) {
    throw CompositionError(fmt::format("bracket '{}' at position {} closes nothing", text_[at_], position(at_)));
  }
  if (level.first == components_.size()) {
    throw CompositionError(fmt::format("the brackets at position {} are empty", position(level.at)));
  }
  if (is_oxidation_state(text_.substr(level.at + 1, at_ - level.at - 1))) {
    throw CompositionError(
        fmt::format("an oxidation state at position {}: leave it out (FeCl3 for Fe(III)Cl3)", position(level.at)));
  }
  close_level();
  ++at_;
  // Many components become one of each element, so that deeply nested brackets take no more time than flat ones.
  if (components_.size() - level.first > element_count) components_.resize(merged(level.first, true));
  scale(level.first, read_amount());
}

void FormulaParser::close_level() {
  const Level& level = levels_.back();
  if (level.leading_factor != none && !level.has_additions) {
    throw CompositionError(fmt::format("an amount without an element at position {}", position(level.leading_factor)));
  }
  end_part();
  levels_.pop_back();
}

// '*', or a full stop before what is added.
void FormulaParser::read_addition() {
  const std::size_t sign = at_;
  end_part();
  Level& level = levels_.back();
  if (level.part == components_.size()) {
    throw CompositionError(fmt::format("nothing stands before the addition at position {}", position(sign)));
  }
  level.has_additions = true;
  level.part = components_.size();
  ++at_;
  read_factor();
  if (at_ < text_.size() && (is_upper(text_[at_]) || is_opening(text_[at_]))) return;
  throw CompositionError(
      at_ < text_.size() && is_lower(text_[at_])
          ? fmt::format("an addition of unknown amount '{}' at position {}", text_[at_], position(at_))
          : fmt::format("nothing that can be added follows position {}", position(sign)));
}

// The factor of a part, where one is written, and the blanks behind it.
void FormulaParser::read_factor() {
  skip_blanks();
  levels_.back().factor = {1, 1};
  if (at_amount()) {
    const std::size_t stop = behind_digits(text_, at_);
    const bool decimal = stop < text_.size() && text_[stop] == '.' && behind_digits(text_, stop + 1) > stop + 1;
    levels_.back().factor = read_number(decimal ? behind_digits(text_, stop + 1) : stop);
  }
  skip_blanks();
}

void FormulaParser::end_part() { scale(levels_.back().part, levels_.back().factor); }

void FormulaParser::scale(std::size_t first, const Rational& factor) {
  if (factor == Rational{1, 1}) return;
  for (std::size_t i = first; i < components_.size(); ++i) {
    components_[i].amount = multiply(components_[i].amount, factor);
  }
}

// Sorts the components from `first` on, adds up those of one element, and returns how many there are then in all.
std::size_t FormulaParser::merged(std::size_t first, bool keep_zeros) {
  std::sort(components_.begin() + static_cast<std::ptrdiff_t>(first), components_.end(),
            [](const Component& a, const Component& b) { return a.element < b.element; });
  std::size_t kept = first;
  for (std::size_t i = first; i < components_.size(); ++i) {
    const Component component = components_[i];
    if (component.amount.numerator == 0 && !keep_zeros) continue;
    if (kept > first && components_[kept - 1].element == component.element) {
      components_[kept - 1].amount = add(components_[kept - 1].amount, component.amount);
    } else {
      components_[kept++] = component;
    }
  }
  return kept;
}

void FormulaParser::reject_amount() const {
  const std::size_t before = text_.substr(0, at_).find_last_not_of(" \t");
  const bool begins = before == std::string_view::npos || is_opening(text_[before]);
  const bool water = is_water(text_, behind_blanks(text_, behind_digits(text_, at_)));
  throw CompositionError(begins ? fmt::format("an amount without an element at position {}", position(at_))
                                : fmt::format("a second amount or decimal point at position {}{}", position(at_),
                                              water ? ": write '·' before what is added" : ""));
}

void FormulaParser::reject_character() const {
  const char c = text_[at_];
  if (at_amount()) reject_amount();
  if (is_lower(c)) {
    throw CompositionError(
        fmt::format("unexpected '{}' at position {}: a symbol begins with a capital", c, position(at_)));
  }
  if ((c == '+' || c == '-') && at_ + 1 < text_.size() && is_lower(text_[at_ + 1])) {
    throw CompositionError(fmt::format("an amount with a variable at position {}: write the number", position(at_)));
  }
  if (c == '+' || c == '-') {
    throw CompositionError(fmt::format(
        "unexpected '{}' at position {}: leave a charge out (Fe for Fe3+), write an addition with '·' (CuSO4·5H2O)", c,
        position(at_)));
  }
  const std::optional<Character> character = character_at(text_, at_);
  if (!character) {
    throw CompositionError(fmt::format("the byte {} at position {} is not UTF-8: save the file as UTF-8",
                                       shown(text_.substr(at_, 1)), position(at_)));
  }
  throw CompositionError(
      fmt::format("unexpected '{}' at position {}: only symbols, decimal amounts, brackets and additions (·) are read",
                  shown(text_.substr(at_, character->bytes)), position(at_)));
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
