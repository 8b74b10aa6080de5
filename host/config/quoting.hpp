// Text of any bytes as YAML and in messages.
#pragma once

#include <string>
#include <string_view>

namespace phaseselect {

// In double quotes, with YAML's escapes for quotes, backslashes and control characters. Other bytes stay as they are,
// so that a path that is not UTF-8 comes back the same.
std::string double_quoted(std::string_view text);

// The same without the quotes around it and their escapes, cut to `most` bytes: fit for one line of a message.
std::string shown(std::string_view text, std::size_t most = 80);

}  // namespace phaseselect
