// Amounts as they are written.
#include "host/chemistry/amount.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "host/chemistry/ascii.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t most_exact_digits = 9;
constexpr std::size_t kept_digits = 7;
constexpr std::size_t most_digits = 18;  // that 63 bits hold, whichever they are

constexpr auto powers_of_ten = [] {
  std::array<std::int64_t, most_digits + 1> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = 10 * powers[i - 1];
  return powers;
}();

Rational in_lowest_terms(std::int64_t numerator, std::int64_t denominator) {
  if (denominator == 1) return {numerator, 1};
  const std::int64_t divisor = std::gcd(numerator, denominator);
  return {numerator / divisor, denominator / divisor};
}

// The digits of a decimal without its zeros at both ends, and how many of them stand behind the point (fewer than none
// where zeros are missing in front of it).
struct Decimal {
  std::string_view whole, fraction;  // "0012", "500"
  std::size_t significant() const {
    const std::size_t first = whole.find_first_not_of('0');
    if (first != std::string_view::npos) return whole.size() - first + fraction.size();
    return fraction.size() - std::min(fraction.find_first_not_of('0'), fraction.size());
  }
};

std::optional<std::int64_t> digits_value(std::string_view first, std::string_view second) {
  std::int64_t value = 0;
  for (const std::string_view digits : {first, second}) {
    for (const char c : digits) {
      if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, c - '0', &value)) return {};
    }
  }
  return value;
}

// Seven significant digits, the last of them rounded: digits and the power of ten that they count.
std::optional<Rational> rounded(const Decimal& decimal) {
  std::int64_t value = 0;
  std::size_t taken = 0;
  std::int64_t power = static_cast<std::int64_t>(decimal.whole.size());
  for (const std::string_view digits : {decimal.whole, decimal.fraction}) {
    for (const char c : digits) {
      if (taken == kept_digits) {
        if (c >= '5') ++value;
        ++taken;
      }
      if (taken > kept_digits) break;
      --power;
      value = 10 * value + (c - '0');
      taken += value > 0 ? 1 : 0;
    }
  }
  const auto places = static_cast<std::size_t>(power < 0 ? -power : power);
  if (places > most_digits) return std::nullopt;
  if (power <= 0) return in_lowest_terms(value, powers_of_ten[places]);
  std::int64_t large = 0;
  if (__builtin_mul_overflow(value, powers_of_ten[places], &large)) return std::nullopt;
  return Rational{large, 1};
}

}  // namespace

std::optional<Rational> parse_amount(std::string_view text) {
  if (text.size() == 1 && text[0] != '.') return Rational{text[0] - '0', 1};  // most amounts
  const std::size_t point = std::min(text.find('.'), text.size());
  Decimal decimal{text.substr(0, point), text.substr(std::min(point + 1, text.size()))};
  decimal.fraction = decimal.fraction.substr(0, decimal.fraction.find_last_not_of('0') + 1);
  if (!decimal.fraction.empty() && decimal.significant() > most_exact_digits) return rounded(decimal);
  if (decimal.fraction.size() > most_digits) return std::nullopt;
  const std::optional<std::int64_t> value = digits_value(decimal.whole, decimal.fraction);
  if (!value) return std::nullopt;
  return in_lowest_terms(*value, powers_of_ten[decimal.fraction.size()]);
}

}  // namespace phaseselect
