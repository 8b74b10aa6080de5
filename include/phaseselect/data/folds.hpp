// Seeded, stratified splits. All are pure functions of their arguments (Philox, see model/random.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace phaseselect {

// So that the number of a fold fits a byte.
inline constexpr int most_folds = 255;

// The fold (0 .. folds-1) of each field. Stratified: every fold holds the same number of each class, give or take one.
// Throws UsageError for fewer than 2 folds or more than most_folds, fewer fields than folds, or (stratified) a class
// with fewer fields than folds.
std::vector<std::uint8_t> make_folds(std::span<const std::uint8_t> labels, int folds, bool stratified,
                                     std::uint64_t seed);

struct Split {
  std::vector<std::uint32_t> training;  // ascending
  std::vector<std::uint32_t> held_out;  // ascending
};

// Splits `rows` (ascending indices into labels) into a training part and a stratified held-out part of about
// `fraction` of each class (rounded to nearest, at least one of each class on both sides). `member` selects the random
// stream. Throws UsageError when a class has fewer than two rows.
Split hold_out(std::span<const std::uint32_t> rows, std::span<const std::uint8_t> labels, double fraction,
               std::uint64_t seed, std::uint32_t member);

}  // namespace phaseselect
