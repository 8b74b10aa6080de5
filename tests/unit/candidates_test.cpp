// Combinations by rank: bijective, in order, and exact up to 63 bits.
#include "phaseselect/data/candidates.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

TEST(Binomial, KnownValues) {
  EXPECT_EQ(binomial(87, 3), 105995u);
  EXPECT_EQ(binomial(87, 4), 2225895u);
  EXPECT_EQ(binomial(118, 118), 1u);
  EXPECT_EQ(binomial(0, 0), 1u);
  EXPECT_EQ(binomial(5, 0), 1u);
  EXPECT_EQ(binomial(3, 4), 0u);
  EXPECT_EQ(binomial(66, 33), 7219428434016265740u);  // the last central one below 2^63
}

TEST(Binomial, ObeysPascalsRule) {
  for (int n = 1; n <= 60; ++n) {
    for (int k = 1; k <= n; ++k) ASSERT_EQ(binomial(n, k), binomial(n - 1, k - 1) + binomial(n - 1, k));
  }
}

TEST(Binomial, OverflowAndNonsenseAreRefused) {
  EXPECT_THROW(binomial(67, 33), UsageError);  // fits 64 bits, not 63
  EXPECT_THROW(binomial(118, 59), UsageError);
  EXPECT_THROW(binomial(-1, 0), UsageError);
  EXPECT_THROW(binomial(5, -1), UsageError);
}

TEST(Combinations, AllTernariesOf87InOrder) {
  std::array<int, 3> expected = {0, 1, 2};
  std::uint64_t rank = 0;
  bool more = true;
  for (; more; ++rank, more = next_combination(expected, 87)) {
    std::array<int, 3> found{};
    unrank_combination(rank, 87, found);
    ASSERT_EQ(found, expected) << rank;
    ASSERT_EQ(rank_combination(found, 87), rank);
  }
  EXPECT_EQ(rank, 105995u);
}

// Against three plain loops, which know nothing of ranks or successors.
TEST(Combinations, SuccessorsEqualNestedLoops) {
  std::array<int, 3> combination = {0, 1, 2};
  bool more = true;
  for (int a = 0; a < 87; ++a) {
    for (int b = a + 1; b < 87; ++b) {
      for (int c = b + 1; c < 87; ++c) {
        ASSERT_TRUE(more);
        ASSERT_EQ(combination, (std::array<int, 3>{a, b, c}));
        more = next_combination(combination, 87);
      }
    }
  }
  EXPECT_FALSE(more);
}

TEST(Combinations, QuaternariesOf87) {
  std::array<int, 4> found{};
  for (std::uint64_t rank = 0; rank < 2225895; rank += 997) {
    unrank_combination(rank, 87, found);
    ASSERT_EQ(rank_combination(found, 87), rank);
  }
  unrank_combination(2225894, 87, found);
  EXPECT_EQ(found, (std::array<int, 4>{83, 84, 85, 86}));
  unrank_combination(0, 87, found);
  EXPECT_EQ(found, (std::array<int, 4>{0, 1, 2, 3}));
}

TEST(Combinations, Edges) {
  std::array<int, 3> all{};
  unrank_combination(0, 3, all);
  EXPECT_EQ(all, (std::array<int, 3>{0, 1, 2}));
  EXPECT_FALSE(next_combination(all, 3));
  std::array<int, 1> one{};
  unrank_combination(86, 87, one);
  EXPECT_EQ(one[0], 86);
  EXPECT_EQ(rank_combination({}, 87), 0u);
  EXPECT_FALSE(next_combination({}, 87));
}

TEST(Combinations, BadRequestsAreRefused) {
  std::array<int, 3> found{};
  EXPECT_THROW(unrank_combination(105995, 87, found), UsageError);
  EXPECT_THROW(unrank_combination(0, 2, found), UsageError);
  for (const std::array<int, 3>& wrong : {std::array<int, 3>{0, 0, 1}, {2, 1, 3}, {-1, 0, 1}, {0, 1, 87}}) {
    EXPECT_THROW(rank_combination(wrong, 87), UsageError);
  }
}

}  // namespace
}  // namespace phaseselect
