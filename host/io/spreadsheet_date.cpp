// Dates in spreadsheets.
#include "host/io/spreadsheet_date.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstddef>

namespace phaseselect {
namespace {

constexpr long seconds_of_day = 86400;
constexpr double most_days = 2958466;  // 10000-01-01 in the system from 1900

// The place behind what a character at `at` begins that is shown as it is: quoted, escaped, padded, in brackets.
std::size_t behind_literal(std::string_view code, std::size_t at) {
  const auto behind = [&](char closing) {
    const std::size_t end = code.find(closing, at + 1);
    return end == std::string_view::npos ? code.size() : end + 1;
  };
  switch (code[at]) {
    case '"':
      return behind('"');
    case '\\':
    case '_':
    case '*':
      return at + 2;
    case '[': {
      // [h], [mm] and [ss] are times that have passed; other brackets hold colours, conditions and languages.
      const bool passed = code.find_first_not_of("hmsHMS", at + 1) == code.find(']', at);
      return passed ? at : behind(']');
    }
    default:
      return at;
  }
}

}  // namespace

bool is_date_format(int id) {
  return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58);
}

bool is_date_format(std::string_view code) {
  if (code == "General") return false;
  for (std::size_t at = 0; at < code.size();) {
    const std::size_t behind = behind_literal(code, at);
    if (behind != at) {
      at = behind;
      continue;
    }
    if (std::string_view("dmyhsDMYHS").find(code[at]) != std::string_view::npos) return true;
    ++at;
  }
  return false;
}

std::string iso_date(double days, DateSystem system) {
  using namespace std::chrono;
  if (!(days >= 0 && days < most_days)) return fmt::format("{}", days);
  const auto seconds = std::lround(days * static_cast<double>(seconds_of_day));
  const long whole = seconds / seconds_of_day;
  const long of_day = seconds % seconds_of_day;
  std::string time = fmt::format("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60);
  if (whole == 0) return time;
  // Before the day that never was, Excel's count begins one day later.
  const sys_days origin = system == DateSystem::from_1904 ? sys_days(year{1904} / 1 / 1)
                          : whole < 60                    ? sys_days(year{1899} / 12 / 31)
                                                          : sys_days(year{1899} / 12 / 30);
  const year_month_day date{origin + std::chrono::days(whole)};
  const std::string day = fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return of_day == 0 ? day : day + "T" + time;
}

}  // namespace phaseselect
