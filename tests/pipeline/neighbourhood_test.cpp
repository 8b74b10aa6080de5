// Known neighbours of a field: counted as by comparing all pairs, weighed by hand, never the field itself.
#include "host/pipeline/neighbourhood.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace phaseselect {
namespace {

Element element(const char* symbol) { return *find_element(symbol); }

// Li has the environments ()Cl, ()2O and ()3N, Na the first two, K the first, Cs one of its own.
EnvironmentMatrix matrix() {
  EnvironmentMatrixBuilder builder;
  std::size_t line = 1;
  for (const char* formula : {"LiCl", "NaCl", "KCl", "Li2O", "Na2O", "Li3N", "CsBr"}) builder.add(formula, ++line);
  return std::move(builder).finish();
}

ElementSimilarity similarity(Grouping grouping = Grouping::exact) {
  const EnvironmentMatrix environments = matrix();
  return {group_columns(environments, grouping), environments.elements};
}

TEST(ElementSimilarity, IsTheCosineOfTheRows) {
  for (const Grouping grouping : {Grouping::exact, Grouping::none}) {
    const ElementSimilarity alike = similarity(grouping);
    EXPECT_DOUBLE_EQ(alike(element("Li"), element("Na")), 2 / std::sqrt(3 * 2));
    EXPECT_DOUBLE_EQ(alike(element("K"), element("Na")), 1 / std::sqrt(1 * 2));
    EXPECT_DOUBLE_EQ(alike(element("Na"), element("Li")), alike(element("Li"), element("Na")));
    EXPECT_DOUBLE_EQ(alike(element("Li"), element("Li")), 1);
    EXPECT_EQ(alike(element("Li"), element("Cs")), 0);
    EXPECT_EQ(alike(element("Li"), element("Zr")), 0) << "Zr has no row";
  }
}

TEST(Neighbourhood, CountsAndWeighsByHand) {
  Neighbourhood known(similarity());
  for (const auto& [field, positive] : {std::pair("Li O", true),       // the field itself
                                        std::pair("Na O", true),       // Na for Li
                                        std::pair("K O", false),       // K for Li
                                        std::pair("Cs O", true),       // not alike at all
                                        std::pair("Br Li", false),     // Br for O, not alike
                                        std::pair("Li Na O", true),    // Na more
                                        std::pair("Cl Li O", false),   // Cl more
                                        std::pair("Li", false),        // O less
                                        std::pair("Br Na", true),      // both replaced
                                        std::pair("Cl K Li O", true),  // two more
                                        std::pair("Cs", true)}) {
    known.add(parse_phase_field(field), positive);
  }
  const Neighbours found = known.neighbours(parse_phase_field("O Li"));
  EXPECT_EQ(found.substitutions.fields, 4u);
  EXPECT_EQ(found.substitutions.positives, 2u);
  const double sodium = 2 / std::sqrt(6.0), potassium = 1 / std::sqrt(3.0);
  EXPECT_DOUBLE_EQ(found.substitutions.weight, sodium + potassium);
  EXPECT_DOUBLE_EQ(found.substitutions.positive_weight, sodium);
  EXPECT_EQ(found.extensions.fields, 2u);
  EXPECT_EQ(found.extensions.positives, 1u);
  EXPECT_EQ(found.reductions.fields, 1u);
  EXPECT_EQ(found.reductions.positives, 0u);

  const double rate = 8.0 / 13;  // 7 of 11, and one of either class
  const Evidence evidence = known.evidence(parse_phase_field("Li O"));
  EXPECT_NEAR(evidence[0], std::log((sodium + rate) / (potassium + 1 - rate)), 1e-12);
  EXPECT_NEAR(evidence[1], std::log(5), 1e-12);
  EXPECT_NEAR(evidence[2], std::log((1 + rate) / (1 + 1 - rate)), 1e-12);
  EXPECT_NEAR(evidence[3], std::log(3), 1e-12);
  EXPECT_NEAR(evidence[4], std::log(rate / (1 + 1 - rate)), 1e-12);
  EXPECT_NEAR(evidence[5], std::log(2), 1e-12);
}

// Where nothing is known, the evidence is the rate of all fields; of none at all, one half.
TEST(Neighbourhood, NothingKnown) {
  Neighbourhood known(similarity());
  EXPECT_EQ(known.evidence(parse_phase_field("Li O")), Evidence{});
  known.add(parse_phase_field("Cs Zr"), true);
  const Evidence evidence = known.evidence(parse_phase_field("Li O"));
  EXPECT_NEAR(evidence[0], std::log(2), 1e-12);
  EXPECT_EQ(evidence[1], 0);
}

std::size_t common(const PhaseField& a, const PhaseField& b) {
  std::vector<Element> both;
  std::ranges::set_intersection(a.elements(), b.elements(), std::back_inserter(both));
  return both.size();
}

TEST(Neighbourhood, AsByComparingAllPairs) {
  std::mt19937 draw(7);
  std::vector<std::pair<PhaseField, bool>> fields;
  while (fields.size() < 200) {
    std::vector<Element> elements;
    for (std::size_t i = 0, n = 1 + draw() % 4; i < n; ++i) elements.push_back(Element(draw() % 9 * 14));  // Ac to Xe
    const PhaseField field(elements);
    const auto same = [&](const auto& other) { return other.first == field; };
    if (std::ranges::none_of(fields, same)) fields.emplace_back(field, draw() % 3 == 0);
  }
  Neighbourhood known(similarity());
  const std::size_t added = fields.size() / 2;  // the others are asked for without being known
  for (std::size_t i = 0; i < added; ++i) known.add(fields[i].first, fields[i].second);
  std::size_t all = 0;
  for (const auto& [field, unused] : fields) {
    Neighbours expected;
    for (std::size_t i = 0; i < added; ++i) {
      const auto& [other, positive] = fields[i];
      const auto shared = static_cast<int>(common(field, other));
      NeighbourCount* kind = nullptr;
      if (other.size() == field.size() && shared == field.size() - 1) kind = &expected.substitutions;
      if (other.size() == field.size() + 1 && shared == field.size()) kind = &expected.extensions;
      if (other.size() == field.size() - 1 && shared == other.size()) kind = &expected.reductions;
      if (kind == nullptr) continue;
      ++kind->fields;
      kind->positives += positive ? 1 : 0;
    }
    const Neighbours found = known.neighbours(field);
    for (const auto kind : {&Neighbours::substitutions, &Neighbours::extensions, &Neighbours::reductions}) {
      EXPECT_EQ((found.*kind).fields, (expected.*kind).fields) << to_string(field);
      EXPECT_EQ((found.*kind).positives, (expected.*kind).positives) << to_string(field);
      all += (found.*kind).fields;
    }
  }
  EXPECT_GT(all, 1000u);
}

}  // namespace
}  // namespace phaseselect
