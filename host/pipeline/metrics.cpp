// Quality of predicted probabilities against labels.
#include "host/pipeline/metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace phaseselect {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

struct NamedMetric {
  const char* name;
  double Metrics::*value;
};
constexpr std::array named_metrics{
    NamedMetric{"accuracy", &Metrics::accuracy}, NamedMetric{"f1", &Metrics::f1},
    NamedMetric{"roc_auc", &Metrics::roc_auc},   NamedMetric{"mcc", &Metrics::mcc},
    NamedMetric{"log_loss", &Metrics::log_loss}, NamedMetric{"brier", &Metrics::brier},
    NamedMetric{"ece", &Metrics::ece},
};

struct Confusion {
  double true_positive = 0, false_positive = 0, true_negative = 0, false_negative = 0;
};

Confusion confusion(std::span<const std::uint8_t> labels, std::span<const float> probabilities) {
  Confusion counts;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool called = probabilities[i] >= 0.5f;
    if (labels[i] != 0) {
      ++(called ? counts.true_positive : counts.false_negative);
    } else {
      ++(called ? counts.false_positive : counts.true_negative);
    }
  }
  return counts;
}

nlohmann::json number_or_null(double value) {
  if (std::isnan(value)) return nullptr;
  return value;
}

double ratio(double numerator, double denominator) { return denominator == 0 ? undefined : numerator / denominator; }

double matthews(const Confusion& c) {
  const double product = (c.true_positive + c.false_positive) * (c.true_positive + c.false_negative) *
                         (c.true_negative + c.false_positive) * (c.true_negative + c.false_negative);
  return ratio(c.true_positive * c.true_negative - c.false_positive * c.false_negative, std::sqrt(product));
}

std::vector<std::size_t> descending_order(std::span<const float> probabilities) {
  std::vector<std::size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return probabilities[a] > probabilities[b]; });
  return order;
}

// The trapezoids under the curve give a tie of a positive and a negative half a win, as midranks do.
double area(const std::vector<RocPoint>& curve) {
  if (curve.empty()) return undefined;
  double sum = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    sum += (curve[i].false_positive_rate - curve[i - 1].false_positive_rate) *
           (curve[i].true_positive_rate + curve[i - 1].true_positive_rate) / 2;
  }
  return sum;
}

double calibration_error(std::span<const std::uint8_t> labels, std::span<const float> probabilities) {
  double sum = 0;
  for (const ReliabilityBin& bin : reliability(labels, probabilities)) sum += std::abs(bin.probability - bin.positives);
  return sum / static_cast<double>(labels.size());
}

void check(std::span<const std::uint8_t> labels, std::span<const float> probabilities) {
  if (labels.size() != probabilities.size())
    throw std::invalid_argument("metrics: one probability per label is needed");
  for (const float p : probabilities) {
    if (!(p >= 0 && p <= 1)) throw std::invalid_argument("metrics: a probability is not between 0 and 1");
  }
}

}  // namespace

Metrics compute_metrics(std::span<const std::uint8_t> labels, std::span<const float> probabilities) {
  check(labels, probabilities);
  Metrics metrics;
  metrics.fields = labels.size();
  if (labels.empty()) {
    for (const NamedMetric& named : named_metrics) metrics.*named.value = undefined;
    return metrics;
  }
  const auto count = static_cast<double>(labels.size());
  const Confusion c = confusion(labels, probabilities);
  metrics.positives = static_cast<std::size_t>(c.true_positive + c.false_negative);
  metrics.accuracy = (c.true_positive + c.true_negative) / count;
  metrics.f1 = ratio(2 * c.true_positive, 2 * c.true_positive + c.false_positive + c.false_negative);
  metrics.mcc = matthews(c);
  metrics.roc_auc = area(roc_curve(labels, probabilities));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double p = probabilities[i];
    const double label = labels[i] != 0 ? 1 : 0;
    const double clipped = std::clamp(p, log_loss_clip, 1 - log_loss_clip);
    metrics.log_loss -= (label != 0 ? std::log(clipped) : std::log1p(-clipped)) / count;
    metrics.brier += (p - label) * (p - label) / count;
  }
  metrics.ece = calibration_error(labels, probabilities);
  return metrics;
}

Reliability reliability(std::span<const std::uint8_t> labels, std::span<const float> probabilities) {
  check(labels, probabilities);
  Reliability bins{};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double p = probabilities[i];
    ReliabilityBin& bin =
        bins[static_cast<std::size_t>(std::min(calibration_bins - 1, static_cast<int>(p * calibration_bins)))];
    ++bin.fields;
    bin.probability += p;
    bin.positives += labels[i] != 0 ? 1 : 0;
  }
  return bins;
}

double probability_of_less(std::span<const float> some, std::span<const float> others) {
  std::vector<std::uint8_t> is_other(some.size(), 0);
  is_other.resize(some.size() + others.size(), 1);
  std::vector<double> values(some.begin(), some.end());
  values.insert(values.end(), others.begin(), others.end());
  return roc_area(is_other, values);
}

double roc_area(std::span<const std::uint8_t> labels, std::span<const double> scores) {
  if (std::any_of(scores.begin(), scores.end(), [](double score) { return std::isnan(score); })) return undefined;
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  double wins = 0, negatives = 0, positives = 0;
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    double equal_positives = 0;
    for (last = first; last < order.size() && scores[order[last]] == scores[order[first]]; ++last) {
      equal_positives += labels[order[last]] != 0 ? 1 : 0;
    }
    const double equal_negatives = static_cast<double>(last - first) - equal_positives;
    wins += equal_positives * (negatives + equal_negatives / 2);
    positives += equal_positives;
    negatives += equal_negatives;
  }
  return ratio(wins, positives * negatives);
}

std::vector<RocPoint> roc_curve(std::span<const std::uint8_t> labels, std::span<const float> probabilities) {
  check(labels, probabilities);
  const auto positives =
      static_cast<double>(std::count_if(labels.begin(), labels.end(), [](std::uint8_t label) { return label != 0; }));
  const double negatives = static_cast<double>(labels.size()) - positives;
  std::vector<RocPoint> curve;
  if (positives == 0 || negatives == 0) return curve;
  curve.push_back({std::numeric_limits<double>::infinity(), 0, 0});
  const std::vector<std::size_t> order = descending_order(probabilities);
  double true_positive = 0;
  double false_positive = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    ++(labels[order[i]] != 0 ? true_positive : false_positive);
    const bool last_of_ties = i + 1 == order.size() || probabilities[order[i + 1]] != probabilities[order[i]];
    if (last_of_ties) curve.push_back({probabilities[order[i]], false_positive / negatives, true_positive / positives});
  }
  return curve;
}

nlohmann::json to_json(const Metrics& metrics) {
  nlohmann::json json{{"fields", metrics.fields}, {"positives", metrics.positives}};
  for (const NamedMetric& named : named_metrics) json[named.name] = number_or_null(metrics.*named.value);
  return json;
}

MeanDeviation mean_deviation(std::span<const double> values) {
  double sum = 0;
  std::size_t count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  if (count == 0) return {undefined, undefined};
  const double mean = sum / static_cast<double>(count);
  if (count == 1) return {mean, undefined};
  double squares = 0;
  for (const double value : values) {
    if (!std::isnan(value)) squares += (value - mean) * (value - mean);
  }
  return {mean, std::sqrt(squares / static_cast<double>(count - 1))};
}

nlohmann::json summarise(const std::vector<Metrics>& folds) {
  nlohmann::json mean;
  nlohmann::json deviation;
  nlohmann::json defined;
  for (const NamedMetric& named : named_metrics) {
    std::vector<double> values;
    values.reserve(folds.size());
    for (const Metrics& fold : folds) values.push_back(fold.*named.value);
    const MeanDeviation summary = mean_deviation(values);
    mean[named.name] = number_or_null(summary.mean);
    deviation[named.name] = number_or_null(summary.deviation);
    defined[named.name] = std::count_if(values.begin(), values.end(), [](double value) { return !std::isnan(value); });
  }
  return {{"mean", mean}, {"standard_deviation", deviation}, {"folds_defined", defined}};
}

}  // namespace phaseselect
