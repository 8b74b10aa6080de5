// Counts, interval, sentence.
#include "host/pipeline/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/io/readable.hpp"

namespace phaseselect {
namespace {

using Probabilities = std::vector<float> FoldPredictions::*;

struct Baseline {
  const char* name;
  const char* words;
  Probabilities probabilities;
};
constexpr std::array baselines{
    Baseline{"prevalence", "always the larger class", &FoldPredictions::prevalence},
    Baseline{"nearest_field", "the most similar known field", &FoldPredictions::nearest_field},
};

bool is_right(float probability, std::uint8_t label) { return (probability >= 0.5f) == (label != 0); }

struct Tally {
  std::size_t judgements = 0, right = 0;
  double accuracy() const { return static_cast<double>(right) / static_cast<double>(judgements); }
};

Tally tally(const HeldOutPredictions& predictions, Probabilities judged) {
  Tally all;
  for (const FoldPredictions& fold : predictions.folds) {
    all.judgements += fold.labels.size();
    for (std::size_t i = 0; i < fold.labels.size(); ++i)
      all.right += is_right((fold.*judged)[i], fold.labels[i]) ? 1 : 0;
  }
  return all;
}

std::vector<int> gains_of_fields(const FoldPlans& plans, const HeldOutPredictions& predictions, Probabilities judged,
                                 Probabilities baseline) {
  std::map<std::uint32_t, int> gains;  // by row: a field may be judged in several folds
  for (std::size_t f = 0; f < predictions.folds.size(); ++f) {
    const FoldPredictions& fold = predictions.folds[f];
    for (std::size_t i = 0; i < fold.labels.size(); ++i) {
      const int own = is_right((fold.*judged)[i], fold.labels[i]) ? 1 : 0;
      const int other = is_right((fold.*baseline)[i], fold.labels[i]) ? 1 : 0;
      gains[plans.folds[f].judged[i]] += own - other;
    }
  }
  std::vector<int> of_fields;
  of_fields.reserve(gains.size());
  for (const auto& [row, gain] : gains) of_fields.push_back(gain);
  return of_fields;
}

bool has_one_class(const HeldOutPredictions& predictions) {
  const Pooled all = pooled(predictions);
  return std::ranges::adjacent_find(all.labels, std::ranges::not_equal_to()) == all.labels.end();
}

std::string_view name_of(Standing standing) {
  return standing == Standing::better ? "better" : standing == Standing::no_better ? "no better" : "undecided";
}

std::string_view words_of(Standing standing) {
  return standing == Standing::better      ? "is better than"
         : standing == Standing::no_better ? "is no better than"
                                           : "cannot be told apart from";
}

// "is better than always the larger class (57.1 %, +31.3 points, 95 % interval +29.6 to +33.0)".
std::string comparison_words(const Baseline& baseline, double accuracy, const Comparison& found, Standing standing) {
  return fmt::format("{} {} ({:.1f} %, {:+.1f} points, 95 % interval {:+.1f} to {:+.1f})", words_of(standing),
                     baseline.words, 100 * accuracy, 100 * found.difference, 100 * found.low, 100 * found.high);
}

// Whoever does not beat the larger class has learned nothing; whoever does not beat the most similar field is not
// needed.
std::string advice(Standing larger_class, Standing nearest) {
  if (larger_class != Standing::better || nearest == Standing::no_better) return ": do not rely on it";
  return nearest == Standing::undecided ? ": more measured fields would tell" : "";
}

std::string judged_words(bool calibrated, const Tally& own, std::size_t fields) {
  const std::string judgements =
      own.judgements == fields ? "" : fmt::format("{} judgements of ", with_separators(own.judgements));
  return fmt::format("the {}probability is right for {:.1f} % of {}{} fields",
                     calibrated ? "calibrated " : "uncalibrated ", 100 * own.accuracy(), judgements,
                     with_separators(fields));
}

}  // namespace

Comparison compare(std::span<const int> gains, std::size_t judgements) {
  double sum = 0, squares = 0;
  Comparison found;
  for (const int gain : gains) {
    sum += gain;
    squares += static_cast<double>(gain) * gain;
    found.differing += gain != 0 ? 1 : 0;
  }
  const auto count = static_cast<double>(judgements);
  const double reach = 1.96 * std::sqrt(squares) + 1;
  found.difference = sum / count;
  found.low = std::max(-1.0, (sum - reach) / count);
  found.high = std::min(1.0, (sum + reach) / count);
  return found;
}

Standing standing(const Comparison& comparison, std::size_t fields) {
  if (comparison.low > 0) return Standing::better;
  if (comparison.high < 0) return Standing::no_better;
  return comparison.difference <= 0 && fields >= fewest_fields_judged ? Standing::no_better : Standing::undecided;
}

nlohmann::json verdict(const FoldPlans& plans, const HeldOutPredictions& predictions) {
  const bool calibrated = !pooled(predictions).calibrated.empty();
  const Probabilities judged = calibrated ? &FoldPredictions::calibrated : &FoldPredictions::probability;
  const Tally own = tally(predictions, judged);
  nlohmann::json json{{"judged", calibrated ? "calibrated" : "probability"},
                      {"accuracy", own.accuracy()},
                      {"judgements", own.judgements}};
  std::vector<Standing> standings;
  std::vector<std::string> comparisons;
  for (const Baseline& baseline : baselines) {
    const std::vector<int> gains = gains_of_fields(plans, predictions, judged, baseline.probabilities);
    const Comparison found = compare(gains, own.judgements);
    const double accuracy = tally(predictions, baseline.probabilities).accuracy();
    json["fields"] = gains.size();
    standings.push_back(standing(found, gains.size()));
    comparisons.push_back(comparison_words(baseline, accuracy, found, standings.back()));
    json["against"][baseline.name] = {
        {"accuracy", accuracy}, {"difference", found.difference}, {"low", found.low},
        {"high", found.high},   {"differing", found.differing},   {"standing", name_of(standings.back())}};
  }
  const std::string begin = judged_words(calibrated, own, json["fields"].get<std::size_t>());
  json["sentence"] = has_one_class(predictions)
                         ? begin + ", but these are all of one class, which tells nothing: do not rely on it"
                         : fmt::format("{}: it {} and {}{}", begin, comparisons[0], comparisons[1],
                                       advice(standings[0], standings[1]));
  return json;
}

}  // namespace phaseselect
