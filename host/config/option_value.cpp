// Only lists and quoted texts are read as YAML, each as a whole.
#include "host/config/option_value.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

std::string_view without_blanks_around(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool begins_with_quote(std::string_view text) { return text.starts_with('"') || text.starts_with('\''); }

// The place of the quote that ends the text; text.size() where none does.
std::size_t closing_quote(std::string_view text) {
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return i;
      ++i;  // two single quotes are one of the text
    }
  }
  return text.size();
}

Value unquoted(std::string_view text, const Source& source) {
  if (closing_quote(text) + 1 != text.size()) {
    throw UsageError(
        fmt::format("{}: the value begins with a quote but is not one quoted text: put quotes around all of it, or "
                    "around none",
                    source.name));
  }
  return parse_document(text, source);
}

Value list(std::string_view text, const Source& source) {
  if (!text.starts_with('[')) return text_value(std::string(text));  // the key says what it wants
  if (text.find('#') != std::string_view::npos) {
    throw UsageError(fmt::format("{}: a list in an option takes no comment: leave out what follows '#'", source.name));
  }
  return parse_document(text, source);
}

// Where the first value ends: a comma, or the end.
std::size_t end_of_value(std::string_view text, Form form) {
  std::size_t i = begins_with_quote(text) ? std::min(closing_quote(text) + 1, text.size()) : 0;
  for (int depth = 0; i < text.size(); ++i) {
    if (form == Form::list) depth += text[i] == '[' ? 1 : text[i] == ']' ? -1 : 0;
    if (text[i] == ',' && depth == 0) break;
  }
  return i;
}

}  // namespace

Value option_value(std::string_view text, Form form, const Source& source) {
  if (form != Form::text) text = without_blanks_around(text);
  if (begins_with_quote(text)) return unquoted(text, source);
  return form == Form::list ? list(text, source) : text_value(std::string(text));
}

std::vector<std::string> split_values(std::string_view text, Form form) {
  std::vector<std::string> values;
  for (;;) {
    const std::size_t end = end_of_value(text, form);
    values.emplace_back(text.substr(0, end));
    if (end == text.size()) return values;
    text.remove_prefix(end + 1);
  }
}

}  // namespace phaseselect
