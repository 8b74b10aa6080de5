// Dates in spreadsheets: numbers with a format that shows them as dates.
#pragma once

#include <string>
#include <string_view>

namespace phaseselect {

// Whether one of the formats that every workbook has (ECMA-376, 18.8.30; 27 to 36 and 50 to 58 in East Asia) is a date.
bool is_date_format(int id);
// Whether a format code has days, months, years, hours or seconds outside its literal text: "yyyy\-mm\-dd".
bool is_date_format(std::string_view code);

enum class DateSystem { from_1900, from_1904 };

// A number of days as ISO 8601: "2024-05-01", with "T12:30:00" where it has a fraction. As Excel does, the system from
// 1900 counts a 29 February 1900. A number out of range (after 9999) stays a number.
std::string iso_date(double days, DateSystem system);

}  // namespace phaseselect
