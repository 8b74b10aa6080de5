// The table that predict and screen write.
#include "host/pipeline/result_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "host/io/output_file.hpp"
#include "host/pipeline/known_fields.hpp"
#include "phaseselect/data/csv.hpp"

namespace phaseselect {

void ErrorRange::include(float error) {
  if (std::isnan(error)) return;
  low_ = std::min(low_, error);
  high_ = std::max(high_, error);
}

float ErrorRange::normalised(float error) const {
  if (std::isnan(error)) return error;
  return high_ > low_ ? (error - low_) / (high_ - low_) : 0.0f;
}

std::string result_header() { return fmt::format("{}", fmt::join(result_columns, ",")); }

std::string result_cells(std::string_view phases, const ResultRow& row) {
  return fmt::format("{},{},{},{},{},{},{},{},{},{}", csv_cell(phases), number(row.statistics.probability),
                     number(row.statistics.deviation), number(row.statistics.error), number(row.uncertainty),
                     number(row.percentile), number(row.accessibility), number(row.accessibility_deviation),
                     known_text(row.known), number(row.calibrated));
}

std::string empty_result_cells(std::string_view phases, std::uint8_t known) {
  return fmt::format("{},,,,,,,,{},", harmless_cell(phases), known_text(known));
}

nlohmann::json to_json(std::string_view phases, const ResultRow& row) {
  return {{"phases", phases},
          {"probability", json_number(row.statistics.probability)},
          {"probability_std", json_number(row.statistics.deviation)},
          {"reconstruction_error", json_number(row.statistics.error)},
          {"synthetic_uncertainty", json_number(row.uncertainty)},
          {"uncertainty_percentile", json_number(row.percentile)},
          {"accessibility", json_number(row.accessibility)},
          {"accessibility_std", json_number(row.accessibility_deviation)},
          {"known", known_text(row.known)},
          {"calibrated", json_number(row.calibrated)}};
}

nlohmann::json json_number(float value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(number(value).c_str(), nullptr);
}

}  // namespace phaseselect
