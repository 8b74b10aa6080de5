// Characters of UTF-8 text: what cannot be seen, and what is no UTF-8 at all.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace phaseselect {

struct Character {
  char32_t value = 0;
  std::size_t bytes = 0;
};

// The character that begins at a byte of the text; empty where the bytes there are no UTF-8.
std::optional<Character> character_at(std::string_view text, std::size_t at);

// Blanks of any width, none included (zero-width blanks and joiners, the byte order mark, the soft hyphen), tabs and
// line breaks.
bool is_blank(char32_t character);

// Hyphens, dashes and minus signs.
bool is_dash(char32_t character);

// The number, from 1, of the character to which a byte of the text belongs.
std::size_t character_number(std::string_view text, std::size_t byte);

// Without the blanks at both ends.
std::string_view trimmed(std::string_view text);

// A cell or a name for a message: as one_line shows it (host/io/readable.hpp), blanks that cannot be seen by their
// numbers ("formula\u00A0"), and after `most` characters three dots.
std::string shown(std::string_view text, std::size_t most = 80);

}  // namespace phaseselect
