// The table that predict and screen write, one row per phase field.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

inline constexpr std::array<std::string_view, 10> result_columns{"phases",
                                                                 "probability",
                                                                 "probability_std",
                                                                 "reconstruction_error",
                                                                 "synthetic_uncertainty",
                                                                 "uncertainty_percentile",
                                                                 "accessibility",
                                                                 "accessibility_std",
                                                                 "known",
                                                                 "calibrated"};

// Smallest and largest reconstruction error of a list of fields. NaN does not count.
class ErrorRange {
 public:
  void include(float error);
  // The error mapped from [smallest, largest] to [0, 1]; 0 when all are equal.
  float normalised(float error) const;
  float low() const { return low_; }  // above high() where there was none
  float high() const { return high_; }

 private:
  float low_ = std::numeric_limits<float>::infinity();
  float high_ = -std::numeric_limits<float>::infinity();
};

struct ResultRow {
  FieldStatistics statistics;
  float uncertainty = 0;  // normalised over the list
  float percentile = 0;   // among held-out known fields
  // Learned; NaN without accessibility members.
  float accessibility = std::numeric_limits<float>::quiet_NaN();
  float accessibility_deviation = std::numeric_limits<float>::quiet_NaN();
  std::uint8_t known = 0;
  float calibrated = 0;  // probability; NaN without a calibration
};

// Rows of a CSV without the end of the line: the names of the columns, the cells of a field, and those of a row that
// the model cannot judge, whose values are empty.
std::string result_header();
std::string result_cells(std::string_view phases, const ResultRow& row);
std::string empty_result_cells(std::string_view phases, std::uint8_t known);
nlohmann::json to_json(std::string_view phases, const ResultRow& row);

// A float for JSON: the shortest decimal number that reads back as the same float; null for NaN and infinities.
nlohmann::json json_number(float value);

}  // namespace phaseselect
