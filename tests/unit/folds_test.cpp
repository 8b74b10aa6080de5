// Seeded splits: balance, reproducibility, and requests that cannot be met.
#include "phaseselect/data/folds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "phaseselect/error.hpp"
#include "temporary_file.hpp"

namespace phaseselect {
namespace {

std::vector<std::uint8_t> make_labels(std::size_t zeros, std::size_t ones) {
  std::vector<std::uint8_t> labels;
  for (std::size_t i = 0; i < zeros + ones; ++i)
    labels.push_back(i * ones / (zeros + ones) != (i + 1) * ones / (zeros + ones));
  return labels;
}

void expect_within_one(const std::vector<std::size_t>& counts) {
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  EXPECT_LE(*most - *least, 1u);
  EXPECT_GT(*least, 0u);
}

TEST(Folds, AreBalancedByClassAndOverall) {
  for (const auto& [zeros, ones, folds] :
       {std::tuple<std::size_t, std::size_t, int>{13, 11, 5}, {5, 5, 5}, {100, 7, 3}, {2027, 2726, 10}}) {
    const std::vector<std::uint8_t> labels = make_labels(zeros, ones);
    ASSERT_EQ(std::accumulate(labels.begin(), labels.end(), std::size_t{0}), ones);
    const std::vector<std::uint8_t> fold = make_folds(labels, folds, true, 1);
    std::vector<std::size_t> all(static_cast<std::size_t>(folds)), zero(all), one(all);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      ASSERT_LT(fold[i], folds);
      ++all[fold[i]];
      ++(labels[i] != 0 ? one : zero)[fold[i]];
    }
    expect_within_one(all);
    expect_within_one(zero);
    expect_within_one(one);
  }
}

TEST(Folds, UnstratifiedFoldsAreBalancedOverall) {
  const std::vector<std::uint8_t> labels(23, 1);
  const std::vector<std::uint8_t> fold = make_folds(labels, 4, false, 1);
  std::vector<std::size_t> all(4);
  for (const std::uint8_t each : fold) ++all[each];
  expect_within_one(all);
}

TEST(Folds, FollowTheSeedAlone) {
  const std::vector<std::uint8_t> labels = make_labels(60, 40);
  const auto first = make_folds(labels, 5, true, 1);
  EXPECT_EQ(first, make_folds(labels, 5, true, 1));
  EXPECT_NE(first, make_folds(labels, 5, true, 2));
  EXPECT_NE(first, make_folds(labels, 5, true, std::uint64_t{1} << 32));
}

// From an independent Philox4x32-10 written in Python: these bits belong to every run made with this seed.
TEST(Folds, KnownAnswer) {
  const std::vector<std::uint8_t> labels = {0, 1, 0, 1, 0, 1, 0, 1, 1, 0};
  EXPECT_EQ(make_folds(labels, 2, true, 1), (std::vector<std::uint8_t>{0, 1, 1, 1, 1, 0, 0, 1, 0, 0}));
}

TEST(Folds, ImpossibleRequestsAreNamed) {
  const std::vector<std::uint8_t> labels = make_labels(10, 3);
  EXPECT_TRUE(contains(message_of<UsageError>([&] { make_folds(labels, 1, true, 1); }), "1 folds were asked for"));
  EXPECT_TRUE(contains(message_of<UsageError>([&] { make_folds(labels, 256, true, 1); }), "from 2 to 255"));
  EXPECT_TRUE(
      contains(message_of<UsageError>([&] { make_folds(labels, 20, false, 1); }), "13 fields cannot be split into 20"));
  EXPECT_TRUE(contains(message_of<UsageError>([&] { make_folds(labels, 5, true, 1); }), "class 1 has 3 fields"));
  EXPECT_TRUE(contains(message_of<UsageError>([] { make_folds(std::vector<std::uint8_t>(9, 1), 3, true, 1); }),
                       "class 0 has 0"));
}

TEST(HoldOut, TakesAFractionOfEachClass) {
  const std::vector<std::uint8_t> labels = make_labels(80, 40);
  std::vector<std::uint32_t> rows;
  for (std::uint32_t i = 0; i < labels.size(); i += 2) rows.push_back(i);
  const Split split = hold_out(rows, labels, 0.2, 1, 7);
  std::vector<std::uint32_t> both;
  std::merge(split.training.begin(), split.training.end(), split.held_out.begin(), split.held_out.end(),
             std::back_inserter(both));
  EXPECT_EQ(both, rows);  // each row on exactly one side, both sides ascending
  for (const int label : {0, 1}) {
    const auto of_class = [&](std::uint32_t row) { return labels[row] == label; };
    const auto all = std::count_if(rows.begin(), rows.end(), of_class);
    const auto held = std::count_if(split.held_out.begin(), split.held_out.end(), of_class);
    EXPECT_EQ(held, std::lround(0.2 * static_cast<double>(all)));
  }
}

TEST(HoldOut, MembersDifferAndRepeat) {
  const std::vector<std::uint8_t> labels = make_labels(50, 50);
  std::vector<std::uint32_t> rows(labels.size());
  std::iota(rows.begin(), rows.end(), 0u);
  const Split first = hold_out(rows, labels, 0.2, 1, 0);
  EXPECT_EQ(first.held_out, hold_out(rows, labels, 0.2, 1, 0).held_out);
  EXPECT_NE(first.held_out, hold_out(rows, labels, 0.2, 1, 1).held_out);
  EXPECT_NE(first.held_out, hold_out(rows, labels, 0.2, 2, 0).held_out);
}

TEST(HoldOut, LeavesOneOfEachClassOnBothSides) {
  const std::vector<std::uint8_t> labels = {0, 0, 1, 1};
  const std::vector<std::uint32_t> rows = {0, 1, 2, 3};
  for (const double fraction : {0.01, 0.99}) {
    const Split split = hold_out(rows, labels, fraction, 1, 0);
    ASSERT_EQ(split.training.size(), 2u);
    ASSERT_EQ(split.held_out.size(), 2u);
    EXPECT_EQ(labels[split.held_out[0]], 0);
    EXPECT_EQ(labels[split.held_out[1]], 1);
  }
}

TEST(HoldOut, ImpossibleRequestsAreNamed) {
  const std::vector<std::uint8_t> labels = {0, 0, 1};
  const std::vector<std::uint32_t> rows = {0, 1, 2};
  EXPECT_TRUE(
      contains(message_of<UsageError>([&] { hold_out(rows, labels, 0.2, 1, 0); }), "class 1 has 1 training fields"));
  for (const double fraction : {0.0, 1.0, -1.0, std::nan("")}) {
    EXPECT_THROW(hold_out(rows, labels, fraction, 1, 0), UsageError);
  }
}

}  // namespace
}  // namespace phaseselect
