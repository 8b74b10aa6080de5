// The encodings of a table of text, by their marks and zero bytes.
#include "host/io/text_encoding.hpp"

#include <fmt/format.h>
#include <utf8.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>

#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

enum class Encoding { utf8, utf16_little, utf16_big };

constexpr std::size_t looked_at = 4096;  // bytes

// Text of Latin letters and digits has a zero in most pairs of bytes, always on the same side.
Encoding by_zeros(std::string_view bytes) {
  const std::size_t pairs = std::min(bytes.size(), looked_at) / 2;
  std::size_t first = 0;
  std::size_t second = 0;
  for (std::size_t i = 0; i < pairs; ++i) {
    first += bytes[2 * i] == '\0' ? 1 : 0;
    second += bytes[2 * i + 1] == '\0' ? 1 : 0;
  }
  if (2 * second >= pairs && 10 * first < second) return Encoding::utf16_little;
  if (2 * first >= pairs && 10 * second < first) return Encoding::utf16_big;
  return Encoding::utf8;
}

Encoding encoding_of(std::string_view bytes) {
  if (bytes.substr(0, 2) == "\xFF\xFE") return Encoding::utf16_little;
  if (bytes.substr(0, 2) == "\xFE\xFF") return Encoding::utf16_big;
  return by_zeros(bytes);
}

void refuse_nul(std::string_view text, const std::string& name) {
  const std::size_t at = text.find('\0');
  if (at == std::string_view::npos) return;
  throw Error(fmt::format("{}, line {}: there is a NUL byte, so that this is no table of text; save it as CSV in UTF-8",
                          name, 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n')));
}

std::vector<char> from_utf16(std::string_view bytes, Encoding encoding, const std::string& name) {
  const std::size_t high = encoding == Encoding::utf16_little ? 1 : 0;
  std::vector<std::uint16_t> units(bytes.size() / 2);
  for (std::size_t i = 0; i < units.size(); ++i) {
    const auto byte = [&](std::size_t which) { return static_cast<unsigned char>(bytes[2 * i + which]); };
    units[i] = static_cast<std::uint16_t>((byte(high) << 8) | byte(1 - high));
  }
  std::vector<char> text;
  text.reserve(units.size());
  try {
    if (bytes.size() % 2 != 0) throw utf8::not_enough_room();
    utf8::utf16to8(units.begin(), units.end(), std::back_inserter(text));
  } catch (const utf8::exception&) {
    throw Error(fmt::format("{}: the UTF-16 text is damaged or ends within a character; save it as UTF-8", name));
  }
  return text;
}

}  // namespace

void refuse_binary(std::string_view bytes, const std::string& name) {
  if (encoding_of(bytes) == Encoding::utf8) refuse_nul(bytes, name);
}

void make_utf8(std::vector<char>& text, const std::string& name) {
  const std::string_view bytes(text.data(), text.size());
  const Encoding encoding = encoding_of(bytes);
  if (encoding != Encoding::utf8) text = from_utf16(bytes, encoding, name);
  refuse_nul({text.data(), text.size()}, name);
  if (std::string_view(text.data(), text.size()).substr(0, 3) == "\xEF\xBB\xBF")
    text.erase(text.begin(), text.begin() + 3);
}

}  // namespace phaseselect
