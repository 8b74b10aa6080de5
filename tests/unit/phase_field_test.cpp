// Canonical form and text of phase fields.
#include "phaseselect/chemistry/phase_field.hpp"

#include <gtest/gtest.h>

#include "phaseselect/error.hpp"
#include "temporary_file.hpp"

namespace phaseselect {
namespace {

Element element(std::string_view name) { return find_element(name).value(); }

TEST(PhaseField, IsSortedAndHoldsEachElementOnce) {
  const PhaseField field({element("Y"), element("Cu"), element("O"), element("Ba"), element("O")});
  EXPECT_EQ(to_string(field), "Ba Cu O Y");
  EXPECT_EQ(field.size(), 4);
  EXPECT_FALSE(field.empty());
  EXPECT_TRUE(PhaseField().empty());
  EXPECT_EQ(to_string(PhaseField()), "");
}

TEST(PhaseField, IsReadInAnyOrder) {
  EXPECT_EQ(to_string(parse_phase_field("O Ba Ca Mg")), "Ba Ca Mg O");
  EXPECT_EQ(parse_phase_field("  O\tBa  "), parse_phase_field("Ba O"));
  EXPECT_EQ(to_string(parse_phase_field("D O")), "H O");
}

TEST(PhaseField, IsReadWhateverSeparatesTheElements) {
  for (const char* text : {"Ba,Cu,O", "{Ba, Cu, O}", "Ba; Cu; O", "Ba/Cu/O", "Ba-Cu-O", "Ba–Cu—O", "Ba−Cu‐O",
                           "['Ba', 'Cu', 'O']", "(Ba Cu O)", "Ba\u00A0Cu\u2009O", "Ba - Cu, O ", "BaCuO2", "Ba2 Cu3 O7",
                           "Ba2-Cu3-O7", "BaO-CuO", "Ba (Cu O2)", "{\"Ba\", \"Cu\", \"O\"}"}) {
    EXPECT_EQ(to_string(parse_phase_field(text)), "Ba Cu O") << text;
  }
}

TEST(PhaseField, SymbolsComeBeforeFormulas) {
  EXPECT_EQ(to_string(parse_phase_field("Co")), "Co");
  EXPECT_EQ(to_string(parse_phase_field("CO")), "C O");
  EXPECT_EQ(to_string(parse_phase_field("No Y")), "No Y");
  EXPECT_EQ(to_string(parse_phase_field("YBa2Cu3O7")), "Ba Cu O Y");
}

TEST(PhaseField, AnElementCountsOnce) {
  EXPECT_EQ(to_string(read_phase_field("Cl Mn Mn O").field), "Cl Mn O");
  EXPECT_TRUE(read_phase_field("Cl Mn Mn O").named_twice);
  EXPECT_TRUE(read_phase_field("D H O").named_twice);
  EXPECT_EQ(to_string(read_phase_field("D H O").field), "H O");
  EXPECT_FALSE(read_phase_field("Cl Mn O").named_twice);
  EXPECT_FALSE(read_phase_field("NH4OH").named_twice);  // a formula may well
}

TEST(PhaseField, BadTextIsNamed) {
  EXPECT_EQ(message_of<Error>([] { parse_phase_field("Ba D0+ O"); }), "unknown element 'D0+'");
  EXPECT_EQ(message_of<Error>([] { parse_phase_field(" \t"); }), "no element is named");
  EXPECT_EQ(message_of<Error>([] { parse_phase_field(""); }), "no element is named");
  EXPECT_EQ(message_of<Error>([] { parse_phase_field("{}"); }), "no element is named");
  EXPECT_EQ(message_of<Error>([] { parse_phase_field("Ba-1K"); }), "unknown element '1K'");
  EXPECT_EQ(message_of<Error>([] { parse_phase_field("Ba Xx"); }), "unknown element 'Xx'");
  EXPECT_EQ(message_of<Error>([] { parse_phase_field("Xx"); }), "unknown element 'Xx'");
  EXPECT_TRUE(contains(message_of<Error>([] { parse_phase_field("Na+Cl-"); }), "unexpected '+'"));
  EXPECT_TRUE(contains(message_of<Error>([] { parse_phase_field("NaN"); }), "a word for a missing value"));
  EXPECT_TRUE(contains(message_of<Error>([] { parse_phase_field("N/A"); }), "unknown element 'A'"));
  EXPECT_TRUE(contains(message_of<Error>([] { parse_phase_field("ba cu"); }), "unknown element 'ba'"));
}

TEST(PhaseField, OrderAndHashFollowTheElements) {
  const PhaseField shorter = parse_phase_field("Ba Cu");
  const PhaseField longer = parse_phase_field("Ba Cu O");
  EXPECT_LT(shorter, longer);
  EXPECT_LT(longer, parse_phase_field("Ba O"));
  const PhaseFieldHash hash;
  EXPECT_EQ(hash(longer), hash(parse_phase_field("O Cu Ba")));
  EXPECT_NE(hash(longer), hash(shorter));
}

}  // namespace
}  // namespace phaseselect
