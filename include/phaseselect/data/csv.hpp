// The one CSV reader: RFC 4180 quoting, LF or CRLF, an optional UTF-8 byte order mark, a header line; lines that start
// with '#' before the header are comments; empty lines
// and lines of blanks are skipped.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace phaseselect {

struct CsvRow {
  std::size_t line = 0;  // 1-based line of the file where the row starts
  std::vector<std::string_view> cells;
};

class CsvTable {
 public:
  const std::filesystem::path& path() const { return path_; }
  const std::vector<std::string_view>& header() const { return header_; }
  const std::vector<CsvRow>& rows() const { return rows_; }
  const std::string& sha256() const { return sha256_; }  // of the bytes that were read

  // Index of a column; empty when there is none. Throws Error when two columns have this name.
  std::optional<std::size_t> find_column(std::string_view name) const;
  // Index of a column; throws Error naming the file and the columns it has.
  std::size_t column(std::string_view name) const;

 private:
  friend CsvTable read_csv(const std::filesystem::path& path);
  std::filesystem::path path_;
  std::vector<char> text_;  // the views point into it (quoted cells are unescaped in place); a move keeps its address
  std::vector<std::string_view> header_;
  std::vector<CsvRow> rows_;
  std::string sha256_;

 public:
  CsvTable() = default;
  CsvTable(const CsvTable&) = delete;
  CsvTable& operator=(const CsvTable&) = delete;
  CsvTable(CsvTable&&) = default;
  CsvTable& operator=(CsvTable&&) = default;
};

// Throws Error: missing, unreadable or empty file, no header, a row with more or fewer cells than the header (file and
// line), an unterminated quote.
CsvTable read_csv(const std::filesystem::path& path);

// A cell quoted when it needs to be.
std::string csv_cell(std::string_view text);

// A finite number; empty when the cell is anything else (NaN and infinities included).
std::optional<double> parse_number(std::string_view cell);

}  // namespace phaseselect
