// Numbers, durations and progress as text.
#include "host/io/readable.hpp"

#include <gtest/gtest.h>

#include "host/cli/report.hpp"

namespace phaseselect {
namespace {

TEST(Progress, PercentRateAndTimeLeft) {
  EXPECT_EQ(progress_text(0.5, 0.25, 10, "3 of 6 members"), "50.0 %  2.5 %/s  20 s left  3 of 6 members");
  EXPECT_EQ(progress_text(0.5, 0, 10, "resumed"), "50.0 %  resumed");
}

TEST(Progress, Durations) {
  EXPECT_EQ(duration_text(59.4), "59 s");
  EXPECT_EQ(duration_text(61), "1 min 1 s");
  EXPECT_EQ(duration_text(7260), "2 h 1 min");
  EXPECT_EQ(duration_text(-1), "0 s");
}

TEST(Numbers, ThousandsSeparators) {
  EXPECT_EQ(with_separators(0), "0");
  EXPECT_EQ(with_separators(999), "999");
  EXPECT_EQ(with_separators(1000), "1,000");
  EXPECT_EQ(with_separators(152990), "152,990");
  EXPECT_EQ(with_separators(1234567), "1,234,567");
}

}  // namespace
}  // namespace phaseselect
