// Text of any bytes as YAML.
#pragma once

#include <string>
#include <string_view>

namespace phaseselect {

// In double quotes, with YAML's escapes for quotes, backslashes and control characters. Other bytes stay as they are,
// so that a path that is not UTF-8 comes back the same.
std::string double_quoted(std::string_view text);

}  // namespace phaseselect
