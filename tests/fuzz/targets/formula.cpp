// Formulas: what is read is canonical, and reads back the same from its reduced form.
#include <numeric>

#include "phaseselect/chemistry/composition.hpp"
#include "phaseselect/data/environment_matrix.hpp"
#include "tests/fuzz/target.hpp"

using namespace phaseselect;

namespace {

void check(const Composition& composition) {
  fuzz::require(!composition.components.empty(), "a composition has an element");
  for (std::size_t i = 0; i < composition.components.size(); ++i) {
    const Rational& amount = composition.components[i].amount;
    fuzz::require(amount.numerator > 0 && amount.denominator > 0, "amounts are positive");
    fuzz::require(std::gcd(amount.numerator, amount.denominator) == 1, "amounts are in lowest terms");
    if (i == 0) continue;
    fuzz::require(composition.components[i - 1].element < composition.components[i].element, "elements are in order");
  }
  const PhaseField field = phase_field(composition);
  fuzz::require(parse_phase_field(to_string(field)) == field, "a field reads back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string formula = fuzz::text_of(data, size);
  fuzz::done([&] { parse_composition(formula, DecimalMark::comma); });
  fuzz::done([&] {
    const Composition composition = parse_composition(formula);
    check(composition);
    std::string plain;
    std::int64_t divisor = 0;
    const std::vector<IntegerComponent> integers = reduced(composition);
    for (const IntegerComponent& component : integers) {
      divisor = std::gcd(divisor, component.amount);
      plain += std::string(symbol(component.element)) + std::to_string(component.amount);
    }
    fuzz::require(divisor == 1, "a reduced composition cannot be reduced");
    fuzz::require(reduced(parse_composition(plain)) == integers, "a reduced composition reads back");
    EnvironmentMatrixBuilder builder;
    for (const std::string& text : {formula, plain, formula}) builder.add(text, 1);
    fuzz::require(std::move(builder).finish().distinct == 1, "a composition and its reduced form are one");
  });
  return 0;
}
