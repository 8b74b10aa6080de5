// Characters of UTF-8 text, decoded by utfcpp.
#include "host/io/unicode.hpp"

#include <fmt/format.h>
#include <utf8.h>

#include <algorithm>

#include "host/io/readable.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t longest_character = 4;

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Where the last character of the text begins.
std::size_t last_character(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && text.size() - at < longest_character && continues(text[at])) --at;
  return at;
}

}  // namespace

std::optional<Character> character_at(std::string_view text, std::size_t at) {
  if (is_ascii(text[at])) return Character{static_cast<char32_t>(text[at]), 1};
  const std::string_view rest = text.substr(at, longest_character);
  for (std::size_t bytes = 2; bytes <= rest.size(); ++bytes) {
    if (!utf8::is_valid(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(bytes))) continue;
    const char* begin = rest.data();
    return Character{utf8::unchecked::next(begin), bytes};
  }
  return std::nullopt;
}

bool is_blank(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0 || c == 0xAD || c == 0x1680 || c == 0x180E ||
         (c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) || (c >= 0x205F && c <= 0x206F) || c == 0x3000 ||
         c == 0xFEFF;
}

bool is_dash(char32_t c) {
  return c == '-' || (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xFE58 || c == 0xFE63 || c == 0xFF0D;
}

std::size_t character_number(std::string_view text, std::size_t byte) {
  std::size_t number = 1;
  for (std::size_t at = 0; at < text.size(); ++number) {
    const std::optional<Character> character = character_at(text, at);
    at += character ? character->bytes : 1;
    if (at > byte) break;
  }
  return number;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty()) {
    const std::optional<Character> first = character_at(text, 0);
    if (!first || !is_blank(first->value)) break;
    text.remove_prefix(first->bytes);
  }
  while (!text.empty()) {
    const std::size_t at = last_character(text);
    const std::optional<Character> last = character_at(text, at);
    if (!last || at + last->bytes != text.size() || !is_blank(last->value)) break;
    text.remove_suffix(last->bytes);
  }
  return text;
}

std::string shown(std::string_view text, std::size_t most) {
  std::string result;
  for (std::size_t at = 0; at < text.size() && most > 0; --most) {
    const std::optional<Character> character = character_at(text, at);
    const std::size_t bytes = character ? character->bytes : 1;
    const bool unseen = character && character->value > ' ' && is_blank(character->value);
    result += unseen ? fmt::format("\\u{:04X}", static_cast<std::uint32_t>(character->value))
                     : one_line(text.substr(at, bytes));
    at += bytes;
    if (at < text.size() && most == 1) result += "...";
  }
  return result;
}

}  // namespace phaseselect
