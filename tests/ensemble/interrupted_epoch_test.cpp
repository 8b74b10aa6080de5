// An epoch that is left in its middle leaves no trace.
#include <gtest/gtest.h>

#include <atomic>

#include "tests/gradients/cases.hpp"
#include "tests/gradients/engines.hpp"

namespace phaseselect::oracle {
namespace {

constexpr Role roles[] = {Role::weights, Role::first_moment, Role::second_moment};

class InterruptedEpoch : public ::testing::TestWithParam<Network> {
 protected:
  std::unique_ptr<Engine> make() const {
    auto engine = make_cpu_engine(problem_, {.threads = 2, .short_epoch = 0});
    for (Slot slot = 0; slot < 3; ++slot) {
      engine->open(slot, make_plan(problem_, 7 + static_cast<std::uint32_t>(slot)));
    }
    if (GetParam() == Network::ranking) {
      engine->run_epoch(Network::classifier, tasks(0));
      const std::vector<Slot> slots{0, 1, 2};
      engine->begin_ranking(slots);
    }
    engine->run_epoch(GetParam(), tasks(0));  // so that there are moments
    return engine;
  }
  static std::vector<EpochTask> tasks(std::uint32_t epoch) { return {{0, epoch}, {1, epoch}, {2, epoch}}; }
  std::vector<float> state(Engine& engine, Slot slot) const {
    std::vector<float> all;
    for (const Network network : {Network::classifier, GetParam()}) {
      const ParameterLayout layout = network == Network::classifier ? classifier_layout(problem_.architecture)
                                                                    : ranking_layout(problem_.architecture);
      for (const Role role : roles) {
        const std::vector<float> slab = read(engine, layout, network, role, slot);
        all.insert(all.end(), slab.begin(), slab.end());
      }
    }
    return all;
  }
  const Problem problem_ = make_problem(base_problem());
};

TEST_P(InterruptedEpoch, IsUndone) {
  const auto undisturbed = make();
  std::vector<std::vector<float>> before;
  for (Slot slot = 0; slot < 3; ++slot) before.push_back(state(*undisturbed, slot));
  const std::vector<EpochStatistics> expected = undisturbed->run_epoch(GetParam(), tasks(1));
  int undone = 0, ended = 0;
  for (int last = 0; last < 40; ++last) {
    const auto engine = make();
    std::atomic<int> asked{0};
    const auto statistics = engine->run_epoch_until(GetParam(), tasks(1), [&] { return asked++ >= last; });
    std::vector<EpochTask> missing;
    for (Slot slot = 0; slot < 3; ++slot) {
      const auto& of_slot = statistics.at(static_cast<std::size_t>(slot));
      if (of_slot) {
        ++ended;
        EXPECT_EQ(state(*engine, slot), state(*undisturbed, slot));
        EXPECT_EQ(of_slot->training_loss, expected[static_cast<std::size_t>(slot)].training_loss);
      } else {
        ++undone;
        EXPECT_EQ(state(*engine, slot), before[static_cast<std::size_t>(slot)]) << "asked " << last << " times";
        missing.push_back({slot, 1});
      }
    }
    engine->run_epoch(GetParam(), missing);
    for (Slot slot = 0; slot < 3; ++slot) EXPECT_EQ(state(*engine, slot), state(*undisturbed, slot));
  }
  EXPECT_GT(undone, 10);
  EXPECT_GT(ended, 10);
}

// An epoch as short as the last one was is ended.
TEST_P(InterruptedEpoch, OrEndedWhereItIsShort) {
  const auto engine = make_cpu_engine(problem_, {.threads = 1, .short_epoch = 60});
  engine->open(0, make_plan(problem_, 7));
  const std::vector<EpochTask> first{{0, 0}}, second{{0, 1}};
  if (GetParam() == Network::ranking) engine->begin_ranking(std::vector<Slot>{0});
  EXPECT_TRUE(engine->run_epoch_until(GetParam(), first, [] { return false; })[0]);
  EXPECT_FALSE(engine->run_epoch_until(GetParam(), second, [] { return true; })[0]) << "it had not begun";
  int asked = 0;
  EXPECT_TRUE(engine->run_epoch_until(GetParam(), second, [&] { return asked++ > 0; })[0]);
}

INSTANTIATE_TEST_SUITE_P(Networks, InterruptedEpoch, testing::Values(Network::classifier, Network::ranking),
                         [](const auto& of) { return of.param == Network::classifier ? "classifier" : "ranking"; });

}  // namespace
}  // namespace phaseselect::oracle
