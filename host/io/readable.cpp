// Numbers, durations and progress in words for people.
#include "host/io/readable.hpp"

#include <fmt/format.h>

#include <algorithm>
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

}  // namespace phaseselect
