// Candidate phase fields: all combinations of chosen elements, addressed by rank; nothing is materialised.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace phaseselect {

// C(n, k); throws UsageError when it does not fit 63 bits.
std::uint64_t binomial(int n, int k);

// Lexicographic rank of ascending indices 0 <= c[0] < c[1] < ... < n among all C(n, k) combinations.
std::uint64_t rank_combination(std::span<const int> combination, int n);

// The inverse: writes combination.size() ascending indices. rank must be < C(n, combination.size()).
void unrank_combination(std::uint64_t rank, int n, std::span<int> combination);

// The next combination in lexicographic order in place; false after the last.
bool next_combination(std::span<int> combination, int n);

}  // namespace phaseselect
