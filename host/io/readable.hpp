// Numbers, durations and progress in words for people.
#pragma once

#include <cstdint>
#include <string>

namespace phaseselect {

// "77,402".
std::string with_separators(std::uint64_t value);

// "42 s", "3 min 5 s", "2 h 10 min".
std::string duration_text(double seconds);

// "45.3 %  0.82 %/s  1 min 7 s left  what"; rate and time left follow from `gained` (share of the work) in `seconds`.
std::string progress_text(double fraction, double gained, double seconds, const std::string& what);

}  // namespace phaseselect
