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

TEST(PhaseField, BadTextIsNamed) {
  EXPECT_EQ(message_of<Error>([] { parse_phase_field("Ba D0+ O"); }), "unknown element 'D0+'");
  EXPECT_EQ(message_of<Error>([] { parse_phase_field("Ba O Ba"); }), "element 'Ba' is named twice");
  EXPECT_EQ(message_of<Error>([] { parse_phase_field(" \t"); }), "no element is named");
  EXPECT_EQ(message_of<Error>([] { parse_phase_field(""); }), "no element is named");
  EXPECT_EQ(message_of<Error>([] { parse_phase_field("Ba,O"); }), "unknown element 'Ba,O'");
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
