// Calibration: what makes probabilities as sure as they are right. sigmoid(slope logit(p) + shift): the slope is one
// over a temperature; the shift takes back what the weights of the classes in training add (Platt 1999). Keeps the
// order.
#pragma once

#include <cstdint>
#include <span>

namespace phaseselect {

struct Calibration {
  double slope = 1;
  double shift = 0;
};

// A fit never turns the order of the fields around, nor forgets it.
inline constexpr double smallest_slope = 0.01;

// The least log loss, in double precision, against labels drawn in by Platt's (N + 1) / (N + 2) and 1 / (N + 2), so
// that there is a minimum also where the classes are apart. The identity where there is no field.
Calibration fit_calibration(std::span<const std::uint8_t> labels, std::span<const float> probabilities);

// NaN stays NaN.
float calibrate(float probability, const Calibration& calibration);

}  // namespace phaseselect
