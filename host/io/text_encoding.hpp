// The encodings of a table of text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace phaseselect {

// Throws Error where the bytes, which may be the beginning of more, hold a NUL and are not UTF-16: they are no text.
void refuse_binary(std::string_view bytes, const std::string& name);

// Makes UTF-8 of UTF-16, which is known by its byte order mark or by its zero bytes, and takes a byte order mark away.
// Bytes that are neither stay as they are. Throws Error for NULs and damaged UTF-16; `name` is for the message.
void make_utf8(std::vector<char>& text, const std::string& name);

}  // namespace phaseselect
