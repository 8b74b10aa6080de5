// Escapes of YAML 1.2, 5.7.
#include "host/config/quoting.hpp"

#include <fmt/format.h>

#include "host/io/readable.hpp"

namespace phaseselect {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string escaped(char c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
}

bool continues_a_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string double_quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += is_control(c) ? escaped(c) : std::string(1, c);
  }
  return result + '"';
}

std::string shown(std::string_view text, std::size_t most) {
  std::size_t end = text.size();
  if (end > most) {
    end = most;
    while (end > 0 && continues_a_character(text[end])) --end;
  }
  const std::string result = one_line(text.substr(0, end));
  return end < text.size() ? result + "..." : result;
}

}  // namespace phaseselect
