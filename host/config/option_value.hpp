// A value as it stands in an option, --set key=VALUE: never a document.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/config/document.hpp"
#include "host/config/value.hpp"

namespace phaseselect {

// A list is one [..] of YAML. A word is taken as it stands, without blanks around it; a text as it stands, with them:
// '#', ': ', '[', '~' mean nothing there. What begins with a quote must be one quoted text as a whole and is unquoted
// as YAML does. Throws UsageError.
Value option_value(std::string_view text, Form form, const Source& source);

// "10,20" -> 10 20. Commas inside a quoted value belong to it, and of lists those inside brackets:
// "[80,80],[40]" -> [80,80] [40].
std::vector<std::string> split_values(std::string_view text, Form form);

}  // namespace phaseselect
