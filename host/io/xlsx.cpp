// The cells of one sheet of an Excel workbook.
#include "host/io/xlsx.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "host/io/unicode.hpp"
#include "host/io/workbook.hpp"
#include "host/io/xml.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t most_columns = 16384;  // of an Excel sheet
constexpr std::size_t most_rows = 1048576;

template <typename Number>
std::optional<Number> parsed(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// 2 of "C5"; most_columns or more where the letters are none of a sheet.
std::size_t column_of(std::string_view reference) {
  std::size_t column = 0;
  for (const char c : reference) {
    if (c < 'A' || c > 'Z') break;
    column = std::min(column * 26 + static_cast<std::size_t>(c - 'A' + 1), most_columns + 1);
  }
  return column - 1;  // none: the largest number
}

// Reads the rows of a worksheet into a sheet whose text begins with the shared strings.
class SheetReader {
 public:
  SheetReader(Workbook& workbook, Sheet& sheet, std::string name)
      : workbook_(workbook), sheet_(sheet), name_(std::move(name)) {
    for (const std::string& text : workbook.strings()) {
      strings_.push_back(append(text));
    }
  }

  void read(const std::string& path) {
    pugi::xml_document document;
    if (!workbook_.parse(path, document)) damaged(fmt::format("{} is missing", path));
    std::size_t line = 0;
    for (const pugi::xml_node row : child(child(document, "worksheet"), "sheetData").children()) {
      if (local_name(row.name()) != "row") continue;
      const std::string_view given = attribute(row, "r");
      const std::optional<std::size_t> next = given.empty() ? line + 1 : parsed<std::size_t>(given);
      if (!next || *next <= line || *next > most_rows) damaged(fmt::format("row '{}' in {}", given, path));
      line = *next;
      read_row(row, line);
    }
  }

 private:
  struct Extent {
    std::size_t begin, end;
  };

  [[noreturn]] void damaged(const std::string& what) const {
    throw Error(fmt::format("{}: the workbook is damaged ({}); save it again, or as CSV", name_, what));
  }

  Extent append(std::string_view text) {
    text = trimmed(text);
    const std::size_t begin = sheet_.text.size();
    sheet_.text.insert(sheet_.text.end(), text.begin(), text.end());
    return {begin, sheet_.text.size()};
  }

  void read_row(pugi::xml_node row, std::size_t line) {
    const std::size_t first = sheet_.cells.size();
    std::size_t next = 0;
    for (const pugi::xml_node cell : row.children()) {
      if (local_name(cell.name()) != "c") continue;
      const std::string_view reference = attribute(cell, "r");
      const std::size_t column = reference.empty() ? next : column_of(reference);
      if (column < next || column >= most_columns) damaged(fmt::format("cell '{}' in row {}", reference, line));
      next = column + 1;
      const Extent text = read_cell(cell);
      if (text.begin != text.end) sheet_.cells.push_back({column, text.begin, text.end});
    }
    if (sheet_.cells.size() > first) sheet_.rows.push_back({line, first, sheet_.cells.size()});
  }

  Extent read_cell(pugi::xml_node cell) {
    const std::string_view type = attribute(cell, "t");
    const std::string_view value = child(cell, "v").text().get();
    const pugi::xml_node formula = child(cell, "f");
    if (value.empty() && formula && type != "str")
      return append(fmt::format("={}", formula.text().get()));  // not computed
    if (type == "inlineStr") return append(rich_text(child(cell, "is")));
    if (type == "s") {
      const std::optional<std::size_t> number = parsed<std::size_t>(trimmed(value));
      if (!number || *number >= strings_.size())
        damaged(fmt::format("string '{}' of cell {}", value, attribute(cell, "r")));
      return strings_[*number];
    }
    if (type == "b") return append(value == "1" || value == "true" ? "TRUE"sv : value.empty() ? ""sv : "FALSE"sv);
    if (type.empty() || type == "n") return append(number_text(trimmed(value), attribute(cell, "s")));
    return append(value);  // text of a formula, an error, a date
  }

  // The shortest text that is the same double: "18.300000000000001" is 18.3.
  std::string number_text(std::string_view value, std::string_view style) const {
    const std::optional<double> number = parsed<double>(value);
    if (!number || !std::isfinite(*number)) return std::string(value);
    const bool date = workbook_.shows_dates(parsed<std::size_t>(style).value_or(0));
    return date ? iso_date(*number, workbook_.dates()) : fmt::format("{}", *number);
  }

  Workbook& workbook_;
  Sheet& sheet_;
  std::string name_;
  std::vector<Extent> strings_;
};

}  // namespace

bool is_spreadsheet(std::string_view bytes) {
  const std::string_view magic = bytes.substr(0, 4);
  return magic == "PK\x03\x04"sv || magic == "PK\x05\x06"sv || magic == "\xD0\xCF\x11\xE0"sv;
}

Sheet read_xlsx(std::string_view bytes, const std::string& name) {
  if (bytes.substr(0, 4) == "\xD0\xCF\x11\xE0"sv) {
    throw Error(
        fmt::format("{}: this is an old Excel file (.xls) or one with a password: save it as .xlsx or CSV", name));
  }
  Workbook workbook(bytes, name);
  Sheet chosen;
  std::vector<std::string> names;
  for (const Workbook::Worksheet& each : workbook.worksheets()) {
    Sheet sheet;
    SheetReader(workbook, sheet, name).read(each.path);
    if (sheet.rows.empty()) continue;
    names.push_back(each.name);
    if (names.size() == 1) chosen = std::move(sheet);
  }
  if (chosen.rows.empty()) throw Error(fmt::format("{}: the workbook has no visible sheet with content", name));
  chosen.sheets = std::move(names);
  return chosen;
}

}  // namespace phaseselect
