// The table in a sheet of a workbook.
#pragma once

#include <string>
#include <string_view>

#include "host/io/xlsx.hpp"
#include "phaseselect/data/csv.hpp"

namespace phaseselect {

// The first row is the header, unless its first cell is a comment ('#'). Rows may end early; cells beyond the header
// make a reject. Throws Error, which begins with `name`, where no header is left or the sheet is mostly room without
// content.
void fill_from_sheet(CsvTable::Contents& table, Sheet sheet, std::string_view formula_column, const std::string& name);

}  // namespace phaseselect
