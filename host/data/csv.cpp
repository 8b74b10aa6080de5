// The CSV reader: the whole file in memory, cells as views, one memchr-like pass.
#include "phaseselect/data/csv.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

#include "host/io/sha256.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<char> read_text(const std::filesystem::path& path) {
  std::error_code status;
  if (std::filesystem::is_directory(path, status)) {
    throw Error(fmt::format("{}: this is a folder, a CSV file is needed", path.string()));
  }
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  if (!file) throw Error(fmt::format("{}: cannot be opened: {}", path.string(), std::strerror(errno)));
  const auto expected = std::filesystem::file_size(path, status);  // a pipe has none
  std::vector<char> text(status ? std::size_t{1} << 16 : static_cast<std::size_t>(expected) + 1);
  std::size_t size = 0;
  while (const std::size_t got = std::fread(text.data() + size, 1, text.size() - size, file.get())) {
    size += got;
    if (size == text.size()) text.resize(2 * size);
  }
  if (std::ferror(file.get()) != 0) {
    throw Error(fmt::format("{}: cannot be read: {}", path.string(), std::strerror(errno)));
  }
  text.resize(size);
  return text;
}

// Splits text into rows. Quoted cells are unescaped in place.
class Scanner {
 public:
  Scanner(const std::filesystem::path& path, std::vector<char>& text)
      : path_(path), at_(text.data()), end_(text.data() + text.size()) {
    if (std::string_view(at_, text.size()).substr(0, 3) == "\xEF\xBB\xBF") at_ += 3;
  }

  bool done() const { return at_ == end_; }
  bool at_comment() const { return *at_ == '#'; }
  std::size_t line() const { return line_; }

  // True when the line was empty, or blank, and has been passed.
  bool pass_empty_line() {
    char* const begin = at_;
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
    const std::size_t length = line_break();
    if (length == 0 && at_ != end_) {
      at_ = begin;
      return false;
    }
    at_ += length;
    ++line_;
    return true;
  }

  void pass_line() {
    const void* found = std::memchr(at_, '\n', static_cast<std::size_t>(end_ - at_));
    at_ = found == nullptr ? end_ : static_cast<char*>(const_cast<void*>(found)) + 1;
    ++line_;
  }

  CsvRow read_row(std::size_t expected_cells) {
    CsvRow row;
    row.line = line_;
    row.cells.reserve(expected_cells);
    while (true) {
      row.cells.push_back(at_ != end_ && *at_ == '"' ? read_quoted(row.line) : read_plain());
      if (at_ == end_) return row;
      if (*at_ == ',') {
        ++at_;
        continue;
      }
      at_ += line_break();
      ++line_;
      return row;
    }
  }

 private:
  // Length of the line break here: LF, CRLF, a CR that ends the file; 0 for anything else.
  std::size_t line_break() const {
    if (at_ == end_) return 0;
    if (*at_ == '\n') return 1;
    if (*at_ != '\r') return 0;
    if (at_ + 1 == end_) return 1;
    return at_[1] == '\n' ? 2 : 0;
  }

  std::string_view read_plain() {
    const char* begin = at_;
    while (at_ != end_ && *at_ != ',' && *at_ != '\n' && (*at_ != '\r' || line_break() == 0)) ++at_;
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }

  std::string_view read_quoted(std::size_t first_line) {
    char* const begin = ++at_;
    char* out = begin;
    for (;; ++at_) {
      if (at_ == end_) {
        throw Error(
            fmt::format("{}, line {}: a quoted cell is not closed; add the missing '\"'", path_.string(), first_line));
      }
      if (*at_ == '"') {
        if (at_ + 1 == end_ || at_[1] != '"') break;
        ++at_;
      }
      if (*at_ == '\n') ++line_;
      *out++ = *at_;
    }
    ++at_;
    if (at_ != end_ && *at_ != ',' && line_break() == 0) {
      throw Error(fmt::format("{}, line {}: text follows the closing quote of a cell; double the quotes inside a cell",
                              path_.string(), line_));
    }
    return {begin, static_cast<std::size_t>(out - begin)};
  }

  const std::filesystem::path& path_;
  char* at_;
  char* end_;
  std::size_t line_ = 1;
};

}  // namespace

std::optional<std::size_t> CsvTable::find_column(std::string_view name) const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < header_.size(); ++i) {
    if (header_[i] != name) continue;
    if (found) throw Error(fmt::format("{}: two columns are named '{}'; rename one", path_.string(), name));
    found = i;
  }
  return found;
}

std::size_t CsvTable::column(std::string_view name) const {
  if (const std::optional<std::size_t> found = find_column(name)) return *found;
  std::string names;
  for (const std::string_view each : header_) names += fmt::format("{}'{}'", names.empty() ? "" : ", ", each);
  throw Error(fmt::format("{}: there is no column '{}'; the file has {}", path_.string(), name, names));
}

CsvTable read_csv(const std::filesystem::path& path) {
  CsvTable table;
  table.path_ = path;
  table.text_ = read_text(path);
  table.sha256_ = sha256(std::as_bytes(std::span(table.text_)));
  if (table.text_.empty()) throw Error(fmt::format("{}: the file is empty; a header line is needed", path.string()));
  Scanner scanner(path, table.text_);
  while (!scanner.done() && (scanner.pass_empty_line() || scanner.at_comment())) {
    if (!scanner.done() && scanner.at_comment()) scanner.pass_line();
  }
  if (scanner.done()) throw Error(fmt::format("{}: there is no header line", path.string()));
  table.header_ = scanner.read_row(0).cells;
  for (std::string_view& name : table.header_) name = trimmed(name);
  while (!scanner.done()) {
    if (scanner.pass_empty_line()) continue;
    CsvRow row = scanner.read_row(table.header_.size());
    if (row.cells.size() != table.header_.size()) {
      throw Error(fmt::format("{}, line {}: the row has {} cells where the header has {}", path.string(), row.line,
                              row.cells.size(), table.header_.size()));
    }
    table.rows_.push_back(std::move(row));
  }
  return table;
}

std::string csv_cell(std::string_view text) {
  const bool needs_quotes = text.find_first_of(",\"\r\n") != std::string_view::npos || text.substr(0, 1) == "#";
  if (!needs_quotes) return std::string(text);
  std::string cell = "\"";
  for (const char c : text) {
    if (c == '"') cell += '"';
    cell += c;
  }
  return cell + '"';
}

std::optional<double> parse_number(std::string_view cell) {
  cell = trimmed(cell);
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc{} || end != cell.data() + cell.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace phaseselect
