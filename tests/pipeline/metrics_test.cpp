// Metrics against values worked out by hand.
#include "host/pipeline/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace phaseselect {
namespace {

using Labels = std::vector<std::uint8_t>;
using Probabilities = std::vector<float>;

TEST(Metrics, HandComputed) {
  const Labels labels{1, 1, 1, 0, 0};
  const Probabilities probabilities{0.9f, 0.6f, 0.25f, 0.75f, 0.1f};
  const Metrics m = compute_metrics(labels, probabilities);
  EXPECT_EQ(m.fields, 5u);
  EXPECT_EQ(m.positives, 3u);
  // TP 2, FN 1, FP 1, TN 1.
  EXPECT_DOUBLE_EQ(m.accuracy, 0.6);
  EXPECT_DOUBLE_EQ(m.f1, 4.0 / 6.0);
  EXPECT_NEAR(m.mcc, (2.0 * 1 - 1.0 * 1) / std::sqrt(3.0 * 3 * 2 * 2), 1e-15);
  // Of the six pairs, the positive is above the negative in (0.9, both), (0.6, 0.1), (0.25, 0.1).
  EXPECT_DOUBLE_EQ(m.roc_auc, 4.0 / 6.0);
  EXPECT_NEAR(m.log_loss, -(std::log(0.9) + std::log(0.6) + std::log(0.25) + std::log(0.25) + std::log(0.9)) / 5, 1e-7);
  EXPECT_NEAR(m.brier, (0.01 + 0.16 + 0.5625 + 0.5625 + 0.01) / 5, 1e-7);
  // Every field is alone in its bin of width 1/15.
  EXPECT_NEAR(m.ece, (0.1 + 0.4 + 0.75 + 0.75 + 0.1) / 5, 1e-7);
}

TEST(Metrics, CalibrationPoolsFieldsOfOneBin) {
  // 0.70 and 0.72 share bin 10; their mean is 0.71, the share of positives 0.5. 1.0 belongs to the last bin.
  const Metrics m = compute_metrics(Labels{1, 0, 1}, Probabilities{0.70f, 0.72f, 1.0f});
  EXPECT_NEAR(m.ece, (2 * 0.21 + 0) / 3, 1e-7);
}

TEST(Metrics, TiesCountHalf) {
  EXPECT_DOUBLE_EQ(compute_metrics(Labels{1, 0, 1, 0}, Probabilities{0.5f, 0.5f, 0.5f, 0.5f}).roc_auc, 0.5);
  // Pairs: (0.8, 0.5) wins, (0.8, 0.2) wins, (0.5, 0.5) half, (0.5, 0.2) wins.
  EXPECT_DOUBLE_EQ(compute_metrics(Labels{1, 1, 0, 0}, Probabilities{0.8f, 0.5f, 0.5f, 0.2f}).roc_auc, 3.5 / 4);
}

TEST(Metrics, PerfectAndInverted) {
  const Metrics perfect = compute_metrics(Labels{0, 1, 1}, Probabilities{0.0f, 1.0f, 1.0f});
  EXPECT_EQ(perfect.accuracy, 1);
  EXPECT_EQ(perfect.f1, 1);
  EXPECT_EQ(perfect.mcc, 1);
  EXPECT_EQ(perfect.roc_auc, 1);
  EXPECT_EQ(perfect.brier, 0);
  EXPECT_EQ(perfect.ece, 0);
  EXPECT_NEAR(perfect.log_loss, 1e-7, 1e-12);
  const Metrics inverted = compute_metrics(Labels{1, 0, 0}, Probabilities{0.0f, 1.0f, 1.0f});
  EXPECT_EQ(inverted.accuracy, 0);
  EXPECT_EQ(inverted.f1, 0);
  EXPECT_EQ(inverted.mcc, -1);
  EXPECT_EQ(inverted.roc_auc, 0);
  EXPECT_NEAR(inverted.log_loss, -std::log(1e-7), 1e-6);
}

TEST(Metrics, OneClassLeavesRankingUndefined) {
  const Metrics ones = compute_metrics(Labels{1, 1}, Probabilities{0.9f, 0.4f});
  EXPECT_TRUE(std::isnan(ones.roc_auc));
  EXPECT_TRUE(std::isnan(ones.mcc));
  EXPECT_EQ(ones.accuracy, 0.5);
  const Metrics zeros = compute_metrics(Labels{0, 0}, Probabilities{0.1f, 0.4f});
  EXPECT_TRUE(std::isnan(zeros.f1));
  EXPECT_TRUE(roc_curve(Labels{0, 0}, Probabilities{0.1f, 0.4f}).empty());
  EXPECT_NE(to_json(zeros).dump().find("\"roc_auc\":null"), std::string::npos);
}

TEST(Metrics, NoFieldsAndBadInput) {
  EXPECT_TRUE(std::isnan(compute_metrics(Labels{}, Probabilities{}).accuracy));
  EXPECT_THROW(compute_metrics(Labels{1}, Probabilities{0.5f, 0.5f}), std::invalid_argument);
  EXPECT_THROW(compute_metrics(Labels{1}, Probabilities{std::nanf("")}), std::invalid_argument);
  EXPECT_THROW(compute_metrics(Labels{1}, Probabilities{1.5f}), std::invalid_argument);
}

TEST(RocCurve, OnePointPerDistinctProbability) {
  const std::vector<RocPoint> curve = roc_curve(Labels{1, 1, 0, 0}, Probabilities{0.75f, 0.5f, 0.5f, 0.25f});
  ASSERT_EQ(curve.size(), 4u);
  const std::vector<RocPoint> expected{{INFINITY, 0, 0}, {0.75, 0, 0.5}, {0.5, 0.5, 1}, {0.25, 1, 1}};
  for (std::size_t i = 0; i < curve.size(); ++i) {
    EXPECT_EQ(curve[i].threshold, expected[i].threshold);
    EXPECT_EQ(curve[i].false_positive_rate, expected[i].false_positive_rate);
    EXPECT_EQ(curve[i].true_positive_rate, expected[i].true_positive_rate);
  }
}

TEST(MeanDeviation, SampleDeviationWithoutUndefinedValues) {
  const std::vector<double> values{1, std::nan(""), 2, 4};
  const MeanDeviation summary = mean_deviation(values);
  EXPECT_DOUBLE_EQ(summary.mean, 7.0 / 3);
  EXPECT_NEAR(summary.deviation, std::sqrt((16.0 / 9 + 1.0 / 9 + 25.0 / 9) / 2), 1e-15);
  EXPECT_TRUE(std::isnan(mean_deviation(std::vector<double>{3}).deviation));
  EXPECT_TRUE(std::isnan(mean_deviation(std::vector<double>{}).mean));
}

TEST(Summary, UndefinedMeasuresAreNullAndTheirFoldsCounted) {
  const Metrics both = compute_metrics(Labels{1, 0}, Probabilities{0.9f, 0.2f});
  const Metrics ones = compute_metrics(Labels{1, 1}, Probabilities{0.9f, 0.4f});
  EXPECT_TRUE(to_json(ones)["roc_auc"].is_null());
  EXPECT_EQ(to_json(ones)["accuracy"], 0.5);
  const nlohmann::json summary = summarise({both, ones, ones});
  EXPECT_EQ(summary["mean"]["roc_auc"], 1);
  EXPECT_TRUE(summary["standard_deviation"]["roc_auc"].is_null()) << "one fold has no spread";
  EXPECT_EQ(summary["folds_defined"]["roc_auc"], 1);
  EXPECT_EQ(summary["folds_defined"]["accuracy"], 3);
  EXPECT_TRUE(summarise({ones, ones})["mean"]["mcc"].is_null());
  EXPECT_EQ(summarise({ones, ones})["folds_defined"]["mcc"], 0);
}

TEST(Metrics, ProbabilityOfLess) {
  EXPECT_DOUBLE_EQ(probability_of_less(std::vector<float>{1, 2, 3}, std::vector<float>{2, 4}), (2 + 1.5 + 1) / 6.0);
  EXPECT_TRUE(std::isnan(probability_of_less({}, std::vector<float>{2})));
}

}  // namespace
}  // namespace phaseselect
