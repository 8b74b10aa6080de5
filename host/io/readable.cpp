// Numbers, durations, progress and foreign text in words for people.
#include "host/io/readable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace phaseselect {

std::string with_separators(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (auto position = static_cast<std::ptrdiff_t>(digits.size()) - 3; position > 0; position -= 3) {
    digits.insert(static_cast<std::size_t>(position), 1, ',');
  }
  return digits;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string progress_text(double fraction, double gained, double seconds, const std::string& what) {
  std::string text = fmt::format("{:.1f} %", 100 * fraction);
  if (gained > 0 && seconds > 0) {
    const double rate = gained / seconds;
    text += fmt::format("  {:.2g} %/s  {} left", 100 * rate, duration_text((1 - fraction) / rate));
  }
  return text + "  " + what;
}

// ---- foreign text ----

namespace {

struct CharacterRange {
  char32_t first, last;
};

// Unicode 15: control characters, format characters (invisible, or turning the direction) and line separators.
constexpr std::array<CharacterRange, 23> unseen{
    {{0x0, 0x1F},        {0x7F, 0x9F},       {0xAD, 0xAD},       {0x600, 0x605},     {0x61C, 0x61C},
     {0x6DD, 0x6DD},     {0x70F, 0x70F},     {0x890, 0x891},     {0x8E2, 0x8E2},     {0x180E, 0x180E},
     {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x2064},   {0x2066, 0x206F},   {0xFEFF, 0xFEFF},
     {0xFFF9, 0xFFFB},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3},
     {0x1D173, 0x1D17A}, {0xE0001, 0xE0001}, {0xE0020, 0xE007F}}};

bool is_unseen(char32_t character) {
  return std::any_of(unseen.begin(), unseen.end(), [character](const CharacterRange& range) {
    return character >= range.first && character <= range.last;
  });
}

struct Decoded {
  char32_t character = 0;
  std::size_t bytes = 0;  // 0: no UTF-8
};

// The first character of a text that is not empty; overlong forms and surrogates are no UTF-8.
Decoded decode(std::string_view text) {
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC0 || lead > 0xF4 || text.size() < size) return {};
  char32_t character = lead & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0u) != 0x80u) return {};
    character = character << 6 | (byte & 0x3Fu);
  }
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (character < smallest[size] || character > 0x10FFFF || surrogate) return {};
  return {character, size};
}

std::string escape(char32_t character) {
  if (character == '\n') return "\\n";
  if (character == '\r') return "\\r";
  if (character == '\t') return "\\t";
  const auto code = static_cast<std::uint32_t>(character);
  if (code < 0x80) return fmt::format("\\x{:02X}", code);
  return code <= 0xFFFF ? fmt::format("\\u{:04X}", code) : fmt::format("\\U{:08X}", code);
}

std::string shown(std::string_view text, bool line_breaks) {
  std::string result;
  while (!text.empty()) {
    const Decoded next = decode(text);
    const std::size_t bytes = std::max<std::size_t>(next.bytes, 1);
    if (next.bytes == 0) {
      result += fmt::format("\\x{:02X}", static_cast<unsigned char>(text.front()));
    } else if (is_unseen(next.character) && !(line_breaks && next.character == '\n')) {
      result += escape(next.character);
    } else {
      result += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return result;
}

// What printf(1) makes the text of: in a shell's words that is the only way to write a line break in one line.
std::string printf_format(std::string_view text) {
  std::string format;
  for (const char c : text) {
    const bool plain = c >= ' ' && c <= '~' && c != '\'' && c != '\\';
    format += c == '%' ? "%%" : plain ? std::string(1, c) : fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
  return format;
}

std::string in_single_quotes(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string one_line(std::string_view text) { return shown(text, false); }
std::string lines(std::string_view text) { return shown(text, true); }

std::string shell_quoted(const std::filesystem::path& path) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  std::string text = path.string();
  if (text.starts_with('-')) text.insert(0, "./");
  if (one_line(text) != text) {
    if (text.ends_with('\n')) text += '/';  // the shell drops line breaks at the end
    return fmt::format("\"$(printf '{}')\"", printf_format(text));
  }
  const bool is_plain = !text.empty() && text.find_first_not_of(plain) == std::string::npos;
  return is_plain ? text : in_single_quotes(text);
}

}  // namespace phaseselect
