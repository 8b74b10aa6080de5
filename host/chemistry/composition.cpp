// Compositions: the public face of the formula parser.
#include "phaseselect/chemistry/composition.hpp"

#include "host/chemistry/formula_parser.hpp"

namespace phaseselect {

Composition parse_composition(std::string_view formula, DecimalMark mark) {
  FormulaParser parser(mark);
  const std::span<const Component> components = parser.parse(formula);
  return {{components.begin(), components.end()}};
}

PhaseField phase_field(const Composition& composition) {
  std::vector<Element> elements;
  elements.reserve(composition.components.size());
  for (const Component& component : composition.components) elements.push_back(component.element);
  return PhaseField(std::move(elements));
}

std::vector<IntegerComponent> reduced(const Composition& composition) {
  FormulaParser parser;
  const std::span<const IntegerComponent> components = parser.reduce(composition.components);
  return {components.begin(), components.end()};
}

}  // namespace phaseselect
