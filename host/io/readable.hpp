// Numbers, durations, progress and foreign text in words for people.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace phaseselect {

// "77,402".
std::string with_separators(std::uint64_t value);

// "42 s", "3 min 5 s", "2 h 10 min".
std::string duration_text(double seconds);

// "45.3 %  0.82 %/s  1 min 7 s left  what"; rate and time left follow from `gained` (share of the work) in `seconds`.
std::string progress_text(double fraction, double gained, double seconds, const std::string& what);

// Text that does nothing to a terminal: control characters (\n, \x1B), characters that turn the direction of writing or
// are invisible (\u202E), and bytes that are not UTF-8 (\xFF) are shown escaped. `one_line` escapes line breaks too,
// `lines` keeps them.
std::string one_line(std::string_view text);
std::string lines(std::string_view text);

// A path as one word of a POSIX shell's command, safe to show, and no option whatever it begins with. Only a folder may
// end in a line break.
std::string shell_quoted(const std::filesystem::path& path);

}  // namespace phaseselect
