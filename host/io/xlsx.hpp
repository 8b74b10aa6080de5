// Excel workbooks (.xlsx, ECMA-376): the cells of one sheet as text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace phaseselect {

struct SheetCell {
  std::size_t column = 0;          // from 0
  std::size_t begin = 0, end = 0;  // in the sheet's text
};

struct SheetRow {
  std::size_t line = 0;             // its number in the spreadsheet, from 1
  std::size_t first = 0, last = 0;  // its cells, by ascending column; rows and cells without text are left out
};

struct Sheet {
  std::vector<std::string> sheets;  // the visible ones with content, in order; this is the first
  std::vector<char> text;
  std::vector<SheetCell> cells;
  std::vector<SheetRow> rows;
};

// A zip, as xlsx is one, or what older Excel wrote.
bool is_spreadsheet(std::string_view bytes);

// Cells as text: numbers as the shortest text of the double, dates (numbers that are shown as such) as ISO 8601,
// TRUE and FALSE, errors as Excel shows them, formulas as the value that was computed last. Lowered and raised digits
// of rich text become subscripts and superscripts. Throws Error, which begins with `name`: another kind of file,
// damaged, no visible sheet with content.
Sheet read_xlsx(std::string_view bytes, const std::string& name);

}  // namespace phaseselect
