// A member's bits depend on its plan, the seed and the data alone: not on which other members are open, on its slot, on
// the order of tasks, on threads, or on how its epochs are spread over calls, closings and resumptions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tests/gradients/cases.hpp"
#include "tests/gradients/engines.hpp"

namespace phaseselect::oracle {
namespace {

constexpr std::uint32_t watched = 11;
constexpr std::uint32_t epochs = 3;
constexpr Role roles[] = {Role::weights, Role::first_moment, Role::second_moment};

// Everything one can ask of a member: both slabs, and its outputs.
using Bits = std::vector<std::vector<float>>;

Problem crowded_problem() {
  SmallProblem small = base_problem();
  small.architecture.combine = Combine::residual;
  small.architecture.slot_order = SlotOrder::random;
  small.architecture.prediction_orders = 2;
  small.architecture.hidden = {19, 9};
  small.architecture.dropout = 0.3;
  small.architecture.ranking_dropout = 0.1;
  small.architecture.groups = 65;
  small.architecture.elements = 11;
  return make_problem(small);
}

Bits bits_of(Engine& engine, const Problem& problem, Slot slot) {
  Bits bits;
  for (const Role role : roles) {
    bits.push_back(read(engine, classifier_layout(problem.architecture), Network::classifier, role, slot));
    bits.push_back(read(engine, ranking_layout(problem.architecture), Network::ranking, role, slot));
  }
  const std::vector<Slot> slots{slot};
  std::vector<float> out(problem.fields.size());
  engine.probabilities(slots, problem.fields, out);
  bits.push_back(out);
  engine.reconstruction_errors(slots, problem.fields, out);
  bits.push_back(out);
  return bits;
}

void train(Engine& engine, const std::vector<Slot>& slots) {
  std::vector<EpochTask> tasks;
  for (const Network network : {Network::classifier, Network::ranking}) {
    if (network == Network::ranking) engine.begin_ranking(slots);
    for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
      tasks.clear();
      for (const Slot slot : slots) tasks.push_back({slot, epoch});
      engine.run_epoch(network, tasks);
    }
  }
}

Bits alone(const EngineKind& kind, const Problem& problem) {
  const auto engine = kind.make(problem);
  engine->open(0, make_plan(problem, watched));
  train(*engine, {0});
  return bits_of(*engine, problem, 0);
}

class Independence : public ::testing::TestWithParam<EngineKind> {
 protected:
  void SetUp() override { expected_ = alone(GetParam(), problem_); }
  const Problem problem_ = crowded_problem();
  Bits expected_;
};

TEST_P(Independence, OfTheCrowdAndTheOrderOfTasks) {
  const auto engine = GetParam().make(problem_);
  for (Slot slot = 0; slot < 7; ++slot) {
    engine->open(slot, make_plan(problem_, slot == 3 ? watched : 100 + static_cast<std::uint32_t>(slot)));
  }
  train(*engine, {6, 3, 0, 5, 1, 2, 4});
  EXPECT_EQ(bits_of(*engine, problem_, 3), expected_);
  EXPECT_NE(bits_of(*engine, problem_, 2), expected_);
  EXPECT_NE(bits_of(*engine, problem_, 2), bits_of(*engine, problem_, 4));
}

TEST_P(Independence, OfWhoUsedTheSlotBefore) {
  const auto engine = GetParam().make(problem_);
  engine->open(2, make_plan(problem_, 55));
  engine->open(1, make_plan(problem_, 56));
  train(*engine, {1, 2});
  engine->keep_best(Network::classifier, 2);
  engine->close(2);
  engine->open(2, make_plan(problem_, watched));
  train(*engine, {2});
  EXPECT_EQ(bits_of(*engine, problem_, 2), expected_);
}

TEST_P(Independence, RunsTwiceAlike) { EXPECT_EQ(alone(GetParam(), problem_), expected_); }

// Results come in the order of the tasks.
TEST_P(Independence, StatisticsBelongToTheirTask) {
  const auto statistics = [&](const std::vector<EpochTask>& tasks) {
    const auto engine = GetParam().make(problem_);
    for (Slot slot = 0; slot < 3; ++slot) {
      engine->open(slot, make_plan(problem_, watched + static_cast<std::uint32_t>(slot)));
    }
    return engine->run_epoch(Network::classifier, tasks);
  };
  const auto forward = statistics({{0, 0}, {1, 0}, {2, 0}}), backward = statistics({{2, 0}, {1, 0}, {0, 0}});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(forward[i].training_loss, backward[2 - i].training_loss);
    EXPECT_EQ(forward[i].held_out_loss, backward[2 - i].held_out_loss);
  }
  EXPECT_NE(forward[0].training_loss, forward[1].training_loss);
}

// State written into a fresh engine continues to the same bits: what a resumed run does.
TEST_P(Independence, ResumesFromItsState) {
  const auto first = GetParam().make(problem_), second = GetParam().make(problem_);
  first->open(0, make_plan(problem_, watched));
  first->run_epoch(Network::classifier, std::vector<EpochTask>{{0, 0}});
  second->open(4, make_plan(problem_, watched));
  const auto copy = [&](Engine& from, Slot from_slot, Engine& to, Slot to_slot, Network network) {
    const ParameterLayout layout = network == Network::classifier ? classifier_layout(problem_.architecture)
                                                                  : ranking_layout(problem_.architecture);
    for (const Role role : roles) to.write(network, role, to_slot, read(from, layout, network, role, from_slot));
  };
  copy(*first, 0, *second, 4, Network::classifier);
  for (std::uint32_t epoch = 1; epoch < epochs; ++epoch) {
    second->run_epoch(Network::classifier, std::vector<EpochTask>{{4, epoch}});
  }
  second->begin_ranking(std::vector<Slot>{4});
  second->run_epoch(Network::ranking, std::vector<EpochTask>{{4, 0}});
  const auto third = GetParam().make(problem_);
  third->open(1, make_plan(problem_, watched));
  copy(*second, 4, *third, 1, Network::classifier);
  third->begin_ranking(std::vector<Slot>{1});
  copy(*second, 4, *third, 1, Network::ranking);
  for (std::uint32_t epoch = 1; epoch < epochs; ++epoch) {
    third->run_epoch(Network::ranking, std::vector<EpochTask>{{1, epoch}});
  }
  EXPECT_EQ(bits_of(*third, problem_, 1), expected_);
}

TEST_P(Independence, BestWeightsComeBack) {
  const auto engine = GetParam().make(problem_);
  engine->open(0, make_plan(problem_, watched));
  const ParameterLayout layout = classifier_layout(problem_.architecture);
  engine->run_epoch(Network::classifier, std::vector<EpochTask>{{0, 0}});
  engine->keep_best(Network::classifier, 0);
  const auto best = read(*engine, layout, Network::classifier, Role::weights, 0);
  const auto fields_at_best = [&] {
    std::vector<float> out(problem_.fields.size());
    engine->probabilities(std::vector<Slot>{0}, problem_.fields, out);
    return out;
  };
  const auto expected = fields_at_best();
  engine->run_epoch(Network::classifier, std::vector<EpochTask>{{0, 1}});
  EXPECT_NE(read(*engine, layout, Network::classifier, Role::weights, 0), best);
  EXPECT_EQ(read(*engine, layout, Network::classifier, Role::best, 0), best);
  engine->restore_best(Network::classifier, 0);
  EXPECT_EQ(read(*engine, layout, Network::classifier, Role::weights, 0), best);
  EXPECT_EQ(fields_at_best(), expected);
}

// Nothing derived from the old weights survives a write.
TEST_P(Independence, WrittenWeightsTakeEffect) {
  const auto engine = GetParam().make(problem_);
  engine->open(0, make_plan(problem_, watched));
  engine->open(1, make_plan(problem_, 12));
  const ParameterLayout layout = classifier_layout(problem_.architecture);
  const std::size_t n = problem_.fields.size();
  std::vector<float> both(2 * n);
  engine->run_epoch(Network::classifier, std::vector<EpochTask>{{0, 0}, {1, 0}});
  engine->probabilities(std::vector<Slot>{0, 1}, problem_.fields, both);
  EXPECT_FALSE(std::equal(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(n),
                          both.begin() + static_cast<std::ptrdiff_t>(n)));
  engine->write(Network::classifier, Role::weights, 1, read(*engine, layout, Network::classifier, Role::weights, 0));
  engine->probabilities(std::vector<Slot>{0, 1}, problem_.fields, both);
  EXPECT_TRUE(std::equal(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(n),
                         both.begin() + static_cast<std::ptrdiff_t>(n)));
}

// A member opened for evaluation only says what it said after training; several slots answer in their order.
TEST_P(Independence, TrainedMembersAnswerAlike) {
  const auto trained = GetParam().make(problem_);
  trained->open(0, make_plan(problem_, watched));
  trained->open(1, make_plan(problem_, 12));
  train(*trained, {0, 1});
  const auto evaluated = GetParam().make(problem_);
  const auto weights = [&](Network network, const ParameterLayout& layout, Slot slot) {
    return read(*trained, layout, network, Role::weights, slot);
  };
  for (const Slot slot : {0, 1}) {
    evaluated->open_trained(slot + 5, weights(Network::classifier, classifier_layout(problem_.architecture), slot),
                            weights(Network::ranking, ranking_layout(problem_.architecture), slot));
  }
  const std::size_t n = problem_.fields.size();
  std::vector<float> before(2 * n), after(2 * n), single(n);
  trained->probabilities(std::vector<Slot>{0, 1}, problem_.fields, before);
  evaluated->probabilities(std::vector<Slot>{6, 5}, problem_.fields, after);
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_EQ(before[i], after[n + i]);
    EXPECT_EQ(before[n + i], after[i]);
  }
  trained->reconstruction_errors(std::vector<Slot>{0, 1}, problem_.fields, before);
  evaluated->reconstruction_errors(std::vector<Slot>{5}, problem_.fields, single);
  EXPECT_EQ(std::vector<float>(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(n)), single);
}

INSTANTIATE_TEST_SUITE_P(Engines, Independence, ::testing::ValuesIn(engine_kinds()),
                         [](const auto& kind) { return kind.param.name; });

#if !defined(PHASESELECT_TEST_EXECUTOR) && !defined(PHASESELECT_TEST_GPU)
TEST(CpuThreads, ChangeNoBit) {
  const Problem problem = crowded_problem();
  Bits expected;
  for (const int threads : {1, 2, 3, 8}) {
    const auto engine = make_cpu_engine(problem, CpuOptions{threads});
    std::vector<Slot> slots;
    for (Slot slot = 0; slot < 5; ++slot) {
      engine->open(slot, make_plan(problem, static_cast<std::uint32_t>(slot)));
      slots.push_back(slot);
    }
    train(*engine, slots);
    Bits bits;
    for (const Slot slot : slots) {
      for (auto& part : bits_of(*engine, problem, slot)) bits.push_back(std::move(part));
    }
    if (expected.empty()) expected = bits;
    EXPECT_EQ(bits, expected) << threads << " threads";
  }
}
#endif

}  // namespace
}  // namespace phaseselect::oracle
