// The formula parser: what is read, exactly, and what is rejected, with which reason.
#include "phaseselect/chemistry/composition.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <chrono>
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
                    Reading{"Fe9223372036854775807", "Fe9223372036854775807"}, Reading{"H2OH2O", "H4 O2"},
                    Reading{"U1.5U1.5", "U3"}));

// What stands beside a compound, in every spelling.
INSTANTIATE_TEST_SUITE_P(
    Additions, FormulaIsRead,
    testing::Values(Reading{"CuSO4.5H2O", "Cu H10 O9 S"}, Reading{"CuSO4·5H2O", "Cu H10 O9 S"},
                    Reading{"CuSO4∙5H2O", "Cu H10 O9 S"}, Reading{"CuSO4⋅5H2O", "Cu H10 O9 S"},
                    Reading{"CuSO4•5H2O", "Cu H10 O9 S"}, Reading{"CuSO4*5H2O", "Cu H10 O9 S"},
                    Reading{"CuSO4×5H2O", "Cu H10 O9 S"}, Reading{"CuSO4 · 5 H2O", "Cu H10 O9 S"},
                    Reading{"CuSO4 . 5H2O", "Cu H10 O9 S"}, Reading{"CuSO4.5(H2O)", "Cu H10 O9 S"},
                    Reading{"CuSO4.(H2O)5", "Cu H10 O9 S"}, Reading{"CuSO4.5 H2 O", "Cu H10 O9 S"},
                    Reading{"CuSO4.5D2O", "Cu H10 O9 S"}, Reading{"CuSO4.5OH2", "Cu H10 O9 S"},
                    Reading{"(CuSO4.5H2O)2", "Cu2 H20 O18 S2"}, Reading{"[CuSO4·5H2O]", "Cu H10 O9 S"},
                    Reading{"Cu(NO3)2.6H2O", "Cu H12 N2 O12"}, Reading{"NaCl.2H2O", "Cl H4 Na O2"},
                    Reading{"Na2CO3.H2O", "C H2 Na2 O4"}, Reading{"Na2CO3.10H2O", "C H20 Na2 O13"},
                    Reading{"CaSO4.0.5H2O", "Ca H O9/2 S"}, Reading{"CaSO4·0.5H2O", "Ca H O9/2 S"},
                    Reading{"CoO2·1.3H2O", "Co H13/5 O33/10"}, Reading{"Al2O3·2SiO2·2H2O", "Al2 H4 O9 Si2"},
                    Reading{"3CdSO4·8H2O", "Cd3 H16 O20 S3"}, Reading{"3CdSO4.8H2O", "Cd3 H16 O20 S3"},
                    Reading{"3CaO.Al2O3", "Al2 Ca3 O6"}, Reading{"KCl.MgCl2.6H2O", "Cl3 H12 K Mg O6"},
                    Reading{"0.5Li2O·0.5Nb2O5", "Li Nb O3"}, Reading{"CaCl2·8NH3", "Ca Cl2 H24 N8"}));

// A full stop inside an amount stays a decimal point.
INSTANTIATE_TEST_SUITE_P(Decimals, FormulaIsRead,
                         testing::Values(Reading{"O6.92", "O173/25"}, Reading{"H2.6O1.3", "H13/5 O13/10"},
                                         Reading{"Fe1.5O3", "Fe3/2 O3"}, Reading{"Na0.5H2O", "H2 Na1/2 O"},
                                         Reading{"O4.05H2O", "H2 O101/20"}, Reading{"O6.925H2O", "H2 O317/40"},
                                         Reading{"Li1.5FePO4", "Fe Li3/2 O4 P"},
                                         Reading{"N0.9H2.7Na1Rb2C60", "C60 H27/10 N9/10 Na Rb2"},
                                         Reading{"CaCl2.800NH3", "Ca Cl14/5 H3 N"},
                                         Reading{"Sr2Cu1F2.6O2", "Cu F13/5 O2 Sr2"}, Reading{"Fe2O3.", "Fe2 O3"}));

INSTANTIATE_TEST_SUITE_P(
    Spellings, FormulaIsRead,
    testing::Values(Reading{"Fe₂O₃", "Fe2 O3"}, Reading{"YBa₂Cu₃O₆.₉₂", "Ba2 Cu3 O173/25 Y"},
                    Reading{"Fe_2O_3", "Fe2 O3"}, Reading{"Fe_{2}O_{3}", "Fe2 O3"}, Reading{"Fe$_2$O$_{3}$", "Fe2 O3"},
                    Reading{"$Fe_2O_3$", "Fe2 O3"}, Reading{"Fe<sub>2</sub>O<sub>3</sub>", "Fe2 O3"},
                    Reading{"La_{1.85}Sr_{0.15}CuO_4", "Cu La37/20 O4 Sr3/20"}, Reading{"CuSO₄·5H₂O", "Cu H10 O9 S"},
                    Reading{"Al₂O₃.2SiO₂.2H₂O", "Al2 H4 O9 Si2"},  // a lowered 3 and .2 in full size are no 3.2
                    Reading{"Al<sub>2</sub>O<sub>3</sub>.2SiO<sub>2</sub>", "Al2 O7 Si2"},
                    Reading{"- C6 H12 O6 -", "C6 H12 O6"}, Reading{"– Ba2 Cu3 O7 Y –", "Ba2 Cu3 O7 Y"},
                    Reading{"Fe\u00A0O", "Fe O"}, Reading{"\uFEFFFe\u200BO\u3000", "Fe O"}, Reading{"Fe\nO", "Fe O"},
                    Reading{"Cu1O Y", "Cu O Y"}, Reading{"BrOY", "Br O Y"}, Reading{"Ba2 Cu3 O7 Y", "Ba2 Cu3 O7 Y"}));

INSTANTIATE_TEST_SUITE_P(
    Rounding, FormulaIsRead,
    testing::Values(Reading{"Fe0.30000000000000004", "Fe3/10"}, Reading{"Fe0.30000001192092896", "Fe3/10"},
                    Reading{"Fe1.9999999999999998", "Fe2"}, Reading{"Fe0.3333333333333333", "Fe3333333/10000000"},
                    Reading{"Fe0.123456789", "Fe123456789/1000000000"}, Reading{"Fe99.9999999999", "Fe100"},
                    Reading{"Fe0.000000000123456789012", "Fe154321/1250000000000000"},
                    Reading{"Fe123456.78901234", "Fe617284/5"}, Reading{"Fe12345678901", "Fe12345678901"},
                    Reading{"Fe12345678.901", "Fe12345680"}, Reading{"Fe0.1000000000000000000", "Fe1/10"},
                    Reading{"Fe0000000000.5", "Fe1/2"}));

class FormulaIsRejected : public testing::TestWithParam<Reading> {};

TEST_P(FormulaIsRejected, WithItsReason) {
  const std::string reason = message_of<CompositionError>([] { parse_composition(GetParam().formula); });
  EXPECT_TRUE(contains(reason, GetParam().components)) << GetParam().formula << ": '" << reason << "'";
}

INSTANTIATE_TEST_SUITE_P(
    Composition, FormulaIsRejected,
    testing::Values(
        Reading{"", "the formula is empty"}, Reading{" \t ", "the formula is empty"},
        Reading{"EuPr2=z", "unexpected '=' at position 6"}, Reading{"HgCu1O4+2", "unexpected '+' at position 8"},
        Reading{"Y2C2Br0.5!1.5", "unexpected '!' at position 10"},
        Reading{"YBa-1Cu", "negative amount or charge at position 4"},
        Reading{"(YO)-.5", "negative amount or charge at position 5"}, Reading{"Y-", "unexpected '-' at position 2"},
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
        Reading{"Li\x01", "unexpected '\\x01' at position 3"}, Reading{"Fe9223372036854775808", "too many digits"},
        Reading{"Fe0.00000000000000000001", "too many digits"},
        Reading{"(Fe9223372036854775807)2", "too long for exact arithmetic"},
        Reading{"Fe9223372036854775807Fe", "too long for exact arithmetic"}));

INSTANTIATE_TEST_SUITE_P(
    Charges, FormulaIsRejected,
    testing::Values(Reading{"Fe3+", "unexpected '+' at position 4: leave a charge out"},
                    Reading{"Na+Cl-", "unexpected '+' at position 3"}, Reading{"Cl-", "unexpected '-' at position 3"},
                    Reading{"Fe[3+]2O3", "unexpected '+' at position 5"}, Reading{"Fe2+Fe3+2O4", "unexpected '+'"},
                    Reading{"[Fe(CN)6]-3", "negative amount or charge at position 10"},
                    Reading{"[Fe(CN)6]−3", "negative amount or charge at position 10"},
                    Reading{"Fe³⁺", "superscript at position 3"}, Reading{"Fe^{3+}", "superscript at position 3"},
                    Reading{"Fe<sup>3+</sup>", "superscript at position 3"},
                    Reading{"¹⁸O", "superscript at position 1"}, Reading{"Fe(III)Cl3", "oxidation state at position 3"},
                    Reading{"Fe2O3-SiO2", "an addition with '·'"}));

INSTANTIATE_TEST_SUITE_P(
    UnknownOxygen, FormulaIsRejected,
    testing::Values(
        Reading{"Bi2Sr2Ca1Cu2OY", "oxygen of unknown amount ('OY')"}, Reading{"Tl2Ba2Cu1OX", "unknown amount ('OX')"},
        Reading{"Hg1Ba2Cu1OZ ", "unknown amount ('OZ')"}, Reading{"YBa2Cu3Oy", "unknown amount ('Oy')"},
        Reading{"YBa2Cu3Ox", "unknown amount ('Ox')"}, Reading{"YBa2Cu3Oδ", "unknown amount ('Oδ')"},
        Reading{"YBa2Cu3O7-δ", "unknown amount ('O7-δ')"}, Reading{"YBa2Cu3O7−x", "unknown amount ('O7-x')"},
        Reading{"YBa2Cu3O6+d", "unknown amount ('O6+d')"}, Reading{"YBa2Cu3O₇₋δ", "unknown amount ('O7-δ')"},
        Reading{"Eu1Pr2O10=z", "unknown amount ('O10=z')"}, Reading{"YBa2Cu3O_{7-x}", "unknown amount ('O7-x')"},
        Reading{"BaCaCuOY", "('OY')"}, Reading{"CuBaOY", "('OY')"}));

INSTANTIATE_TEST_SUITE_P(Ambiguous, FormulaIsRejected,
                         testing::Values(Reading{"Na0.35CoO2.1.3H2O", "write 'O2(H2O)1.3' or 'O2.1·3H2O'"},
                                         Reading{"CaCl2.8NH3", "write 'Cl2·8NH3' or 'Cl2.800NH3'"},
                                         Reading{"CaCl2.8(CH3OH)", "write 'Cl2·8(CH3OH)'"},
                                         Reading{"NaF.HF.2HF", "write 'F·2HF'"},
                                         Reading{"Al2O3.2SiO2.2H2O", "write 'O3·2SiO2' or 'O3.200SiO2'"},
                                         Reading{"CaO.2Al2O3", "write 'O·2Al2O3' or 'O0.200Al2O3'"},
                                         Reading{"CuSO₄5H₂O", "follows a subscript at position 6"},
                                         Reading{"Fe2₃", "a subscript follows a number in full size at position 4"},
                                         Reading{"Fe2_3", "a subscript follows a number in full size at position 4"}));

INSTANTIATE_TEST_SUITE_P(
    OtherSpellings, FormulaIsRejected,
    testing::Values(Reading{"CuSO4 5H2O", "position 7: write '·' before what is added"},
                    Reading{"CaSO4·½H2O", "a fraction at position 7: write it as a decimal"},
                    Reading{"SiO2·nH2O", "addition of unknown amount 'n'"}, Reading{"CuSO4·", "can be added"},
                    Reading{"·5H2O", "nothing stands before"}, Reading{"CuSO4··5H2O", "can be added"},
                    Reading{"Hg0,35Cd0,65Te", "a decimal comma at position 4: set data.decimal"},
                    Reading{"La2-xSrxCuO4", "an amount with a variable at position 4"},
                    Reading{"LaSrx", "unknown element 'Srx', or an amount that is not a number"},
                    Reading{"Li\xFFO", "the byte \\xFF at position 3 is not UTF-8: save the file as UTF-8"},
                    Reading{"CuSO4\xB7"
                            "5H2O",
                            "the byte \\xB7 at position 6 is not UTF-8"},
                    Reading{"(2H2O)", "an amount without an element at position 2"},
                    Reading{"(2H2O)·NaCl", "an amount without an element at position 2"},
                    Reading{"Fe_O", "unexpected '_' at position 3"}, Reading{"Fe$2", "unexpected '$'"}));

TEST(Composition, DecimalCommasAreReadWhereTheyAreMeant) {
  EXPECT_EQ(shown(parse_composition("Hg0,35Cd0,65Te", DecimalMark::comma)), "Cd13/20 Hg7/20 Te");
  EXPECT_EQ(shown(parse_composition("Hg0.35Cd0,65Te", DecimalMark::comma)), "Cd13/20 Hg7/20 Te");
  EXPECT_THROW(parse_composition("Hg,Cd", DecimalMark::comma), CompositionError);
}

// A thousand times deeper takes a thousand times longer, not a million times.
TEST(Composition, NestedFactorsTakeLinearTime) {
  constexpr int depth = 32000;
  std::string nested;
  for (int i = 0; i < depth; ++i) nested += i % 2 == 0 ? "(H" : "(O";
  for (int i = 0; i < depth; ++i) nested += i % 2 == 0 ? ")2" : ")0.5";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(parse_composition(nested).components.size(), 2u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Composition, LongFormulasAreMergedExactly) {
  std::string nested;
  for (int i = 0; i < 300; ++i) nested += i % 3 == 0 ? "(H2" : i % 3 == 1 ? "(O" : "(Fe0.5D0";
  nested += std::string(300, ')');
  EXPECT_EQ(shown(parse_composition(nested)), "Fe50 H200 O100");
  std::string zeros;
  for (int i = 0; i < 200; ++i) zeros += "D0";
  EXPECT_EQ(shown(parse_composition("((" + zeros + "))Fe")), "Fe");
}

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
