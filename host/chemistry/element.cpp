// Symbols of the elements and their look-up.
#include "phaseselect/chemistry/element.hpp"

#include <algorithm>
#include <array>

#include "host/chemistry/ascii.hpp"
#include "phaseselect/chemistry/phase_field.hpp"

namespace phaseselect {
namespace {

constexpr std::array<std::string_view, element_count> symbols = {
    "Ac", "Ag", "Al", "Am", "Ar", "As", "At", "Au", "B",  "Ba", "Be", "Bh", "Bi", "Bk", "Br", "C",  "Ca",
    "Cd", "Ce", "Cf", "Cl", "Cm", "Cn", "Co", "Cr", "Cs", "Cu", "Db", "Ds", "Dy", "Er", "Es", "Eu", "F",
    "Fe", "Fl", "Fm", "Fr", "Ga", "Gd", "Ge", "H",  "He", "Hf", "Hg", "Ho", "Hs", "I",  "In", "Ir", "K",
    "Kr", "La", "Li", "Lr", "Lu", "Lv", "Mc", "Md", "Mg", "Mn", "Mo", "Mt", "N",  "Na", "Nb", "Nd", "Ne",
    "Nh", "Ni", "No", "Np", "O",  "Og", "Os", "P",  "Pa", "Pb", "Pd", "Pm", "Po", "Pr", "Pt", "Pu", "Ra",
    "Rb", "Re", "Rf", "Rg", "Rh", "Rn", "Ru", "S",  "Sb", "Sc", "Se", "Sg", "Si", "Sm", "Sn", "Sr", "Ta",
    "Tb", "Tc", "Te", "Th", "Ti", "Tl", "Tm", "Ts", "U",  "V",  "W",  "Xe", "Y",  "Yb", "Zn", "Zr"};

constexpr std::uint8_t unknown = 255;
constexpr std::size_t letters = 26;

// Slot of a capital, alone or with one small letter.
constexpr std::size_t slot(std::string_view text) {
  const auto second = static_cast<std::size_t>(text.size() == 2 ? text[1] - 'a' + 1 : 0);
  return static_cast<std::size_t>(text[0] - 'A') * (letters + 1) + second;
}

constexpr auto make_ranks() {
  std::array<std::uint8_t, letters*(letters + 1)> ranks{};
  ranks.fill(unknown);
  for (std::size_t i = 0; i < symbols.size(); ++i) ranks[slot(symbols[i])] = static_cast<std::uint8_t>(i);
  ranks[slot("D")] = ranks[slot("H")];
  ranks[slot("T")] = ranks[slot("H")];
  return ranks;
}

constexpr auto ranks = make_ranks();

struct Group {
  std::string_view name, members;
};

constexpr std::array<Group, 4> groups{
    {{"radioactive",
      "Tc Pm Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"},
     {"noble-gases", "He Ne Ar Kr Xe Rn"},
     {"lanthanides", "La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu"},
     {"actinides", "Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr"}}};

// Small letters, '_' as '-'.
std::string group_name(std::string_view text) {
  if (text.starts_with('@')) text.remove_prefix(1);
  std::string name(text);
  for (char& c : name) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c == '_' ? '-' : c;
  return name;
}

}  // namespace

std::string_view symbol(Element element) { return symbols[static_cast<std::size_t>(rank(element))]; }

bool is_metal(Element element) {
  constexpr std::array<std::string_view, 26> others = {"H",  "He", "B",  "C",  "N",  "O",  "F",  "Ne", "Si",
                                                       "P",  "S",  "Cl", "Ar", "Ge", "As", "Se", "Br", "Kr",
                                                       "Sb", "Te", "I",  "Xe", "At", "Rn", "Ts", "Og"};
  return std::find(others.begin(), others.end(), symbol(element)) == others.end();
}

std::vector<Element> element_group(std::string_view text) {
  const auto* const group = std::find_if(groups.begin(), groups.end(),
                                         [name = group_name(text)](const Group& each) { return each.name == name; });
  if (group == groups.end()) return {};
  return parse_phase_field(group->members).elements();
}

std::string element_group_names() {
  std::string names;
  for (const Group& group : groups) names += (names.empty() ? "@" : ", @") + std::string(group.name);
  return names;
}

std::optional<Element> find_element(std::string_view text) {
  if (text.empty() || text.size() > 2 || !is_upper(text[0]) || (text.size() == 2 && !is_lower(text[1]))) {
    return std::nullopt;
  }
  const std::uint8_t found = ranks[slot(text)];
  if (found == unknown) return std::nullopt;
  return Element{found};
}

}  // namespace phaseselect
