// JSON as text, whatever bytes the strings in it have: tables and folder names need not be UTF-8, JSON has to be.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace phaseselect {

// Deeper than any JSON that this program writes.
inline constexpr int deepest_json = 64;

// Bytes that are not UTF-8 become U+FFFD. indent -1: all in one line.
std::string json_text(const nlohmann::json& json, int indent = 2);

// A text as it comes back from JSON.
std::string as_utf8(const std::string& text);

// What JSON text says. Throws Error, whose message is a reason without the file's name ("it is not valid JSON ..."),
// when it is malformed, or nested deeper than deepest_json, which is found before memory is spent on it. The caller
// bounds the size: the result may take thirty times that of the text.
nlohmann::json parse_json(std::string_view text);

}  // namespace phaseselect
