// The lenient reader of users' tables: unpacked, decoded, divided into rows.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "host/data/csv_scanner.hpp"
#include "host/data/field_column.hpp"
#include "host/data/sheet_table.hpp"
#include "host/io/decompress.hpp"
#include "host/io/input.hpp"
#include "host/io/text_encoding.hpp"
#include "host/io/unicode.hpp"
#include "host/io/xlsx.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t sniffed_bytes = std::size_t{1} << 16;
constexpr std::size_t sniffed_rows = 100;

std::string_view view(std::span<const char> text) { return {text.data(), text.size()}; }

std::vector<char> unpacked(std::vector<char> bytes, const std::string& name) {
  const Compression compression = compression_of(view(bytes));
  if (compression == Compression::none) return bytes;
  std::vector<char> text = decompressed(view(bytes), compression, name);
  if (compression_of(view(text)) != Compression::none) {
    throw Error(fmt::format("{}: the file is compressed twice; unpack it once", name));
  }
  return text;
}

// How many of the first rows have as many cells as the first of them; none where that has one cell.
std::size_t agreeing_rows(std::vector<char> text, bool cut, char delimiter) {
  const std::string name;
  CsvScanner scanner(name, text, delimiter, Strictness::lenient);
  std::size_t cells = 0;
  std::size_t agreeing = 0;
  try {
    for (std::size_t rows = 0; rows < sniffed_rows && !scanner.done();) {
      if (scanner.pass_empty_line()) continue;
      const CsvRow row = scanner.read_row(cells);
      if (cut && scanner.done()) break;
      if (rows++ == 0) cells = row.cells.size();
      if (cells > 1 && row.cells.size() == cells) ++agreeing;
    }
  } catch (const Error&) {
    // A quote that is not closed, or closes behind what is looked at: what was counted before it counts.
  }
  return agreeing;
}

char delimiter_of(std::span<const char> text) {
  const std::span<const char> beginning = text.first(std::min(text.size(), sniffed_bytes));
  char best = ',';
  std::size_t most = 0;
  for (const char delimiter : {',', ';', '\t'}) {
    const std::size_t rows =
        agreeing_rows({beginning.begin(), beginning.end()}, beginning.size() < text.size(), delimiter);
    if (rows > most) best = delimiter;
    most = std::max(most, rows);
  }
  return best;
}

// Reads the text of a table into its contents.
class TextReader {
 public:
  TextReader(CsvTable::Contents& table, const std::string& name, std::string_view formula_column)
      : table_(table), name_(name), formula_column_(formula_column) {}

  void run() {
    if (table_.text.empty()) throw Error(fmt::format("{}: the file is empty; a header line is needed", name_));
    std::span<char> comment;
    CsvScanner comments(name_, table_.text, ',', Strictness::lenient);
    // Excel's own line that names the delimiter, which the rows show as well.
    if (view(comments.rest()).starts_with("sep=")) comments.pass_line();
    while (!comments.done() && (comments.pass_empty_line() || comments.at_comment())) {
      if (!comments.done() && comments.at_comment()) comment = comments.pass_line();
    }
    if (comments.done()) throw Error(fmt::format("{}: there is no header line", name_));
    delimiter_ = delimiter_of(comments.rest());
    CsvScanner scanner(name_, comments.rest(), delimiter_, Strictness::lenient, comments.line());
    CsvRow header = scanner.read_row(0);
    if (!header_in_comment(comment, header)) {
      table_.header = std::move(header.cells);
    } else {
      table_.rows.push_back(std::move(header));
    }
    while (!scanner.done()) {
      if (!scanner.pass_empty_line()) add(scanner);
    }
  }

 private:
  // Takes the comment for the header where it names a field column, the row below it does not, and both have as many
  // cells.
  bool header_in_comment(std::span<char> comment, const CsvRow& row) {
    if (comment.empty() || names_field(row.cells, formula_column_)) return false;
    CsvRow header = comment_row(comment.subspan(1));
    if (header.cells.size() != row.cells.size() || !names_field(header.cells, formula_column_)) return false;
    table_.header = std::move(header.cells);
    table_.remarks.emplace_back("the comment above the first row is read as the header");
    return true;
  }

  CsvRow comment_row(std::span<char> comment) const {
    CsvScanner scanner(name_, comment, delimiter_, Strictness::lenient);
    try {
      return scanner.read_row(0);
    } catch (const Error&) {
      return {};  // a quote that is not closed is no mistake in a comment
    }
  }

  void add(CsvScanner& scanner) {
    CsvRow row = scanner.read_row(table_.header.size());
    if (scanner.text_followed_quote()) {
      reject(std::move(row), "text follows the closing quote of a cell; double the quotes inside a cell");
    } else if (row.cells.size() != table_.header.size()) {
      std::string reason =
          fmt::format("the row has {} cells where the header has {}", row.cells.size(), table_.header.size());
      reject(std::move(row), std::move(reason));
    } else {
      table_.rows.push_back(std::move(row));
    }
  }

  void reject(CsvRow row, std::string reason) {
    table_.rejects.push_back({row.line, row_text(row, delimiter_), std::move(reason)});
    table_.rejected_rows.push_back(std::move(row));
  }

  CsvTable::Contents& table_;
  const std::string& name_;
  std::string_view formula_column_;
  char delimiter_ = ',';
};

}  // namespace

CsvTable read_table(const std::filesystem::path& path, std::string_view formula_column) {
  const std::string name = input_name(path);
  Input input = read_input(path);
  CsvTable::Contents table;
  table.path = path;
  table.sha256 = std::move(input.sha256);
  std::vector<char> bytes = unpacked(std::move(input.bytes), name);
  refuse_other_packing(view(bytes), name);
  if (is_spreadsheet(view(bytes))) {
    fill_from_sheet(table, read_xlsx(view(bytes), name), formula_column, name);
  } else {
    make_utf8(bytes, name);
    table.text = std::move(bytes);
    TextReader(table, name, formula_column).run();
  }
  for (std::string_view& each : table.header) each = trimmed(each);
  return CsvTable(std::move(table));
}

}  // namespace phaseselect
