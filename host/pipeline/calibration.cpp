// Newton's method with halved steps (Lin, Lin and Weng 2007); the loss is convex in slope, shift and weights.
#include "host/pipeline/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "host/pipeline/metrics.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t most = 2 + std::tuple_size_v<Evidence>;
using Vector = std::array<double, most>;  // slope, shift, weights
using Matrix = std::array<Vector, most>;
constexpr double ridge = 1e-9;  // keeps the curvature positive definite where an input never changes

double logit(float probability) {
  const double p = std::clamp<double>(probability, log_loss_clip, 1 - log_loss_clip);
  return std::log(p) - std::log1p(-p);
}

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < most; ++i) sum += a[i] * b[i];
  return sum;
}

struct Example {
  Vector inputs;  // logit, 1, evidence
  double target;
};

// Half the square of a weight, times this; 0 for slope and shift.
double penalty(std::size_t i) { return i < 2 ? 0 : 1; }

double loss(const std::vector<Example>& examples, const Vector& parameters) {
  double sum = 0;
  for (std::size_t i = 0; i < most; ++i) sum += penalty(i) * parameters[i] * parameters[i] / 2;
  for (const Example& e : examples) {
    const double z = dot(parameters, e.inputs);
    sum += std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))) - e.target * z;
  }
  return sum;
}

// Solves a x = b for a positive definite a, which it overwrites with its Cholesky factor.
Vector solve(Matrix& a, Vector b) {
  for (std::size_t i = 0; i < most; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i][j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i][k] * a[j][k];
      a[i][j] = i == j ? std::sqrt(std::max(sum, ridge)) : sum / a[j][j];
    }
  }
  for (std::size_t i = 0; i < most; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (std::size_t i = most; i-- > 0;) {
    for (std::size_t k = i + 1; k < most; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}

// The step to the minimum of the parabola; with a fixed slope that of the others.
Vector newton_step(const std::vector<Example>& examples, const Vector& parameters, bool fixed_slope) {
  Vector descent{};
  Matrix curvature{};
  for (std::size_t i = 0; i < most; ++i) {
    descent[i] = -penalty(i) * parameters[i];
    curvature[i][i] = penalty(i) + ridge;
  }
  for (const Example& e : examples) {
    const double p = sigmoid(dot(parameters, e.inputs));
    for (std::size_t i = 0; i < most; ++i) {
      descent[i] += (e.target - p) * e.inputs[i];
      for (std::size_t j = 0; j <= i; ++j) curvature[i][j] += p * (1 - p) * e.inputs[i] * e.inputs[j];
    }
  }
  if (fixed_slope) {
    descent[0] = 0;
    for (std::size_t i = 1; i < most; ++i) curvature[i][0] = 0;
  }
  return solve(curvature, descent);
}

Vector minimise(const std::vector<Example>& examples, Vector parameters, bool fixed_slope) {
  double now = loss(examples, parameters);
  for (int iteration = 0; iteration < 100; ++iteration) {
    const Vector step = newton_step(examples, parameters, fixed_slope);
    double share = 1;
    Vector next;
    double then;  // set by the loop
    do {
      for (std::size_t i = 0; i < most; ++i) next[i] = parameters[i] + share * step[i];
      then = loss(examples, next);
      share /= 2;
    } while (!(then <= now) && share > 1e-10);
    if (!(then < now)) break;
    parameters = next;
    now = then;
  }
  return parameters;
}

// Without evidence the inputs beside logit and 1 are 0, and so are their weights.
Vector inputs(float probability, const Evidence& evidence) {
  Vector result{logit(probability), 1};
  std::copy(evidence.begin(), evidence.end(), result.begin() + 2);
  return result;
}

}  // namespace

Calibration fit_calibration(std::span<const std::uint8_t> labels, std::span<const float> probabilities,
                            std::span<const Evidence> evidence) {
  Calibration found;
  if (!evidence.empty()) found.neighbours.emplace();
  if (labels.empty()) return found;
  const auto positives =
      static_cast<double>(std::count_if(labels.begin(), labels.end(), [](auto l) { return l != 0; }));
  const double negatives = static_cast<double>(labels.size()) - positives;
  std::vector<Example> examples;
  examples.reserve(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double target = labels[i] != 0 ? (positives + 1) / (positives + 2) : 1 / (negatives + 2);
    examples.push_back({inputs(probabilities[i], evidence.empty() ? Evidence{} : evidence[i]), target});
  }
  Vector best = minimise(examples, {1, 0}, false);
  if (best[0] < smallest_slope) best = minimise(examples, {smallest_slope, 0}, true);
  found.slope = best[0];
  found.shift = best[1];
  if (found.neighbours) std::copy(best.begin() + 2, best.end(), found.neighbours->begin());
  return found;
}

float calibrate(float probability, const Calibration& calibration, const Evidence& evidence) {
  if (std::isnan(probability)) return probability;
  Vector parameters{calibration.slope, calibration.shift};
  if (calibration.neighbours) std::ranges::copy(*calibration.neighbours, parameters.begin() + 2);
  return static_cast<float>(sigmoid(dot(parameters, inputs(probability, evidence))));
}

nlohmann::json to_json(const Calibration& calibration) {
  nlohmann::json json{{"slope", calibration.slope}, {"shift", calibration.shift}};
  if (!calibration.neighbours) return json;
  for (std::size_t i = 0; i < evidence_names.size(); ++i) {
    json["neighbours"][std::string(evidence_names[i])] = (*calibration.neighbours)[i];
  }
  return json;
}

Calibration calibration_from_json(const nlohmann::json& json) {
  Calibration calibration{json.at("slope"), json.at("shift"), std::nullopt};
  if (!json.contains("neighbours")) return calibration;
  calibration.neighbours.emplace();
  for (std::size_t i = 0; i < evidence_names.size(); ++i) {
    (*calibration.neighbours)[i] = json.at("neighbours").at(std::string(evidence_names[i]));
  }
  return calibration;
}

}  // namespace phaseselect
