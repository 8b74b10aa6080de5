// Results as text for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace phaseselect {

std::string aggregate_text(const nlohmann::json& result);
std::string inspect_text(const nlohmann::json& result);
std::string validate_text(const nlohmann::json& metrics);
// `run` is run.json; the verdict is that of the run's calibration.
std::string train_text(const nlohmann::json& run, const std::string& directory);
std::string damaged_text(const nlohmann::json& result);  // of members that were left out; empty without such
std::string lists_text(const nlohmann::json& result);    // of "reported_rows" and "rejects"; empty without them
std::string screen_text(const nlohmann::json& result);
std::string map_text(const nlohmann::json& result);
std::string accessibility_text(const nlohmann::json& result);
std::string predict_text(const nlohmann::json& result);
std::string explain_text(const nlohmann::json& result);

}  // namespace phaseselect
