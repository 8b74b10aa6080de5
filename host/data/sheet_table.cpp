// The table in a sheet of a workbook.
#include "host/data/sheet_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "host/data/csv_scanner.hpp"
#include "host/data/field_column.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

// A small workbook can name a far cell in each of a million rows; the cells of a table are all there.
constexpr std::size_t most_cells = 100'000'000;
constexpr std::size_t most_shown = 100;  // cells of a row that does not fit

class SheetTable {
 public:
  SheetTable(CsvTable::Contents& table, Sheet sheet, const std::string& name)
      : table_(table), sheet_(std::move(sheet)), name_(name) {
    table_.text = std::move(sheet_.text);
    if (sheet_.sheets.size() > 1) remark_sheets();
  }

  void run(std::string_view formula_column) {
    std::size_t next = 0;
    while (next < sheet_.rows.size() && text_of(first_cell(next)).starts_with('#')) ++next;
    if (next == sheet_.rows.size()) throw Error(fmt::format("{}: there is no header line", name_));
    const bool in_comment = next > 0 && header_in_comment(next, formula_column);
    if (!in_comment) {
      table_.header = cells(next, width(next)).cells;
      ++next;
    }
    const std::size_t columns = table_.header.size();
    if ((sheet_.rows.size() - next) * columns > most_cells) {
      throw Error(fmt::format("{}: the sheet has {} columns and {} rows, most of them empty; save the table alone",
                              name_, columns, sheet_.rows.size()));
    }
    for (; next < sheet_.rows.size(); ++next) add(next, columns);
  }

 private:
  const SheetCell& first_cell(std::size_t row) const { return sheet_.cells[sheet_.rows[row].first]; }
  std::size_t width(std::size_t row) const { return sheet_.cells[sheet_.rows[row].last - 1].column + 1; }
  std::string_view text_of(const SheetCell& cell) const {
    return std::string_view(table_.text.data(), table_.text.size()).substr(cell.begin, cell.end - cell.begin);
  }

  CsvRow cells(std::size_t row, std::size_t columns) const {
    const SheetRow& source = sheet_.rows[row];
    CsvRow result{source.line, std::vector<std::string_view>(columns)};
    for (std::size_t i = source.first; i < source.last; ++i) {
      if (sheet_.cells[i].column < columns) result.cells[sheet_.cells[i].column] = text_of(sheet_.cells[i]);
    }
    return result;
  }

  // Takes the comment above row `next` for the header where it names a field column and the row does not.
  bool header_in_comment(std::size_t next, std::string_view formula_column) {
    const std::size_t columns = width(next);
    if (width(next - 1) != columns || names_field(cells(next, columns).cells, formula_column)) return false;
    std::vector<std::string_view> header = cells(next - 1, columns).cells;
    header[first_cell(next - 1).column].remove_prefix(1);
    if (!names_field(header, formula_column)) return false;
    table_.header = std::move(header);
    table_.remarks.emplace_back("the comment above the first row is read as the header");
    return true;
  }

  void add(std::size_t row, std::size_t columns) {
    if (width(row) <= columns) {
      table_.rows.push_back(cells(row, columns));
      return;
    }
    CsvRow rejected = cells(row, std::min(width(row), std::max(columns, most_shown)));
    table_.rejects.push_back({rejected.line, row_text(rejected, ','),
                              fmt::format("the row has {} cells where the header has {}", width(row), columns)});
    table_.rejected_rows.push_back(std::move(rejected));
  }

  void remark_sheets() {
    std::string names;
    for (const std::string& sheet : sheet_.sheets) names += fmt::format("{}'{}'", names.empty() ? "" : ", ", sheet);
    table_.remarks.push_back(fmt::format("of the sheets {} the first is read", names));
  }

  CsvTable::Contents& table_;
  Sheet sheet_;
  const std::string& name_;
};

}  // namespace

void fill_from_sheet(CsvTable::Contents& table, Sheet sheet, std::string_view formula_column, const std::string& name) {
  SheetTable(table, std::move(sheet), name).run(formula_column);
}

}  // namespace phaseselect
