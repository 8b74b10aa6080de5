// Newton's method with halved steps on the two numbers (Lin, Lin and Weng 2007); the loss is convex in them.
#include "host/pipeline/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "host/pipeline/metrics.hpp"

namespace phaseselect {
namespace {

double logit(float probability) {
  const double p = std::clamp<double>(probability, log_loss_clip, 1 - log_loss_clip);
  return std::log(p) - std::log1p(-p);
}

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

struct Example {
  double logit, target;
};

double loss(const std::vector<Example>& examples, const Calibration& c) {
  double sum = 0;
  for (const Example& e : examples) {
    const double z = c.slope * e.logit + c.shift;
    sum += std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))) - e.target * z;
  }
  return sum;
}

// The step to the minimum of the parabola; with a fixed slope that of the shift alone.
Calibration newton_step(const std::vector<Example>& examples, const Calibration& c, bool fixed_slope) {
  double g_slope = 0, g_shift = 0, h_slope = 1e-9, h_both = 0, h_shift = 1e-9;
  for (const Example& e : examples) {
    const double p = sigmoid(c.slope * e.logit + c.shift);
    const double curvature = p * (1 - p);
    g_slope += (p - e.target) * e.logit;
    g_shift += p - e.target;
    h_slope += curvature * e.logit * e.logit;
    h_both += curvature * e.logit;
    h_shift += curvature;
  }
  if (fixed_slope) return {0, -g_shift / h_shift};
  const double determinant = h_slope * h_shift - h_both * h_both;
  return {-(h_shift * g_slope - h_both * g_shift) / determinant, -(h_slope * g_shift - h_both * g_slope) / determinant};
}

Calibration minimise(const std::vector<Example>& examples, Calibration c, bool fixed_slope) {
  double now = loss(examples, c);
  for (int iteration = 0; iteration < 100; ++iteration) {
    const Calibration step = newton_step(examples, c, fixed_slope);
    double share = 1;
    Calibration next = c;
    double then;  // set by the loop
    do {
      next = {c.slope + share * step.slope, c.shift + share * step.shift};
      then = loss(examples, next);
      share /= 2;
    } while (!(then <= now) && share > 1e-10);
    if (!(then < now)) break;
    c = next;
    now = then;
  }
  return c;
}

}  // namespace

Calibration fit_calibration(std::span<const std::uint8_t> labels, std::span<const float> probabilities) {
  if (labels.empty()) return {};
  const auto positives =
      static_cast<double>(std::count_if(labels.begin(), labels.end(), [](auto l) { return l != 0; }));
  const double negatives = static_cast<double>(labels.size()) - positives;
  std::vector<Example> examples;
  examples.reserve(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double target = labels[i] != 0 ? (positives + 1) / (positives + 2) : 1 / (negatives + 2);
    examples.push_back({logit(probabilities[i]), target});
  }
  const Calibration best = minimise(examples, {}, false);
  return best.slope >= smallest_slope ? best : minimise(examples, {smallest_slope, 0}, true);
}

float calibrate(float probability, const Calibration& calibration) {
  if (std::isnan(probability)) return probability;
  return static_cast<float>(sigmoid(calibration.slope * logit(probability) + calibration.shift));
}

}  // namespace phaseselect
