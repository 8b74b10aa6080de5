// The oracle's optimiser against steps worked out by hand, and the schedule.
#include "tests/oracle/optimiser.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/oracle/small_problem.hpp"

namespace phaseselect::oracle {
namespace {

OptimiserPlan plan_of(double rate, double decay) {
  OptimiserPlan plan = small_plan(10, 4, rate);
  plan.weight_decay = decay;
  return plan;
}

// Gradients 2 then -1. Step 1: m = 0.2, v = 0.004, m^ = 2, v^ = 4, direction 2 / (2 + 1e-7).
// Step 2: m = 0.08, v = 0.004996, m^ = 0.08 / 0.19, v^ = 0.004996 / 0.001999.
TEST(Adam, TwoStepsByHand) {
  const OptimiserPlan plan = plan_of(0.1, 0);
  double first = 0, second = 0;
  EXPECT_NEAR(adam_direction(plan, 1, 2.0, first, second), 2 / (2 + 1e-7), 1e-13);
  EXPECT_NEAR(first, 0.2, 1e-15);
  EXPECT_NEAR(second, 0.004, 1e-15);
  EXPECT_NEAR(adam_direction(plan, 2, -1.0, first, second), 0.42105263157894736842 / (1.580901522806656734 + 1e-7),
              1e-13);
  EXPECT_NEAR(first, 0.08, 1e-15);
  EXPECT_NEAR(second, 0.004996, 1e-15);
}

struct OneWeight {
  ParameterLayout layout;
  Slab<double> slab;
  explicit OneWeight(const char* name, bool decays) : layout({block(name, decays)}) {
    slab.weights.assign(layout.size(), 0.0);
    slab.weights[0] = 3.0;
    slab.first_moment.assign(layout.size(), 0.0);
    slab.second_moment.assign(layout.size(), 0.0);
  }
  static ParameterBlock block(const char* name, bool decays) {
    ParameterBlock block;
    block.name = name;
    block.rows = block.columns = 1;
    block.decays = decays;
    return block;
  }
  double step(const EnvironmentGroups& groups, const OptimiserPlan& plan, double gradient) {
    std::vector<double> gradients(layout.size(), 0.0);
    gradients[0] = gradient;
    adam_step(layout, groups, plan, plan.learning_rate, 1, gradients, slab);
    return slab.weights[0];
  }
};

EnvironmentGroups one_group_of_five() {
  EnvironmentGroups groups;
  groups.elements = 1;
  groups.environments = 5;
  groups.offsets = {0, 1};
  groups.rows = {0};
  groups.multiplicity = {5};
  groups.column_group = {0, 0, 0, 0, 0};
  return groups;
}

// A first step has length 1: w = 3 - 0.1 * (1 + 0.02 * 3), without decay 2.9.
TEST(Adam, DecayIsDecoupledAndOnlyWhereTheLayoutSaysSo) {
  const EnvironmentGroups groups = one_group_of_five();
  EXPECT_NEAR(OneWeight("hidden.0.weights", true).step(groups, plan_of(0.1, 0.02), 4.0), 2.894, 1e-8);
  EXPECT_NEAR(OneWeight("hidden.0.bias", false).step(groups, plan_of(0.1, 0.02), 4.0), 2.9, 1e-8);
}

// The sum of five columns moves five single steps; its decay is that of the sum.
TEST(Adam, EncoderGroupMovesByItsMultiplicity) {
  OneWeight weight("encoder.weights", true);
  EXPECT_NEAR(weight.step(one_group_of_five(), plan_of(0.1, 0.02), 4.0), 3 - 0.1 * (5 + 0.02 * 3), 1e-7);
  EXPECT_NEAR(weight.slab.first_moment[0], 0.4, 1e-15);
}

TEST(Adam, EncoderHasItsOwnRate) {
  OptimiserPlan plan = plan_of(0.1, 0.02);
  plan.encoder_rate = 0.5;
  EXPECT_NEAR(OneWeight("encoder.weights", true).step(one_group_of_five(), plan, 4.0), 3 - 0.05 * (5 + 0.02 * 3), 1e-7);
  EXPECT_NEAR(OneWeight("encoder.bias", false).step(one_group_of_five(), plan, 4.0), 2.9, 1e-7);
  plan.encoder_rate = 0;
  EXPECT_EQ(OneWeight("encoder.weights", true).step(one_group_of_five(), plan, 4.0), 3);
  EXPECT_NEAR(OneWeight("encoder.bias", false).step(one_group_of_five(), plan, 4.0), 2.9, 1e-7);
}

// A decoder column moves by the gradient of one of the five columns it stands for.
TEST(Adam, DecoderGroupTakesTheGradientOfOneColumn) {
  for (const char* name : {"decoder.weights", "decoder.bias"}) {
    OneWeight weight(name, false);
    EXPECT_NEAR(weight.step(one_group_of_five(), plan_of(0.1, 0), 4.0), 2.9, 1e-7) << name;
    EXPECT_NEAR(weight.slab.first_moment[0], 0.1 * 4.0 / 5, 1e-15) << name;
    EXPECT_NEAR(weight.slab.second_moment[0], 0.001 * 0.64, 1e-15) << name;
  }
}

// What the oracle and every engine read from the layout.
TEST(Layout, MarksKernelsThatDecayAndHiddenKernelsThatArePenalised) {
  const ParameterLayout layout = classifier_layout(small_architecture());
  for (const ParameterBlock& block : layout.blocks()) {
    EXPECT_EQ(block.decays, block.name.ends_with(".weights")) << block.name;
    EXPECT_EQ(block.penalised, block.name == "hidden.0.weights" || block.name == "hidden.1.weights") << block.name;
    EXPECT_TRUE(block.trained) << block.name;
  }
}

TEST(Schedule, CosineFallsFromTheFullRateToZero) {
  OptimiserPlan plan = plan_of(0.2, 0);
  EXPECT_EQ(scheduled_rate(plan, 17, 3), 0.2);
  plan.schedule = Schedule::cosine;  // 10 epochs of 3 steps
  EXPECT_DOUBLE_EQ(scheduled_rate(plan, 0, 3), 0.2);
  EXPECT_DOUBLE_EQ(scheduled_rate(plan, 10, 3), 0.15);
  EXPECT_DOUBLE_EQ(scheduled_rate(plan, 15, 3), 0.1);
  EXPECT_NEAR(scheduled_rate(plan, 30, 3), 0, 1e-16);
}

}  // namespace
}  // namespace phaseselect::oracle
