// The formula parser: what is read, exactly, and what is rejected, with which reason.
#include "phaseselect/chemistry/composition.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <string>

#include "temporary_file.hpp"

namespace phaseselect {
namespace {

// "Ba2 Cu3 O173/25 Y".
std::string shown(const Composition& composition) {
  std::string text;
  for (const Component& component : composition.components) {
    if (!text.empty()) text += ' ';
    text += symbol(component.element);
    if (component.amount != Rational{1, 1}) text += std::to_string(component.amount.numerator);
    if (component.amount.denominator != 1) text += fmt::format("/{}", component.amount.denominator);
  }
  return text;
}

std::string shown_reduced(std::string_view formula) {
  std::string text;
  for (const IntegerComponent& component : reduced(parse_composition(formula))) {
    if (!text.empty()) text += ' ';
    text += fmt::format("{}{}", symbol(component.element), component.amount);
  }
  return text;
}

struct Reading {
  const char* formula;
  const char* components;
};

class FormulaIsRead : public testing::TestWithParam<Reading> {};

TEST_P(FormulaIsRead, Exactly) { EXPECT_EQ(shown(parse_composition(GetParam().formula)), GetParam().components); }

INSTANTIATE_TEST_SUITE_P(
    Composition, FormulaIsRead,
    testing::Values(Reading{"Fe", "Fe"}, Reading{"YBa2Cu3O6.92", "Ba2 Cu3 O173/25 Y"}, Reading{"Ca(OH)2", "Ca H2 O2"},
                    Reading{"[(CH3)2NH2]", "C2 H8 N"}, Reading{"((CH3)2(NH2)0.5)4", "C8 H28 N2"},
                    Reading{"V0.784Ga0.172Al0.044", "Al11/250 Ga43/250 V98/125"}, Reading{"Li0.5O.5", "Li1/2 O1/2"},
                    Reading{"Li2.O", "Li2 O"}, Reading{"CO", "C O"}, Reading{"Co", "Co"}, Reading{"HfNO", "Hf N O"},
                    Reading{"D0.11Nb1H0.14Nb1T0.25", "H1/2 Nb2"}, Reading{"La2Sr0Cu1Zn0.00O4", "Cu La2 O4"},
                    Reading{"Li(OD)0F", "F Li"}, Reading{"(D0)2Pd", "Pd"}, Reading{" Y Ba2 Cu3\tO 7 ", "Ba2 Cu3 O7 Y"},
                    Reading{"Fe0.50000000000000000000000000", "Fe1/2"}, Reading{"Fe0000000000000000000000001", "Fe"},
                    Reading{"Fe0.3333333333333333", "Fe3333333333333333/10000000000000000"},
                    Reading{"Fe9223372036854775807", "Fe9223372036854775807"}, Reading{"H2OH2O", "H4 O2"},
                    Reading{"U1.5U1.5", "U3"}));

class FormulaIsRejected : public testing::TestWithParam<Reading> {};

TEST_P(FormulaIsRejected, WithItsReason) {
  const std::string reason = message_of<CompositionError>([] { parse_composition(GetParam().formula); });
  EXPECT_TRUE(contains(reason, GetParam().components)) << GetParam().formula << ": '" << reason << "'";
}

INSTANTIATE_TEST_SUITE_P(
    Composition, FormulaIsRejected,
    testing::Values(
        Reading{"", "the formula is empty"}, Reading{" \t ", "the formula is empty"},
        Reading{"EuPr2O10=z", "unexpected '=' at position 9"}, Reading{"HgCu1O4+2", "unexpected '+' at position 8"},
        Reading{"Y2C2Br0.5!1.5", "unexpected '!' at position 10"}, Reading{"YBa-1Cu", "negative amount at position 4"},
        Reading{"(YO)-.5", "negative amount at position 5"}, Reading{"Y-", "unexpected '-' at position 2"},
        Reading{"Xx2O", "unknown element 'Xx'"}, Reading{"Bax", "unknown element 'Bax'"},
        Reading{"J", "unknown element 'J'"}, Reading{"ba", "unexpected 'b' at position 1"},
        Reading{"Lix", "unknown element 'Lix'"}, Reading{"Li1e3", "unexpected 'e' at position 4"},
        Reading{"2H2O", "an amount without an element at position 1"},
        Reading{"Li(2O)", "an amount without an element at position 4"},
        Reading{"Li1.2.3", "a second amount or decimal point at position 6"},
        Reading{"Li1 2", "a second amount or decimal point at position 5"}, Reading{"Li.", "'.' without digits"},
        Reading{"Li..5", "'.' without digits"}, Reading{"(Li", "bracket '(' at position 1 is not closed"},
        Reading{"Li)", "bracket ')' at position 3 closes nothing"},
        Reading{"(Li]", "bracket ']' at position 4 closes nothing"},
        Reading{"Li()2", "brackets at position 3 are empty"}, Reading{"()3PO4", "brackets at position 1 are empty"},
        Reading{"Zn0", "no element is left"}, Reading{"(LiO)0", "no element is left"},
        Reading{"Li2\xC2\xB7O", "unexpected '\xC2\xB7' at position 4"},
        Reading{"Li\xFF", "unexpected '\\xFF' at position 3"}, Reading{"Li\n", "unexpected '\\x0A' at position 3"},
        Reading{"Fe9223372036854775808", "too many digits"}, Reading{"Fe0.00000000000000000001", "too many digits"},
        Reading{"(Fe9223372036854775807)2", "too long for exact arithmetic"},
        Reading{"Fe9223372036854775807Fe", "too long for exact arithmetic"}));

TEST(Composition, DeepBracketsAreRead) {
  const std::string deep = std::string(100000, '(') + "Fe" + std::string(100000, ')');
  EXPECT_EQ(shown(parse_composition(deep)), "Fe");
}

TEST(Composition, IsReducedToTheSmallestIntegers) {
  EXPECT_EQ(shown_reduced("Fe4O6"), "Fe2 O3");
  EXPECT_EQ(shown_reduced("Fe2"), "Fe1");
  EXPECT_EQ(shown_reduced("Li3PO4"), "Li3 O4 P1");
  EXPECT_EQ(shown_reduced("V0.784Ga0.172Al0.044"), "Al11 Ga43 V196");
  EXPECT_EQ(shown_reduced("Ba0.4K0.6Fe2As2"), "As10 Ba2 Fe10 K3");
  EXPECT_EQ(shown_reduced("Fe0.25O0.75"), "Fe1 O3");
  EXPECT_EQ(reduced(parse_composition("YBa2Cu3O7")), reduced(parse_composition("Y0.5BaCu1.5O3.5")));
}

TEST(Composition, ReductionOverflowsOnlyWhenTheResultDoes) {
  const Element iron = find_element("Fe").value();
  const Element oxygen = find_element("O").value();
  const std::int64_t p = 4611686018427387847;  // coprime to q; their product needs 124 bits, the results 62
  const std::int64_t q = 4611686018427387817;
  const Composition fits{{{iron, {1, p}}, {oxygen, {1, q}}}};
  const std::vector<IntegerComponent> result = reduced(fits);
  EXPECT_EQ(result[0].amount, q);
  EXPECT_EQ(result[1].amount, p);
  const Composition too_long{{{iron, {3, p}}, {oxygen, {1, q}}}};
  EXPECT_THROW(reduced(too_long), CompositionError);
}

TEST(Composition, GivesItsPhaseField) {
  EXPECT_EQ(to_string(phase_field(parse_composition("YBa2Cu3O6.92D0"))), "Ba Cu O Y");
}

}  // namespace
}  // namespace phaseselect
