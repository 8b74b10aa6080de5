// Plain predictions: by hand, against a search through all pairs, and on the real magnets.
#include "host/pipeline/baselines.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <random>

#include "tests/pipeline/commands_fixture.hpp"
#include "tests/real_data.hpp"

namespace phaseselect {
namespace {

PreparedData fields_with_labels(const std::vector<std::pair<std::string, int>>& rows) {
  PreparedData data;
  for (const auto& [phases, label] : rows) {
    FieldRecord record;
    record.field = parse_phase_field(phases);
    data.kept.push_back(record);
    data.problem.labels.push_back(static_cast<std::uint8_t>(label));
  }
  return data;
}

// The first `training` rows are learned from, the others judged.
SplitFold fold_at(const PreparedData& data, std::size_t training) {
  SplitFold fold;
  for (std::size_t row = 0; row < data.kept.size(); ++row) {
    (row < training ? fold.training : fold.judged).push_back(static_cast<std::uint32_t>(row));
  }
  return fold;
}

// bench/peers/baselines.py: all pairs.
float nearest_of_all_pairs(const PreparedData& data, const SplitFold& fold, std::uint32_t asked) {
  double best = -1, fields = 0, positives = 0;
  const std::vector<Element>& own = data.kept[asked].field.elements();
  for (const std::uint32_t row : fold.training) {
    const std::vector<Element>& other = data.kept[row].field.elements();
    std::vector<Element> common;
    std::ranges::set_intersection(own, other, std::back_inserter(common));
    const auto shared = static_cast<double>(common.size());
    const double similarity = shared / (static_cast<double>(own.size() + other.size()) - shared);
    if (similarity > best) fields = positives = 0;
    if (similarity < best) continue;
    best = similarity;
    ++fields;
    positives += data.problem.labels[row];
  }
  return static_cast<float>(positives / fields);
}

TEST(NearestField, IsTheMostSimilarOfTheLearned) {
  const PreparedData data = fields_with_labels({{"Ba O", 1},
                                                {"Ba Ca", 0},
                                                {"Na", 0},
                                                {"Cl K", 1},
                                                {"Cl K Li", 0},
                                                {"Ba O Y", 0},
                                                {"Ba", 0},
                                                {"Fe Ni", 0},
                                                {"Cl K Rb", 0}});
  const std::vector<float> found = nearest_field(data, fold_at(data, 5));
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0], 1.0f) << "two of three elements in common with Ba O";
  EXPECT_EQ(found[1], 0.5f) << "Ba O and Ba Ca are equally similar";
  EXPECT_EQ(found[2], 0.4f) << "nothing in common: the share of all";
  EXPECT_EQ(found[3], 1.0f) << "Cl K shares 2 of 3, Cl K Li 2 of 4";
}

TEST(NearestField, EqualsTheSearchThroughAllPairs) {
  std::mt19937 draw(3);
  std::vector<std::pair<std::string, int>> rows;
  for (int i = 0; i < 600; ++i) {
    std::vector<std::string> elements{"Ba", "Ca", "Cl", "Cu", "F", "Fe", "H", "K", "Li", "Mg", "Na", "O", "S", "Y"};
    std::ranges::shuffle(elements, draw);
    std::string phases;
    for (std::size_t e = 0; e < 1 + draw() % 5; ++e) phases += elements[e] + " ";
    rows.emplace_back(phases, static_cast<int>(draw() % 2));
  }
  const PreparedData data = fields_with_labels(rows);
  const SplitFold fold = fold_at(data, 400);
  const std::vector<float> found = nearest_field(data, fold);
  for (std::size_t i = 0; i < fold.judged.size(); ++i) {
    EXPECT_EQ(found[i], nearest_of_all_pairs(data, fold, fold.judged[i])) << rows[fold.judged[i]].first;
  }
}

TEST(NearestField, OfTheRealMagnets) {
  PHASESELECT_NEEDS_DATA("magnets.csv");
  PreparedData data;
  const PropertyTable table = read_property_table(real_data() / "magnets.csv", {.property = "max Tc"});
  for (const FieldRecord& record : table.records) {
    data.kept.push_back(record);
    data.problem.labels.push_back(record.value >= 300 ? 1 : 0);
  }
  SplitFold fold;
  for (std::uint32_t row = 0; row < data.kept.size(); ++row)
    (row % 5 == 0 ? fold.judged : fold.training).push_back(row);
  const std::vector<float> found = nearest_field(data, fold);
  for (std::size_t i = 0; i < fold.judged.size(); ++i) {
    ASSERT_EQ(found[i], nearest_of_all_pairs(data, fold, fold.judged[i]));
  }
}

TEST(Prevalence, IsTheShareOfThePositivesThatWereLearnedFrom) {
  const PreparedData data = fields_with_labels({{"Ba O", 1}, {"Ca O", 0}, {"Na", 1}, {"K", 1}, {"Li", 0}, {"Rb", 0}});
  EXPECT_EQ(prevalence(data, fold_at(data, 4)), (std::vector<float>{0.75f, 0.75f}));
}

}  // namespace
}  // namespace phaseselect
