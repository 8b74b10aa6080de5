// Quality of predicted probabilities against labels: the measures of a validation. A measure that is not defined for
// the data (an area under the curve with one class) is NaN.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

namespace phaseselect {

inline constexpr int calibration_bins = 15;
inline constexpr double log_loss_clip = 1e-7;

// A field counts as predicted positive when its probability is at least 0.5.
struct Metrics {
  std::size_t fields = 0;
  std::size_t positives = 0;
  double accuracy = 0;  // share of fields on the right side
  double f1 = 0;        // 2 TP / (2 TP + FP + FN); NaN when that is 0 / 0
  double roc_auc = 0;   // probability that a positive outranks a negative, ties count half; NaN with one class
  double mcc = 0;       // Matthews correlation; NaN when a row or column of the confusion matrix is empty
  double log_loss = 0;  // mean cross-entropy in nats, probabilities clipped to [1e-7, 1 - 1e-7]
  double brier = 0;     // mean squared difference of probability and label
  double ece = 0;       // expected calibration error over 15 bins of equal width
};

// Throws std::invalid_argument when the sizes differ or a probability is not in [0, 1]; all measures of no field are
// NaN.
Metrics compute_metrics(std::span<const std::uint8_t> labels, std::span<const float> probabilities);

// The fields with probability in [b, b + 1) / calibration_bins, those with 1 in the last bin: sums over them.
struct ReliabilityBin {
  std::size_t fields = 0;
  double probability = 0;
  double positives = 0;
};
using Reliability = std::array<ReliabilityBin, calibration_bins>;
Reliability reliability(std::span<const std::uint8_t> labels, std::span<const float> probabilities);

// Probability that a number of `some` is smaller than one of `others`, equal ones count half; NaN as roc_area.
double probability_of_less(std::span<const float> some, std::span<const float> others);
// Probability that a positive has a higher score than a negative, ties count half; NaN with one class or where
// a score is NaN.
double roc_area(std::span<const std::uint8_t> labels, std::span<const double> scores);

// One point of the receiver operating characteristic: fields with probability >= threshold are called positive.
struct RocPoint {
  double threshold = 0;
  double false_positive_rate = 0;
  double true_positive_rate = 0;
};

// From (0, 0) at threshold infinity to (1, 1), one point for each distinct probability; empty with one class.
std::vector<RocPoint> roc_curve(std::span<const std::uint8_t> labels, std::span<const float> probabilities);

// The measures by name; NaN becomes null.
nlohmann::json to_json(const Metrics& metrics);

struct MeanDeviation {
  double mean = 0;
  double deviation = 0;
};
// Mean and sample standard deviation (n - 1) of the values that are not NaN; NaN where there are too few.
MeanDeviation mean_deviation(std::span<const double> values);

// Mean and standard deviation of each measure over the folds where it is defined, and how many these are:
// {"mean": {...}, "standard_deviation": {...}, "folds_defined": {...}}; null where it is defined in too few.
nlohmann::json summarise(const std::vector<Metrics>& folds);

}  // namespace phaseselect
