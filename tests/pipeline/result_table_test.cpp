// Normalisation, flags, neighbours.
#include "host/pipeline/result_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "host/pipeline/known_fields.hpp"
#include "host/pipeline/nearest_fields.hpp"

namespace phaseselect {
namespace {

TEST(ErrorRange, MinMaxNormalisation) {
  ErrorRange range;
  for (const float error : {2.0f, std::nanf(""), 6.0f, 3.0f}) range.include(error);
  EXPECT_EQ(range.normalised(2), 0);
  EXPECT_EQ(range.normalised(6), 1);
  EXPECT_EQ(range.normalised(3), 0.25f);
  EXPECT_TRUE(std::isnan(range.normalised(std::nanf(""))));
  ErrorRange equal;
  equal.include(5);
  equal.include(5);
  EXPECT_EQ(equal.normalised(5), 0);
}

TEST(ResultLine, ValuesAndEmptyValues) {
  ResultRow row{.statistics = {0.75f, 0.1f, 2.5f},
                .uncertainty = 0.5f,
                .percentile = std::nanf(""),
                .known = 5,
                .calibrated = 0.25f};
  EXPECT_EQ(result_cells("Ba O", row), "Ba O,0.75,0.1,2.5,0.5,,,,training;reported,0.25");
  row.accessibility = 0.5f;
  row.accessibility_deviation = 0.125f;
  EXPECT_EQ(result_cells("Ba O", row), "Ba O,0.75,0.1,2.5,0.5,,0.5,0.125,training;reported,0.25");
  EXPECT_EQ(empty_result_cells("O Xe", 2), "O Xe,,,,,,,,environments,");
  EXPECT_EQ(result_columns.size(), 10u);
}

TEST(KnownFields, FlagsAddUpAndKeysAreExact) {
  KnownFields known;
  known.add(parse_phase_field("Ac Zr"), Known::training);
  known.add(parse_phase_field("Zr Ac"), Known::reported);
  EXPECT_EQ(known_text(known.flags(FieldKey(parse_phase_field("Zr Ac")))), "training;reported");
  EXPECT_EQ(known_text(known.flags(FieldKey(parse_phase_field("Ac")))), "");
  EXPECT_EQ(known_text(known.flags(FieldKey(parse_phase_field("Ac Zn Zr")))), "");
  // Every element has a bit of its own.
  for (int a = 0; a < element_count; ++a) {
    for (int b = 0; b < a; ++b) {
      EXPECT_FALSE(FieldKey(PhaseField({Element(a)})) == FieldKey(PhaseField({Element(b)})));
    }
  }
}

FieldRecord record(const char* field) {
  FieldRecord result;
  result.field = parse_phase_field(field);
  return result;
}

TEST(NearestFields, JaccardThenSharedThenName) {
  const std::vector<FieldRecord> records{record("Fe S"),       record("Ba Cu O Y"), record("Ca O"), record("Ba O"),
                                         record("Ba Ca Mg O"), record("Ba Ca O"),   record("O")};
  const std::vector<Neighbour> nearest = nearest_fields(parse_phase_field("O Ba Ca"), records, 5);
  std::vector<std::string> names;
  for (const Neighbour& neighbour : nearest) names.push_back(to_string(records[neighbour.record].field));
  // Similarities 1, 3/4, 2/3, 2/3, 2/5 (Ba Cu O Y), 1/3 (O, beyond five).
  EXPECT_EQ(names, (std::vector<std::string>{"Ba Ca O", "Ba Ca Mg O", "Ba O", "Ca O", "Ba Cu O Y"}));
  EXPECT_DOUBLE_EQ(nearest[1].similarity, 0.75);
  EXPECT_EQ(nearest[4].shared, 2);
  EXPECT_EQ(nearest_fields(parse_phase_field("Xe"), records, 5).size(), 0u);
}

TEST(NearestFields, EqualSimilarityPrefersMoreShared) {
  // 1/2 with one element in common against 2/4 with two.
  const std::vector<FieldRecord> records{record("Ba"), record("Ba Ca Mg O")};
  const std::vector<Neighbour> nearest = nearest_fields(parse_phase_field("Ba O"), records, 2);
  EXPECT_EQ(nearest[0].shared, 2);
  EXPECT_DOUBLE_EQ(nearest[0].similarity, nearest[1].similarity);
}

}  // namespace
}  // namespace phaseselect
