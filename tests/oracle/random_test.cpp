// Philox4x32-10 against the published known answers (Random123, kat_vectors), and the specification of the streams.
#include "phaseselect/model/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "phaseselect/model/architecture.hpp"
#include "tests/oracle/sampling.hpp"

namespace phaseselect {
namespace {

constexpr bool equal(const PhiloxBlock& x, const PhiloxBlock& y) {
  return x.word[0] == y.word[0] && x.word[1] == y.word[1] && x.word[2] == y.word[2] && x.word[3] == y.word[3];
}

static_assert(equal(philox4x32_10(PhiloxBlock{{0, 0, 0, 0}}, 0, 0),
                    PhiloxBlock{{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}));
static_assert(equal(philox4x32_10(PhiloxBlock{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}}, 0xffffffff,
                                  0xffffffff),
                    PhiloxBlock{{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}));
static_assert(equal(philox4x32_10(PhiloxBlock{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822,
                                  0x299f31d0),
                    PhiloxBlock{{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}));

// The same at run time: compilers evaluate constants with other code.
TEST(Philox, GivesThePublishedAnswers) {
  volatile std::uint32_t zero = 0, ones = 0xffffffff;
  EXPECT_TRUE(equal(philox4x32_10(PhiloxBlock{{zero, zero, zero, zero}}, zero, zero),
                    PhiloxBlock{{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}));
  EXPECT_TRUE(equal(philox4x32_10(PhiloxBlock{{ones, ones, ones, ones}}, ones, ones),
                    PhiloxBlock{{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}));
  volatile std::uint32_t pi = 0x243f6a88;
  EXPECT_TRUE(equal(philox4x32_10(PhiloxBlock{{pi, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0),
                    PhiloxBlock{{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}));
}

// Counter (index / 4, step, stream << 24 | epoch, member), key = the seed, low word first.
TEST(RandomStream, PlacesEachPartInItsOwnWord) {
  const RandomStream stream{0x0123456789abcdefu, 77, Stream::slot_order, 1234, 56};
  for (const std::uint32_t index : {0u, 1u, 2u, 3u, 4u, 1001u, 0xffffffffu}) {
    const PhiloxBlock expected =
        philox4x32_10(PhiloxBlock{{index / 4, 56, 3u * 0x1000000u + 1234u, 77}}, 0x89abcdefu, 0x01234567u);
    EXPECT_EQ(stream(index), expected.word[index % 4]) << index;
  }
}

// These values decide the bits of every run: a change breaks old runs.
TEST(RandomStream, NumbersStreamsAsTheFileFormatSays) {
  const std::vector<Stream> streams{Stream::initial_weights,
                                    Stream::sample_order,
                                    Stream::slot_order,
                                    Stream::classifier_dropout,
                                    Stream::ranking_initial_weights,
                                    Stream::ranking_sample_order,
                                    Stream::ranking_dropout,
                                    Stream::prediction_order,
                                    Stream::hold_out,
                                    Stream::folds,
                                    Stream::accessibility,
                                    Stream::unreported};
  for (std::size_t i = 0; i < streams.size(); ++i) EXPECT_EQ(static_cast<std::uint32_t>(streams[i]), i + 1);
}

TEST(RandomStream, DrawsAreUniform) {
  const RandomStream stream{5, 1, Stream::initial_weights, 0, 0};
  constexpr int draws = 40000;
  double mean = 0, square = 0;
  int dropped = 0;
  for (std::uint32_t i = 0; i < draws; ++i) {
    const float value = uniform(stream(i));
    ASSERT_GE(value, 0.0f);
    ASSERT_LT(value, 1.0f);
    mean += value / draws;
    square += static_cast<double>(value) * value / draws;
    dropped += kept(stream(i), 0.3f) ? 0 : 1;
  }
  EXPECT_NEAR(mean, 0.5, 0.005);  // 3.5 standard errors
  EXPECT_NEAR(square, 1.0 / 3.0, 0.005);
  EXPECT_NEAR(dropped / static_cast<double>(draws), 0.3, 0.008);
}

TEST(RandomStream, ExtremesOfTheIntervals) {
  EXPECT_EQ(uniform(0), 0.0f);
  EXPECT_EQ(uniform(0xffffffffu), 1.0f - 1.0f / 16777216.0f);
  EXPECT_EQ(symmetric(0, 0.25f), -0.25f);
  EXPECT_LT(symmetric(0xffffffffu, 0.25f), 0.25f);
  EXPECT_TRUE(kept(0, 0.0f));
  EXPECT_FALSE(kept(0x7fffffffu, 0.5f));
  EXPECT_TRUE(kept(0x80000000u, 0.5f));
}

TEST(DropoutIndex, NeverMeetsItself) {
  std::set<std::uint32_t> seen;
  for (const std::uint32_t layer : {0u, 1u, 9u}) {
    for (const std::uint32_t sample : {0u, 1u, 1023u}) {
      for (const std::uint32_t unit : {0u, 1u, 65535u}) {
        EXPECT_EQ(dropout_index(layer, sample, unit), layer * 67108864u + sample * 65536u + unit);
        EXPECT_TRUE(seen.insert(dropout_index(layer, sample, unit)).second);
      }
    }
  }
}

TEST(PredictionPermutation, OrdersByDrawAndStartsAlphabetical) {
  constexpr std::uint64_t seed = 99;
  for (const int size : {1, 2, 5, 64}) {
    for (int order = 0; order < 5; ++order) {
      const RandomStream stream{seed, 0, Stream::prediction_order, 0, static_cast<std::uint32_t>(order)};
      std::vector<int> alphabetical;
      for (int i = 0; i < size; ++i) alphabetical.push_back(i);
      EXPECT_EQ(prediction_permutation(order, size, seed),
                order == 0 ? alphabetical : oracle::shuffled(alphabetical, stream, 0));
    }
  }
}

TEST(Batches, VisitEveryPositionOnceAndChangeWithTheEpoch) {
  const auto first = oracle::batches(3, 8, Stream::sample_order, 0, 23, 5);
  ASSERT_EQ(first.size(), 5u);
  std::set<std::size_t> seen;
  for (const auto& batch : first) seen.insert(batch.begin(), batch.end());
  EXPECT_EQ(seen.size(), 23u);
  EXPECT_EQ(first.back().size(), 3u);
  EXPECT_NE(first, oracle::batches(3, 8, Stream::sample_order, 1, 23, 5));
  EXPECT_NE(first, oracle::batches(3, 9, Stream::sample_order, 0, 23, 5));
  EXPECT_EQ(oracle::batches(3, 8, Stream::sample_order, 0, 23, 100).size(), 1u);
}

}  // namespace
}  // namespace phaseselect
