// JSON as text, whatever bytes the strings in it have: tables and folder names need not be UTF-8, JSON has to be.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace phaseselect {

// Bytes that are not UTF-8 become U+FFFD. indent -1: all in one line.
inline std::string json_text(const nlohmann::json& json, int indent = 2) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

// A text as it comes back from JSON.
inline std::string as_utf8(const std::string& text) {
  return nlohmann::json::parse(json_text(text, -1)).get<std::string>();
}

}  // namespace phaseselect
