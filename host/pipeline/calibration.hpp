// Calibration: what makes probabilities as sure as they are right. sigmoid(slope logit(p) + shift): the slope is one
// over a temperature; the shift takes back what the weights of the classes in training add (Platt 1999). Keeps the
// order. With evidence from a field's known neighbours (neighbourhood.hpp) a weighted sum of it is added, a logistic
// regression on top of the network (stacked generalisation, Wolpert 1992): then the order may change.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "host/pipeline/neighbourhood.hpp"

namespace phaseselect {

struct Calibration {
  double slope = 1;
  double shift = 0;
  std::optional<Evidence> neighbours = std::nullopt;  // weights of the evidence; none: it does not count
};

// A fit never turns the order of the network around, nor forgets it.
inline constexpr double smallest_slope = 0.01;

// The least log loss, in double precision, against labels drawn in by Platt's (N + 1) / (N + 2) and 1 / (N + 2), so
// that there is a minimum also where the classes are apart. The identity where there is no field. `evidence` is empty
// or beside the labels; its weights cost half their square, so that they are 0 where it says nothing.
Calibration fit_calibration(std::span<const std::uint8_t> labels, std::span<const float> probabilities,
                            std::span<const Evidence> evidence = {});

// NaN stays NaN. The evidence counts where the calibration has weights for it.
float calibrate(float probability, const Calibration& calibration, const Evidence& evidence = {});

// {"slope", "shift"} and, with weights, "neighbours": {name of the evidence: weight}.
nlohmann::json to_json(const Calibration& calibration);
// The inverse; other entries do not matter. Throws nlohmann::json::exception where a number is missing.
Calibration calibration_from_json(const nlohmann::json& json);

}  // namespace phaseselect
