// The formula parser behind parse_composition. Its buffers are kept between calls, so that reading a table of formulas
// allocates nothing per formula.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "phaseselect/chemistry/composition.hpp"

namespace phaseselect {

class FormulaParser {
 public:
  // Components in alphabetical order, each element once; valid until the next call. Throws CompositionError.
  std::span<const Component> parse(std::string_view formula);
  // The last formula in smallest integers; valid until the next call. Throws CompositionError.
  std::span<const IntegerComponent> reduce();
  // The same for components from elsewhere.
  std::span<const IntegerComponent> reduce(std::span<const Component> components);

 private:
  struct Bracket {
    char closing;       // what must close it
    std::size_t first;  // first component inside
    std::size_t at;     // where it opened
  };
  void skip_blanks();
  bool at_amount() const;
  Rational read_amount();  // 1 where none is written
  Rational read_decimal();
  void read_element();
  void open_bracket();
  void close_bracket();
  void merge();
  [[noreturn]] void reject_character() const;

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Component> components_;
  std::vector<Bracket> brackets_;
  std::vector<IntegerComponent> reduced_;
};

}  // namespace phaseselect
