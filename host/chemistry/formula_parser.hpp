// The formula parser behind parse_composition. Its buffers are kept between calls, so that reading a table of formulas
// allocates nothing per formula.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "host/chemistry/formula_spelling.hpp"
#include "phaseselect/chemistry/composition.hpp"

namespace phaseselect {

class FormulaParser {
 public:
  explicit FormulaParser(DecimalMark mark = DecimalMark::point) : mark_(mark) {}

  // Components in alphabetical order, each element once; valid until the next call. Throws CompositionError.
  std::span<const Component> parse(std::string_view formula);
  // The last formula in smallest integers; valid until the next call. Throws CompositionError.
  std::span<const IntegerComponent> reduce();
  // The same for components from elsewhere.
  std::span<const IntegerComponent> reduce(std::span<const Component> components);

  // Whether the last formula has an amount as large as one that has lost its decimal point (O6050).
  bool has_large_amount() const { return large_amount_; }

 private:
  // A formula or a pair of brackets. Its parts are what additions join, each with a factor in front of it.
  struct Level {
    char closing;       // what must close it
    std::size_t at;     // where it opened
    std::size_t first;  // first component inside
    std::size_t part;   // first component of the part that is being read
    Rational factor{1, 1};
    std::size_t leading_factor = none;  // where a factor stands before the first part, which takes an addition
    bool has_additions = false;
  };
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  void skip_blanks();
  bool at_amount() const;
  Rational read_amount();  // 1 where none is written
  Rational read_number(std::size_t end);
  void read_factor();
  void read_element();
  void open_level(char closing);
  void close_level();
  void open_bracket();
  void close_bracket();
  void read_addition();
  void end_part();
  void scale(std::size_t first, const Rational& factor);
  std::size_t merged(std::size_t first, bool keep_zeros);
  [[noreturn]] void reject_character() const;
  [[noreturn]] void reject_amount() const;
  std::size_t position(std::size_t at) const;  // in the formula as it was given, from 1

  DecimalMark mark_;
  std::string_view text_;
  std::size_t at_ = 0;
  bool respelled_ = false;
  bool large_amount_ = false;
  FormulaSpelling spelling_;
  std::vector<Component> components_;
  std::vector<Level> levels_;
  std::vector<IntegerComponent> reduced_;
};

}  // namespace phaseselect
