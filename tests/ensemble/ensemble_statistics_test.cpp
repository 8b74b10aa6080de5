// Statistics over members and the best of a list, as every engine has them that does not bring its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "host/engine/ensemble.hpp"
#include "phaseselect/model/random.hpp"
#include "tests/ensemble/fake_engine.hpp"

namespace phaseselect {
namespace {

const float nan_value = std::nanf("");

Problem smallest_problem() {
  Problem problem;
  problem.architecture.elements = problem.architecture.groups = problem.architecture.environments = 1;
  problem.architecture.slots = problem.architecture.features = 1;
  problem.architecture.heads = problem.architecture.key_dim = 1;
  return problem;
}

// Fields (i % 100, i / 100), so that an answer can depend on the place in the list.
FieldSet numbered_fields(std::size_t count) {
  FieldSet fields;
  fields.slots = 2;
  for (std::size_t i = 0; i < count; ++i) {
    fields.rows.push_back(static_cast<std::int16_t>(i % 100));
    fields.rows.push_back(static_cast<std::int16_t>(i / 100));
  }
  return fields;
}

std::size_t place(std::span<const std::int16_t> rows) {
  return static_cast<std::size_t>(rows[0]) + 100 * static_cast<std::size_t>(rows[1]);
}

// An engine with these answers, the same from every member.
class Listed {
 public:
  Listed(std::vector<float> probability, std::vector<float> error)
      : fields_(numbered_fields(probability.size())), engine_(smallest_problem(), 1, {}) {
    engine_.probability = [probability](Slot, auto rows) { return probability[place(rows)]; };
    engine_.error = [error](Slot, auto rows) { return error[place(rows)]; };
  }
  BestFields best(std::size_t top) { return engine_.best_fields(all_slots(2), fields_, top); }

 private:
  FieldSet fields_;
  FakeEngine engine_;
};

TEST(OverMembers, MeanAndPopulationDeviation) {
  // Two fields, three members: [members][fields].
  const std::vector<float> values{1, 10, 2, 10, 6, 10};
  const OverMembers statistics = over_members(values, 2);
  EXPECT_FLOAT_EQ(statistics.mean[0], 3);
  EXPECT_FLOAT_EQ(statistics.deviation[0], std::sqrt((4.0f + 1 + 9) / 3));
  EXPECT_FLOAT_EQ(statistics.mean[1], 10);
  EXPECT_EQ(statistics.deviation[1], 0);
}

// In pieces that bound the memory, with the bits of the whole.
TEST(EnsembleStatistics, EqualTheStatisticsOfAllValuesAtOnce) {
  const auto value = [](Slot slot, std::span<const std::int16_t> rows, int salt) {
    return static_cast<float>(std::sin(1 + slot + 1e-3 * static_cast<double>(place(rows)) + salt));
  };
  FakeEngine engine(smallest_problem(), 1, {});
  engine.probability = [&](Slot slot, auto rows) { return value(slot, rows, 0); };
  engine.error = [&](Slot slot, auto rows) { return value(slot, rows, 7); };
  const std::vector<Slot> slots{4, 0, 2};
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, evaluation_chunk - 1, evaluation_chunk,
                                  evaluation_chunk + 1, 2 * evaluation_chunk, 2 * evaluation_chunk + 3}) {
    const FieldSet fields = numbered_fields(count);
    std::vector<float> probability(slots.size() * count), error(slots.size() * count);
    for (std::size_t i = 0; i < probability.size(); ++i) {
      const auto rows = std::span(fields.rows).subspan(2 * (i % count), 2);
      probability[i] = value(slots[i / count], rows, 0);
      error[i] = value(slots[i / count], rows, 7);
    }
    const OverMembers expected = over_members(probability, count);
    const OverMembers expected_error = over_members(error, count);
    const std::vector<FieldStatistics> found = engine.ensemble_statistics(slots, fields);
    ASSERT_EQ(found.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(found[i].probability, expected.mean[i]) << i << " of " << count;
      ASSERT_EQ(found[i].deviation, expected.deviation[i]) << i << " of " << count;
      ASSERT_EQ(found[i].error, expected_error.mean[i]) << i << " of " << count;
    }
  }
  EXPECT_EQ(engine.most_fields, evaluation_chunk);
}

TEST(EnsembleStatistics, AccumulateInTheOrderOfTheSlots) {
  FakeEngine engine(smallest_problem(), 1, {});
  const float values[] = {1e20f, 1.0f, -1e20f};
  engine.probability = engine.error = [&](Slot slot, auto) { return values[slot]; };
  const FieldSet one = numbered_fields(1);
  EXPECT_EQ(engine.ensemble_statistics(std::vector<Slot>{0, 1, 2}, one)[0].error, 0.0f);
  EXPECT_EQ(engine.ensemble_statistics(std::vector<Slot>{0, 2, 1}, one)[0].error, 1.0f / 3);
}

TEST(BestFields, ProbabilityThenErrorThenPositionAndNanLast) {
  Listed listed({0.5f, nan_value, 0.9f, 0.9f, 0.5f, nan_value, 0.9f, 0.5f, 0.0f},
                {2.0f, 1.0f, nan_value, 3.0f, 2.0f, 0.5f, 3.0f, 1.0f, 9.0f});
  const std::vector<std::uint32_t> order{3, 6, 2, 7, 0, 4, 8, 5, 1};
  for (const std::size_t top : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{5}, order.size(),
                                order.size() + 1, std::numeric_limits<std::size_t>::max()}) {
    const BestFields best = listed.best(top);
    const std::size_t kept = std::min(top, order.size());
    EXPECT_EQ(best.index, std::vector(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept))) << top;
    EXPECT_EQ(best.statistics.size(), kept);
    EXPECT_EQ(best.smallest_error, 0.5f) << "of the whole list, whatever is kept";
    EXPECT_EQ(best.largest_error, 9.0f);
  }
  EXPECT_EQ(Listed({0.5f, 0.5f}, {nan_value, INFINITY}).best(2).index, (std::vector<std::uint32_t>{1, 0}));
  EXPECT_EQ(listed.best(1).statistics[0].error, 3.0f);
  EXPECT_EQ(listed.best(1).statistics[0].probability, 0.9f);
}

TEST(BestFields, ErrorsThatAreNoNumbersHaveNoRange) {
  const BestFields best = Listed({0.1f, 0.2f}, {nan_value, nan_value}).best(1);
  EXPECT_EQ(best.index, std::vector<std::uint32_t>{1});
  EXPECT_TRUE(std::isnan(best.smallest_error) && std::isnan(best.largest_error));
  const BestFields none = Listed({}, {}).best(3);
  EXPECT_TRUE(none.index.empty() && none.statistics.empty());
  EXPECT_TRUE(std::isnan(none.smallest_error) && std::isnan(none.largest_error));
}

TEST(BestFields, AcrossTheChunksOfALongList) {
  const std::size_t count = 2 * evaluation_chunk + 1;
  std::vector<float> probability(count), error(count);
  for (std::size_t i = 0; i < count; ++i) {
    probability[i] = static_cast<float>(i * 7919 % 50) / 100;  // many ties
    error[i] = static_cast<float>(i * 104729 % 11);
  }
  for (const std::size_t i : {evaluation_chunk - 1, evaluation_chunk, count - 1}) probability[i] = 0.75f;
  error[evaluation_chunk] = 0.25f;
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return ranks_before({probability[a], error[a], a}, {probability[b], error[b], b});
  });
  EXPECT_EQ(order[0], evaluation_chunk);
  Listed listed(probability, error);
  for (const std::size_t top : {std::size_t{3}, evaluation_chunk + 5, count}) {
    const BestFields best = listed.best(top);
    EXPECT_EQ(best.index, std::vector(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top))) << top;
    EXPECT_EQ(best.smallest_error, 0.0f);
    EXPECT_EQ(best.largest_error, 10.0f);
  }
}

}  // namespace
}  // namespace phaseselect
