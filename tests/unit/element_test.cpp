// Symbols, order and look-up of the elements.
#include "phaseselect/chemistry/element.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "phaseselect/chemistry/phase_field.hpp"

namespace phaseselect {
namespace {

TEST(Element, SymbolsAreAlphabeticalAndFindThemselves) {
  std::string_view previous;
  for (int i = 0; i < element_count; ++i) {
    const Element element{static_cast<std::uint8_t>(i)};
    EXPECT_LT(previous, symbol(element));
    EXPECT_EQ(find_element(symbol(element)), element);
    previous = symbol(element);
  }
  EXPECT_EQ(symbol(Element{0}), "Ac");
  EXPECT_EQ(symbol(Element{117}), "Zr");
}

// By atomic number, so that a symbol left out of the alphabetical table or misspelt there is noticed.
TEST(Element, AllOfThePeriodicTableAreKnown) {
  const char* const by_number[] = {
      "H",  "He", "Li", "Be", "B",  "C",  "N",  "O",  "F",  "Ne", "Na", "Mg", "Al", "Si", "P",  "S",  "Cl",
      "Ar", "K",  "Ca", "Sc", "Ti", "V",  "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se",
      "Br", "Kr", "Rb", "Sr", "Y",  "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb",
      "Te", "I",  "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er",
      "Tm", "Yb", "Lu", "Hf", "Ta", "W",  "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At",
      "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U",  "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No",
      "Lr", "Rf", "Db", "Sg", "Bh", "Hs", "Mt", "Ds", "Rg", "Cn", "Nh", "Fl", "Mc", "Lv", "Ts", "Og"};
  std::set<int> ranks;
  for (const char* name : by_number) {
    const auto found = find_element(name);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(symbol(*found), name);
    ranks.insert(rank(*found));
  }
  EXPECT_EQ(ranks.size(), 118u);
}

TEST(Element, IsotopesOfHydrogenAreHydrogen) {
  EXPECT_EQ(find_element("D"), find_element("H"));
  EXPECT_EQ(find_element("T"), find_element("H"));
  EXPECT_EQ(symbol(*find_element("D")), "H");
}

TEST(Element, AnythingElseIsUnknown) {
  for (const char* text : {"", "BA", "ba", "b", "Xx", "J", "Q", "Bar", "B ", " B", "1", "A", "Z", "D2", "\xC3\xA9"}) {
    EXPECT_FALSE(find_element(text)) << text;
  }
}

std::string names(const std::vector<Element>& elements) { return to_string(PhaseField(elements)); }

TEST(Elements, Groups) {
  EXPECT_EQ(names(element_group("@noble-gases")), "Ar He Kr Ne Rn Xe");
  EXPECT_EQ(names(element_group("Lanthanides")), "Ce Dy Er Eu Gd Ho La Lu Nd Pm Pr Sm Tb Tm Yb");
  EXPECT_EQ(names(element_group("@ACTINIDES")), "Ac Am Bk Cf Cm Es Fm Lr Md No Np Pa Pu Th U");
  EXPECT_EQ(element_group("@noble_gases"), element_group("@noble-gases"));
  const std::vector<Element> radioactive = element_group("@radioactive");
  EXPECT_EQ(radioactive.size(), 2u + 118 - 84 + 1) << "Tc, Pm and Po to Og";
  const auto is_radioactive = [&](const char* symbol) {
    return std::find(radioactive.begin(), radioactive.end(), *find_element(symbol)) != radioactive.end();
  };
  for (const char* symbol : {"Tc", "Pm", "Po", "Rn", "Th", "U", "Pu", "Og"}) EXPECT_TRUE(is_radioactive(symbol));
  for (const char* symbol : {"Bi", "Pb", "Re", "In", "Xe"}) EXPECT_FALSE(is_radioactive(symbol));
  for (const char* name : {"", "@", "@rare-earths", "@@actinides", "Fe"}) EXPECT_TRUE(element_group(name).empty());
  EXPECT_EQ(element_group_names(), "@radioactive, @noble-gases, @lanthanides, @actinides");
}

TEST(Elements, Metals) {
  int metals = 0;
  for (int e = 0; e < element_count; ++e) metals += is_metal(static_cast<Element>(e)) ? 1 : 0;
  EXPECT_EQ(metals, 92);
  for (const char* metal : {"Li", "Al", "Ga", "Sn", "Pb", "Bi", "Po", "U", "Fe"})
    EXPECT_TRUE(is_metal(*find_element(metal)));
  for (const char* other : {"H", "B", "Si", "Ge", "As", "Sb", "Te", "O", "Xe"})
    EXPECT_FALSE(is_metal(*find_element(other)));
}

}  // namespace
}  // namespace phaseselect
