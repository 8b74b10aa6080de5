// Calibration: the right slope and shift, data that have none, and what it must not change.
#include "host/pipeline/calibration.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "host/pipeline/metrics.hpp"

namespace phaseselect {
namespace {

struct Sample {
  std::vector<std::uint8_t> labels;
  std::vector<float> probabilities;
  void add(float probability, int positives, int negatives) {
    labels.insert(labels.end(), static_cast<std::size_t>(positives), 1);
    labels.insert(labels.end(), static_cast<std::size_t>(negatives), 0);
    probabilities.resize(labels.size(), probability);
  }
  Calibration fit() const { return fit_calibration(labels, probabilities); }
};

TEST(FitCalibration, MakesTheSharesRight) {
  Sample sample;
  sample.add(0.9f, 60'000, 40'000);
  sample.add(0.2f, 10'000, 90'000);
  const Calibration found = sample.fit();
  EXPECT_NEAR(calibrate(0.9f, found), 0.6, 1e-4);
  EXPECT_NEAR(calibrate(0.2f, found), 0.1, 1e-4);
  EXPECT_NEAR(found.slope, (std::log(1.5) + std::log(9)) / (std::log(9) + std::log(4)), 1e-3);
}

TEST(FitCalibration, RightProbabilitiesAreLeftAlone) {
  Sample sample;
  for (const int percent : {10, 30, 50, 80}) {
    sample.add(static_cast<float>(percent) / 100, 1000 * percent, 1000 * (100 - percent));
  }
  const Calibration found = sample.fit();
  EXPECT_NEAR(found.slope, 1, 1e-4);
  EXPECT_NEAR(found.shift, 0, 1e-4);
}

// No neighbour has a smaller log loss. The sample is large enough that Platt's targets are the labels.
TEST(FitCalibration, MinimisesTheLogLoss) {
  Sample sample;
  for (int i = 1; i < 20; ++i) sample.add(static_cast<float>(i) / 20, 1000 + 10 * i * i, 5500 - 200 * i);
  const auto loss = [&](const Calibration& calibration) {
    std::vector<float> calibrated;
    for (const float p : sample.probabilities) calibrated.push_back(calibrate(p, calibration));
    return compute_metrics(sample.labels, calibrated).log_loss;
  };
  const Calibration best = sample.fit();
  for (const double d : {-0.05, 0.05}) {
    EXPECT_LT(loss(best), loss({best.slope + d, best.shift}));
    EXPECT_LT(loss(best), loss({best.slope, best.shift + d}));
  }
}

TEST(FitCalibration, IsFiniteAndKeepsTheOrderWhateverTheData) {
  Sample apart, wrong, one_class, certain;
  apart.add(0.9f, 5, 0);
  apart.add(0.1f, 0, 5);
  wrong.add(0.9f, 0, 50);
  wrong.add(0.1f, 50, 0);
  one_class.add(0.7f, 5, 0);
  certain.add(1.0f, 9, 1);
  certain.add(0.0f, 1, 9);
  for (const Sample* sample : {&apart, &wrong, &one_class, &certain}) {
    const Calibration found = sample->fit();
    EXPECT_TRUE(std::isfinite(found.slope) && std::isfinite(found.shift));
    EXPECT_GE(found.slope, smallest_slope);
    EXPECT_LT(calibrate(0.2f, found), calibrate(0.8f, found));
  }
  EXPECT_NEAR(calibrate(0.9f, apart.fit()), 6.0 / 7, 1e-4);
  EXPECT_NEAR(calibrate(0.5f, wrong.fit()), 0.5, 1e-3);
  EXPECT_EQ(fit_calibration({}, {}).slope, 1);
}

// Labels drawn by known weights of logit and evidence: the fit finds them; what says nothing gets next to no weight.
TEST(FitCalibration, WeighsTheEvidence) {
  std::mt19937 draw(5);
  std::normal_distribution<double> normal;
  std::vector<std::uint8_t> labels;
  std::vector<float> probabilities;
  std::vector<Evidence> evidence;
  const auto sigmoid = [](double z) { return 1 / (1 + std::exp(-z)); };
  for (int i = 0; i < 40'000; ++i) {
    const double logit = 2 * normal(draw);
    Evidence e{normal(draw), normal(draw), 0, normal(draw), normal(draw), 3};
    probabilities.push_back(static_cast<float>(sigmoid(logit)));
    evidence.push_back(e);
    const double z = 0.5 * logit - 0.3 + 0.8 * e[0] - 0.4 * e[3];
    labels.push_back(std::uniform_real_distribution<double>()(draw) < sigmoid(z));
  }
  const Calibration found = fit_calibration(labels, probabilities, evidence);
  EXPECT_NEAR(found.slope, 0.5, 0.03);
  ASSERT_TRUE(found.neighbours);
  const Evidence& weights = *found.neighbours;
  EXPECT_NEAR(weights[0], 0.8, 0.05);
  EXPECT_NEAR(weights[1], 0, 0.05);
  EXPECT_NEAR(weights[2], 0, 1e-9) << "always 0";
  EXPECT_NEAR(weights[3], -0.4, 0.05);
  EXPECT_NEAR(found.shift + 3 * weights[5], -0.3, 0.05) << "always the same: a part of the shift";
  EXPECT_NEAR(calibrate(0.5f, found, {1, 0, 0, 0, 0, 3}), sigmoid(-0.3 + 0.8), 0.02);

  const auto loss = [&](const Calibration& calibration) {
    std::vector<float> calibrated;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      calibrated.push_back(calibrate(probabilities[i], calibration, evidence[i]));
    }
    return compute_metrics(labels, calibrated).log_loss;
  };
  EXPECT_LT(loss(found) + 0.03, loss(fit_calibration(labels, probabilities)));
  for (const std::size_t i : {0, 1, 3, 4}) {
    for (const double d : {-0.05, 0.05}) {
      Calibration moved = found;
      (*moved.neighbours)[i] += d;
      EXPECT_LT(loss(found), loss(moved)) << i;
    }
  }
}

// What cannot be told from few fields is held small, and the network's order is never turned around.
TEST(FitCalibration, EvidenceOfFewFields) {
  const std::vector<std::uint8_t> labels{1, 1, 0, 0};
  const std::vector<float> probabilities{0.1f, 0.2f, 0.8f, 0.9f};
  const std::vector<Evidence> evidence{{5, 1, 1, 1, 1, 1}, {5, 1}, {-5, 1}, {-5, 1, 1}};
  const Calibration found = fit_calibration(labels, probabilities, evidence);
  EXPECT_GE(found.slope, smallest_slope);
  ASSERT_TRUE(found.neighbours);
  EXPECT_GT(calibrate(0.1f, found, evidence[0]), calibrate(0.9f, found, evidence[3]));
  const std::vector<Evidence> faint{{0.01}, {0.01}, {-0.01}, {-0.01}};
  EXPECT_LT(std::abs((*fit_calibration(labels, probabilities, faint).neighbours)[0]), 0.1);
}

TEST(Calibrate, EvidenceCountsOnlyWithWeights) {
  const Evidence evidence{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(calibrate(0.3f, {0.5, 0.1}, evidence), calibrate(0.3f, {0.5, 0.1}));
  const Calibration weighed{0.5, 0.1, Evidence{0, 0, 0, 0, 0, 1}};
  EXPECT_NEAR(calibrate(0.5f, weighed, evidence), 1 / (1 + std::exp(-6.1)), 1e-6);
}

TEST(Calibrate, AsJson) {
  const Calibration plain{0.5, 0.1}, weighed{0.5, 0.1, Evidence{1, 2, 3, 4, 5, 6}};
  EXPECT_FALSE(calibration_from_json(to_json(plain)).neighbours);
  EXPECT_EQ(calibration_from_json(to_json(weighed)).neighbours, weighed.neighbours);
  EXPECT_EQ(calibration_from_json(to_json(weighed)).slope, 0.5);
  EXPECT_EQ(to_json(weighed)["neighbours"]["reduction_count"], 6);
}

TEST(Calibrate, TheIdentityAndNaN) {
  for (const float p : {0.001f, 0.2f, 0.5f, 0.9f}) EXPECT_NEAR(calibrate(p, {}), p, 2e-7);
  EXPECT_GT(calibrate(1.0f, {}), 0.99999f);
  EXPECT_TRUE(std::isnan(calibrate(std::numeric_limits<float>::quiet_NaN(), {2, 1})));
}

TEST(Reliability, CountsEveryFieldInItsBin) {
  Sample sample;
  sample.add(0.0f, 1, 2);
  sample.add(0.5f, 3, 1);
  sample.add(1.0f, 2, 0);
  const Reliability bins = reliability(sample.labels, sample.probabilities);
  EXPECT_EQ(bins[0].fields, 3u);
  EXPECT_EQ(bins[7].fields, 4u);
  EXPECT_EQ(bins[7].positives, 3);
  EXPECT_EQ(bins[7].probability, 2);
  EXPECT_EQ(bins[14].fields, 2u);
}

}  // namespace
}  // namespace phaseselect
