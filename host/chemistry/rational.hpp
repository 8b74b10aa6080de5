// Exact arithmetic on amounts; a result beyond 63 bits throws CompositionError.
#pragma once

#include <cstdint>
#include <numeric>

#include "phaseselect/chemistry/composition.hpp"

namespace phaseselect {

[[noreturn]] inline void reject_length() { throw CompositionError("the amounts are too long for exact arithmetic"); }

inline std::int64_t checked_multiply(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) reject_length();
  return product;
}

inline std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) reject_length();
  return sum;
}

// Crosswise division first: the product is in lowest terms and overflows only when the result does.
inline Rational multiply(const Rational& a, const Rational& b) {
  if (a.numerator == 0 || b.numerator == 0) return {0, 1};
  const std::int64_t left = std::gcd(a.numerator, b.denominator);
  const std::int64_t right = std::gcd(b.numerator, a.denominator);
  return {checked_multiply(a.numerator / left, b.numerator / right),
          checked_multiply(a.denominator / right, b.denominator / left)};
}

inline Rational add(const Rational& a, const Rational& b) {
  if (a.denominator == 1 && b.denominator == 1) return {checked_add(a.numerator, b.numerator), 1};
  const std::int64_t common = std::gcd(a.denominator, b.denominator);
  const std::int64_t numerator = checked_add(checked_multiply(a.numerator, b.denominator / common),
                                             checked_multiply(b.numerator, a.denominator / common));
  // Any factor shared with the denominator divides `common` (Knuth, TAOCP 2, 4.5.1).
  const std::int64_t divisor = std::gcd(numerator, common);
  return {numerator / divisor, checked_multiply(a.denominator / common, b.denominator / divisor)};
}

}  // namespace phaseselect
