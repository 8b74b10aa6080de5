// JSON to text and back.
#include "host/io/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

// How deep brackets outside strings are nested; right as far as the text is valid.
int depth_of(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

std::string json_text(const nlohmann::json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string as_utf8(const std::string& text) { return nlohmann::json::parse(json_text(text, -1)).get<std::string>(); }

nlohmann::json parse_json(std::string_view text) {
  if (depth_of(text) > deepest_json) throw Error(fmt::format("its JSON is nested more than {} deep", deepest_json));
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    throw Error(fmt::format("it is not valid JSON at byte {}", error.byte));
  } catch (const nlohmann::json::exception&) {
    throw Error("its JSON has a number that is too large");
  }
}

}  // namespace phaseselect
