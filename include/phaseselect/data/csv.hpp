// Tables of text. The program's own files are read strictly (read_csv), tables of users as they come (read_table).
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace phaseselect {

struct CsvRow {
  std::size_t line = 0;  // 1-based line of the file where the row starts; of a spreadsheet its row
  std::vector<std::string_view> cells;
};

// A row that was not used, and why.
struct Reject {
  std::size_t line = 0;
  std::string text;  // the formula, phases or value cell; of a row that is none, its beginning
  std::string reason;
};

class CsvTable {
 public:
  struct Contents {
    std::filesystem::path path;
    std::vector<char> text;  // the views point into it; a move keeps its address
    std::vector<std::string_view> header;
    std::vector<CsvRow> rows;
    std::vector<Reject> rejects;
    std::vector<CsvRow> rejected_rows;
    std::vector<std::string> remarks;
    std::string sha256;
  };

  CsvTable() = default;
  explicit CsvTable(Contents contents) : contents_(std::move(contents)) {}
  CsvTable(const CsvTable&) = delete;
  CsvTable& operator=(const CsvTable&) = delete;
  CsvTable(CsvTable&&) = default;
  CsvTable& operator=(CsvTable&&) = default;

  const std::filesystem::path& path() const { return contents_.path; }
  std::string name() const;  // of the file for messages; "standard input"
  const std::vector<std::string_view>& header() const { return contents_.header; }
  const std::vector<CsvRow>& rows() const { return contents_.rows; }        // each with as many cells as the header
  const std::vector<Reject>& rejects() const { return contents_.rejects; }  // rows with more or fewer, in file order
  // The same rows with whatever cells they have.
  const std::vector<CsvRow>& rejected_rows() const { return contents_.rejected_rows; }
  // What was guessed to read the table, one sentence each.
  const std::vector<std::string>& remarks() const { return contents_.remarks; }
  const std::string& sha256() const { return contents_.sha256; }  // of the bytes that were read

  // Index of a column; empty when there is none. Throws Error when two columns have this name.
  std::optional<std::size_t> find_column(std::string_view name) const;
  // Index of a column; throws Error naming the file and the columns it has.
  std::size_t column(std::string_view name) const;

 private:
  Contents contents_;
};

// A file that the program wrote: a regular file, RFC 4180 quoting, commas, LF or CRLF, an optional UTF-8 byte order
// mark, a header line; lines that start with '#' before the header are comments; empty lines and lines of blanks are
// skipped. Throws Error: missing, unreadable or empty file, no header, a row with more or fewer cells than the header
// (file and line), an unterminated quote.
CsvTable read_csv(const std::filesystem::path& path);

// A table of a user: a file, a pipe or standard input ("-"); plain, compressed (gzip, zstd, xz, bzip2) or an Excel
// workbook, whose first visible sheet with content counts; UTF-8 or UTF-16; cells separated by commas, semicolons or
// tabs, whichever gives most rows the header's number of cells; lines ended by LF, CRLF or CR. Names in the header are
// trimmed. Where the header has no name that says what a material is, nor `formula_column`, and a comment just above it
// has one and as many cells, the comment is the header. Rows that do not fit the header become rejects. Throws Error as
// read_csv does, and for whatever is no such table.
CsvTable read_table(const std::filesystem::path& path, std::string_view formula_column = {});

// The header's names for a message, with what cannot be seen: "'a', 'b\u00A0'"; of many the first.
std::string column_names(const CsvTable& table);

// A cell quoted when it needs to be.
std::string csv_cell(std::string_view text);
// The same for text of others: one that a spreadsheet would take for a formula gets an apostrophe, which makes it text.
std::string harmless_cell(std::string_view text);

// A finite number; empty when the cell is anything else (NaN and infinities included).
std::optional<double> parse_number(std::string_view cell);

}  // namespace phaseselect
