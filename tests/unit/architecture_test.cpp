#include "phaseselect/model/architecture.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/model/parameter_layout.hpp"

namespace phaseselect {
namespace {

// Rows of 3 + 1, 1 and 0 environments.
EnvironmentGroups two_groups() {
  EnvironmentGroups groups;
  groups.elements = 3;
  groups.environments = 4;
  groups.offsets = {0, 1, 3};
  groups.rows = {0, 0, 1};
  groups.multiplicity = {3, 1};
  groups.column_group = {0, 0, 0, 1};
  return groups;
}

TEST(RowFactors, GiveRowsUnitLengthCountingEveryEnvironment) {
  EXPECT_EQ(row_factors(Normalisation::row, two_groups()), (std::vector<float>{0.5f, 1.0f, 1.0f}));
  EXPECT_EQ(row_factors(Normalisation::none, two_groups()), (std::vector<float>{1.0f, 1.0f, 1.0f}));
}

TEST(Layout, EncoderOfUnitRowsStartsWithFeaturesOfOrderOne) {
  Architecture architecture;
  architecture.groups = 2;
  architecture.environments = 60'000;
  architecture.features = 4;
  EXPECT_LT(classifier_layout(architecture)["encoder.weights"].initial_limit, 0.02f);
  architecture.normalisation = Normalisation::row;
  EXPECT_EQ(classifier_layout(architecture)["encoder.weights"].initial_limit, 1.0f);
}

TEST(FieldWidth, PooledFieldsAreAsWideWhateverTheirSlots) {
  Architecture architecture;
  architecture.slots = 5;
  architecture.features = 7;
  EXPECT_EQ(architecture.field_width(), 35);
  EXPECT_EQ(architecture.field_width(3), 21);
  architecture.combine = Combine::pooled;
  EXPECT_EQ(architecture.field_width(), 14);
  EXPECT_EQ(architecture.field_width(3), 14);
}

}  // namespace
}  // namespace phaseselect
