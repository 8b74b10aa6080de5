// Combinations by lexicographic rank (the combinatorial number system).
#include "phaseselect/data/candidates.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "phaseselect/error.hpp"

namespace phaseselect {

// After step i the product is C(n - k + i, i). Dividing first keeps every intermediate result at most the final one.
std::uint64_t binomial(int n, int k) {
  if (n < 0 || k < 0) throw UsageError(fmt::format("C({}, {}) is not defined for negative numbers", n, k));
  if (k > n) return 0;
  k = std::min(k, n - k);
  std::uint64_t result = 1;
  for (int i = 1; i <= k; ++i) {
    const auto divisor = static_cast<std::uint64_t>(i);
    const std::uint64_t common = std::gcd(result, divisor);
    const std::uint64_t factor = static_cast<std::uint64_t>(n - k + i) / (divisor / common);
    if (__builtin_mul_overflow(result / common, factor, &result) ||
        result > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      throw UsageError(fmt::format("there are too many combinations: C({}, {}) does not fit 63 bits", n, k));
    }
  }
  return result;
}

// Counted from the end: the combinations after c are those that agree up to i and are larger there.
std::uint64_t rank_combination(std::span<const int> combination, int n) {
  const int k = static_cast<int>(combination.size());
  std::uint64_t after = 0;
  int previous = -1;
  for (int i = 0; i < k; ++i) {
    const int index = combination[static_cast<std::size_t>(i)];
    if (index <= previous || index >= n) {
      throw UsageError(fmt::format("index {} of a combination is out of order or beyond {}", index, n - 1));
    }
    after += binomial(n - 1 - index, k - i);
    previous = index;
  }
  return binomial(n, k) - 1 - after;
}

void unrank_combination(std::uint64_t rank, int n, std::span<int> combination) {
  const int k = static_cast<int>(combination.size());
  const std::uint64_t all = binomial(n, k);
  if (rank >= all) throw UsageError(fmt::format("rank {} is beyond the {} combinations C({}, {})", rank, all, n, k));
  int index = 0;
  for (int i = 0; i < k; ++i, ++index) {
    for (std::uint64_t block = binomial(n - 1 - index, k - 1 - i); rank >= block; ++index) {
      rank -= block;
      block = binomial(n - 2 - index, k - 1 - i);
    }
    combination[static_cast<std::size_t>(i)] = index;
  }
}

bool next_combination(std::span<int> combination, int n) {
  const int k = static_cast<int>(combination.size());
  int at = k - 1;
  while (at >= 0 && combination[static_cast<std::size_t>(at)] == n - k + at) --at;
  if (at < 0) return false;
  int index = combination[static_cast<std::size_t>(at)];
  for (; at < k; ++at) combination[static_cast<std::size_t>(at)] = ++index;
  return true;
}

}  // namespace phaseselect
