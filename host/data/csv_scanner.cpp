// Splits delimited text into rows.
#include "host/data/csv_scanner.hpp"

#include <fmt/core.h>

#include "host/io/unicode.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {

std::string row_text(const CsvRow& row, char delimiter) {
  constexpr std::size_t most_characters = 200;
  std::string text;
  for (std::size_t i = 0; i < row.cells.size() && text.size() <= 4 * most_characters; ++i) {
    if (i > 0) text += delimiter;
    text += row.cells[i];
  }
  return shown(text, most_characters);
}

// Length of the line break here: LF, CRLF, a CR that ends the file or, leniently, any CR; 0 for anything else.
std::size_t CsvScanner::line_break() const {
  if (at_ == end_) return 0;
  if (*at_ == '\n') return 1;
  if (*at_ != '\r') return 0;
  if (at_ + 1 == end_) return 1;
  return at_[1] == '\n' ? 2 : lenient_ ? 1 : 0;
}

bool CsvScanner::pass_empty_line() {
  char* const begin = at_;
  while (at_ != end_ && (*at_ == ' ' || (*at_ == '\t' && delimiter_ != '\t'))) ++at_;
  const std::size_t length = line_break();
  if (length == 0 && at_ != end_) {
    at_ = begin;
    return false;
  }
  at_ += length;
  ++line_;
  return true;
}

std::span<char> CsvScanner::pass_line() {
  char* const begin = at_;
  while (at_ != end_ && line_break() == 0) ++at_;
  char* const line_end = at_;
  at_ += line_break();
  ++line_;
  return {begin, line_end};
}

CsvRow CsvScanner::read_row(std::size_t expected_cells) {
  CsvRow row;
  row.line = line_;
  row.cells.reserve(expected_cells);
  text_followed_quote_ = false;
  while (true) {
    row.cells.push_back(at_quote() ? read_quoted() : read_plain());
    if (at_ == end_) return row;
    if (*at_ == delimiter_) {
      ++at_;
      continue;
    }
    at_ += line_break();
    ++line_;
    return row;
  }
}

// Goes to the quote that opens a cell, over blanks in lenient reading.
bool CsvScanner::at_quote() {
  char* quote = at_;
  while (lenient_ && quote != end_ && *quote == ' ') ++quote;
  if (quote == end_ || *quote != '"') return false;
  at_ = quote;
  return true;
}

std::string_view CsvScanner::read_plain() {
  const char* begin = at_;
  while (at_ != end_ && *at_ != delimiter_ && *at_ != '\n' && (*at_ != '\r' || line_break() == 0)) ++at_;
  return {begin, static_cast<std::size_t>(at_ - begin)};
}

std::string_view CsvScanner::read_quoted() {
  const std::size_t opened = line_;
  char* const begin = ++at_;
  char* out = begin;
  for (;; ++at_) {
    if (at_ == end_) {
      throw Error(fmt::format("{}, line {}: a quoted cell is not closed; add the missing '\"'", name_, opened));
    }
    if (*at_ == '"') {
      if (at_ + 1 == end_ || at_[1] != '"') break;
      ++at_;
    }
    if (*at_ == '\n' || (*at_ == '\r' && line_break() == 1)) ++line_;
    *out++ = *at_;
  }
  ++at_;
  const std::string_view cell(begin, static_cast<std::size_t>(out - begin));
  while (lenient_ && at_ != end_ && *at_ == ' ') ++at_;
  if (at_cell_end()) return cell;
  if (!lenient_) {
    throw Error(fmt::format("{}, line {}: text follows the closing quote of a cell; double the quotes inside a cell",
                            name_, line_));
  }
  text_followed_quote_ = true;
  read_plain();
  return {begin, static_cast<std::size_t>(at_ - begin)};
}

}  // namespace phaseselect
