// Values: what is a number, and of everything else the kind.
#include "host/data/value.hpp"

#include <gtest/gtest.h>

#include "temporary_file.hpp"

namespace phaseselect {
namespace {

TEST(Value, NumbersAreRead) {
  EXPECT_EQ(read_value("12", DecimalMark::point), 12.0);
  EXPECT_EQ(read_value("\u00A0-0.5e-3 ", DecimalMark::point), -0.5e-3);
  EXPECT_EQ(read_value("−4", DecimalMark::point), -4.0);
  EXPECT_EQ(read_value("1e−3", DecimalMark::point), 1e-3);
  EXPECT_EQ(read_value("+7", DecimalMark::point), 7.0);
  EXPECT_EQ(read_value("1,5", DecimalMark::comma), 1.5);
  EXPECT_EQ(read_value("-1,5e3", DecimalMark::comma), -1500.0);
  EXPECT_EQ(read_value("12", DecimalMark::comma), 12.0);
}

struct NoNumber {
  const char* cell;
  const char* reason;
};

class ValueIsRefused : public testing::TestWithParam<NoNumber> {};

TEST_P(ValueIsRefused, WithItsKind) {
  EXPECT_FALSE(read_value(GetParam().cell, DecimalMark::point));
  const std::string reason = value_reason(GetParam().cell, DecimalMark::point);
  EXPECT_TRUE(contains(reason, GetParam().reason)) << GetParam().cell << ": " << reason;
}

INSTANTIATE_TEST_SUITE_P(
    Value, ValueIsRefused,
    testing::Values(
        NoNumber{"", "is empty"}, NoNumber{" \u00A0", "is empty"}, NoNumber{"<2", "is a bound"},
        NoNumber{"> 20", "is a bound"}, NoNumber{"≥4", "is a bound"}, NoNumber{"≤ 4.2 K", "is a bound"},
        NoNumber{"<=1", "is a bound"}, NoNumber{"~4", "is approximate"}, NoNumber{"≈ 4", "is approximate"},
        NoNumber{"ca. 4", "is approximate"}, NoNumber{"Ca 4", "is approximate"},
        NoNumber{"9.2(1)", "has an uncertainty"}, NoNumber{"9.2 ± 0.1", "has an uncertainty"},
        NoNumber{"9.2+/-0.1", "has an uncertainty"}, NoNumber{"9.2 +- 0.1", "has an uncertainty"},
        NoNumber{"93 K", "has a unit"}, NoNumber{"93K", "has a unit"}, NoNumber{"1.5eV", "has a unit"},
        NoNumber{"50 %", "has a unit"}, NoNumber{"20 °C", "has a unit"}, NoNumber{"1,5", "has a decimal comma"},
        NoNumber{"1,234", "has a comma that separates thousands or decimals"}, NoNumber{"12,34", "has a decimal comma"},
        NoNumber{"1,2345", "has a decimal comma"}, NoNumber{"1,5 K", "has a decimal comma"},
        NoNumber{"1,234.5", "has a thousands separator"}, NoNumber{"4-5", "is a range"}, NoNumber{"4–5", "is a range"},
        NoNumber{"4 to 5", "is a range"}, NoNumber{"4...5", "is a range"}, NoNumber{"1/2", "is a fraction"},
        NoNumber{"½", "is a fraction"}, NoNumber{"1½", "is a fraction"}, NoNumber{"2024-05-01", "is a date"},
        NoNumber{"2024-05-01T12:00:00", "is a date"}, NoNumber{"1.5.2024", "is a date"},
        NoNumber{"5/1/24", "is a date"}, NoNumber{"1-May", "is a date"}, NoNumber{"May-24", "is a date"},
        NoNumber{"5. Jan", "is a date"}, NoNumber{"12:30", "is a date"}, NoNumber{"nan", "missing"},
        NoNumber{"NaN", "missing"}, NoNumber{"N/A", "missing"}, NoNumber{"#N/A", "missing"}, NoNumber{"-", "missing"},
        NoNumber{"--", "missing"}, NoNumber{"–", "missing"}, NoNumber{"null", "missing"}, NoNumber{"None", "missing"},
        NoNumber{"inf", "is infinite"}, NoNumber{"-Infinity", "is infinite"}, NoNumber{"∞", "is infinite"},
        NoNumber{"1e999", "is beyond the range"}, NoNumber{"1.5×10^3", "has a power of ten"},
        NoNumber{"2 x 10-3", "has a power of ten"}, NoNumber{"cold", "is not a number: 'cold'"},
        NoNumber{"--1", "is not a number"}, NoNumber{"1 2", "is not a number"},
        NoNumber{"\xFF", "is not a number: '\\xFF'"}, NoNumber{"TRUE", "is not a number"}, NoNumber{".", "missing"},
        NoNumber{"e5", "is not a number"}, NoNumber{"(5)", "is not a number"}));

TEST(Value, AfterADecimalCommaAPointIsAmbiguous) {
  for (const char* cell : {"1.5", "1.234,5", "1.5 K"}) {
    EXPECT_FALSE(read_value(cell, DecimalMark::comma)) << cell;
    EXPECT_TRUE(contains(value_reason(cell, DecimalMark::comma), "has a decimal point where data.decimal is ','"))
        << cell;
  }
  EXPECT_FALSE(read_value("1,2,3", DecimalMark::comma));
  EXPECT_TRUE(contains(value_reason("93,5 K", DecimalMark::comma), "has a unit"));
}

}  // namespace
}  // namespace phaseselect
