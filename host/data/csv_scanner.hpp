// Splits delimited text into rows, one memchr-like pass.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "phaseselect/data/csv.hpp"

namespace phaseselect {

enum class Strictness {
  strict,   // lines end with LF or CRLF, text behind a closing quote is an error
  lenient,  // a CR ends a line too, blanks around quotes do not count, text behind a closing quote marks the row
};

// Cells are views into the text; quoted ones are unescaped in place.
class CsvScanner {
 public:
  // `name` is for messages and must outlive the scanner; the text begins in line `line`.
  CsvScanner(const std::string& name, std::span<char> text, char delimiter, Strictness strictness, std::size_t line = 1)
      : name_(name),
        at_(text.data()),
        end_(text.data() + text.size()),
        delimiter_(delimiter),
        lenient_(strictness == Strictness::lenient),
        line_(line) {}

  bool done() const { return at_ == end_; }
  bool at_comment() const { return *at_ == '#'; }
  std::size_t line() const { return line_; }
  std::span<char> rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }

  // True when the line was empty, or blank, and has been passed.
  bool pass_empty_line();
  // The text of the line, its break left out.
  std::span<char> pass_line();
  // Throws Error for a quote that is not closed, with the line where it opened.
  CsvRow read_row(std::size_t expected_cells);
  // Whether text followed the closing quote of a cell of the last row.
  bool text_followed_quote() const { return text_followed_quote_; }

 private:
  std::size_t line_break() const;
  bool at_cell_end() const { return at_ == end_ || *at_ == delimiter_ || line_break() != 0; }
  bool at_quote();
  std::string_view read_plain();
  std::string_view read_quoted();

  const std::string& name_;
  char* at_;
  char* end_;
  char delimiter_;
  bool lenient_;
  bool text_followed_quote_ = false;
  std::size_t line_;
};

// The beginning of a row that does not fit its table, for its reject.
std::string row_text(const CsvRow& row, char delimiter);

}  // namespace phaseselect
