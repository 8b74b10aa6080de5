// Is a validated model any better than plain predictions of the same fields?
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>

#include "host/pipeline/cross_validation.hpp"

namespace phaseselect {

// The accuracy of one prediction minus that of another on the same fields, with a 95 % interval of McNemar's test and
// its continuity correction: (sum of gains +- (1.96 sqrt(sum of gains^2) + 1)) / judgements. It has 0 outside only
// where McNemar's exact test finds a difference too; for large differences it is wider than it need be.
struct Comparison {
  double difference = 0, low = 0, high = 0;
  std::size_t differing = 0;  // fields for which the two are not equally often right
};

// `gains`: of each field, how many more of its judgements by the one are right; it counts as one draw, however often it
// is judged. `judgements`: of all fields, at least one.
Comparison compare(std::span<const int> gains, std::size_t judgements);

// undecided: the interval has 0 inside and the difference is positive, or there are few fields.
enum class Standing { better, no_better, undecided };
inline constexpr std::size_t fewest_fields_judged = 30;
Standing standing(const Comparison& comparison, std::size_t fields);

// Of the calibrated probabilities, or the raw ones where some fold has none, against the baselines of the predictions:
// {"judged", "accuracy", "fields", "judgements", "against": {"prevalence", "nearest_field": {"accuracy", "difference",
// "low", "high", "differing", "standing"}}, "sentence"}: all folds together, the sentence in plain words.
nlohmann::json verdict(const FoldPlans& plans, const HeldOutPredictions& predictions);

}  // namespace phaseselect
