// Formulas in other spellings than the plain one that the parser reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "phaseselect/chemistry/decimal_mark.hpp"

namespace phaseselect {

// Rewrites blanks of every kind to blanks; subscripts (Unicode, _2, _{2}, $_2$, <sub>2</sub>) to amounts; the dots and
// crosses of additions to '*'; dashes to '-'; decimal commas to points; and takes away the dashes around a formula
// (- C6 H12 O6 -). A number in full size behind a subscript is not its continuation: a full stop between them is an
// addition. What it does not know stays, for the parser to refuse.
class FormulaSpelling {
 public:
  // Throws CompositionError for superscripts, which are charges or isotopes, for vulgar fractions, and for decimal
  // commas where the mark is a point.
  void rewrite(std::string_view formula, DecimalMark mark);

  std::string_view text() const { return text_; }
  // The character of the formula, from 1, that a place of the text stands for.
  std::size_t position(std::size_t at) const;

 private:
  // Each reads what stands at the current place; false where something else does.
  bool read_markup();
  bool read_decimal_comma();
  void begin_subscript() const;
  void read_subscript(std::string_view closing);
  void read_ascii();
  void read_character();
  void put(std::string_view characters);  // in place of the character here
  bool skip(std::string_view word);
  bool number_at(std::size_t at) const;  // in full size or lowered
  std::size_t here() const;

  std::string_view formula_;
  DecimalMark mark_ = DecimalMark::point;
  std::size_t at_ = 0;
  bool mathematics_ = false;       // dollar signs come in pairs
  bool behind_subscript_ = false;  // the text ends with a subscript
  std::string text_;
  std::vector<std::uint32_t> origins_;  // of each byte of the text, in the formula
};

}  // namespace phaseselect
