// What is the CUDA engine's own, on the executor and on a GPU: graphs over tasks that come and go, statistics of
// ensembles on the device.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "tests/gradients/engines.hpp"
#include "tests/kernels/busy_problem.hpp"

namespace phaseselect::oracle {
namespace {

// Members with lists of different lengths: every other one lacks some training rows.
MemberPlan uneven_plan(const Problem& problem, std::uint32_t id) {
  MemberPlan plan = make_plan(problem, id);
  if (id % 2 == 1) {
    plan.training.resize(plan.training.size() - 6);
    plan.held_out.resize(2);
  }
  return plan;
}

std::vector<float> trained_alone(const Problem& problem, std::uint32_t id, std::uint32_t epochs) {
  const auto engine = make_cuda_engine(problem);
  engine->open(0, uneven_plan(problem, id));
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
    engine->run_epoch(Network::classifier, std::vector<EpochTask>{{0, epoch}});
  }
  return read(*engine, classifier_layout(problem.architecture), Network::classifier, Role::weights, 0);
}

// More members than one granule of a graph; they leave one after another, each after another number of epochs.
TEST(CudaEngine, MembersThatLeaveChangeNoBit) {
  const Problem problem = busy_problem();
  constexpr std::uint32_t members = 19;
  const auto engine = make_cuda_engine(problem);
  for (std::uint32_t id = 0; id < members; ++id) engine->open(static_cast<Slot>(id), uneven_plan(problem, id));
  const auto epochs_of = [](std::uint32_t id) { return 1 + id % 3; };
  for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<EpochTask> tasks;
    for (std::uint32_t id = 0; id < members; ++id) {
      if (epoch < epochs_of(id)) tasks.push_back({static_cast<Slot>(id), epoch});
    }
    EXPECT_EQ(engine->run_epoch(Network::classifier, tasks).size(), tasks.size());
  }
  const ParameterLayout layout = classifier_layout(problem.architecture);
  for (const std::uint32_t id : {0u, 1u, 8u, 15u, 17u, 18u}) {
    EXPECT_EQ(read(*engine, layout, Network::classifier, Role::weights, static_cast<Slot>(id)),
              trained_alone(problem, id, epochs_of(id)))
        << "member " << id;
  }
}

TEST(CudaEngine, SaysWhatToLowerWhenAMemberDoesNotFit) {
  const Problem problem = busy_problem();
  const auto engine = make_cuda_engine(problem, CudaOptions{2000});
  const std::string sentence = refusal([&] { engine->preferred_slots(4); });
  EXPECT_NE(sentence.find("lower model.features from 5 to about"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("--device cpu"), std::string::npos) << sentence;
}

// ---- ensembles ----

class CudaEnsemble : public ::testing::TestWithParam<EngineKind> {
 protected:
  void SetUp() override {
    SmallProblem small = base_problem();
    small.fields = 91;
    problem_ = make_problem(small);
    engine_ = GetParam().make(problem_);
    for (Slot slot = 0; slot < 5; ++slot) {
      engine_->open(slot, make_plan(problem_, static_cast<std::uint32_t>(slot)));
      slots_.push_back(slot);
    }
    engine_->begin_ranking(slots_);
  }
  Problem problem_;
  std::unique_ptr<Engine> engine_;
  std::vector<Slot> slots_;
};

bool same(const FieldStatistics& a, const FieldStatistics& b) {
  return a.probability == b.probability && a.deviation == b.deviation && a.error == b.error;
}

// On the device the same bits as by the engine-neutral implementation.
TEST_P(CudaEnsemble, StatisticsAreTheEngineNeutralOnes) {
  for (const auto& slots : {slots_, std::vector<Slot>{2}, std::vector<Slot>{4, 1}}) {
    const auto device = engine_->ensemble_statistics(slots, problem_.fields);
    const auto host = engine_->Engine::ensemble_statistics(slots, problem_.fields);
    ASSERT_EQ(device.size(), host.size());
    for (std::size_t i = 0; i < host.size(); ++i) EXPECT_TRUE(same(device[i], host[i])) << "field " << i;
  }
}

TEST_P(CudaEnsemble, BestFieldsAreTheEngineNeutralOnes) {
  // Fields that occur twice make ties, which go by position.
  FieldSet fields = problem_.fields;
  fields.rows.insert(fields.rows.end(), problem_.fields.rows.begin(), problem_.fields.rows.end());
  for (const std::size_t top : {1u, 7u, 182u, 1000u}) {
    const BestFields device = engine_->best_fields(slots_, fields, top);
    const BestFields host = engine_->Engine::best_fields(slots_, fields, top);
    EXPECT_EQ(device.index, host.index) << top;
    EXPECT_EQ(device.smallest_error, host.smallest_error);
    EXPECT_EQ(device.largest_error, host.largest_error);
    ASSERT_EQ(device.statistics.size(), host.statistics.size());
    for (std::size_t i = 0; i < host.statistics.size(); ++i) {
      EXPECT_TRUE(same(device.statistics[i], host.statistics[i])) << "place " << i;
    }
  }
}

// With the logit's kernel at zero every field has the same probability: the smaller error goes first.
TEST_P(CudaEnsemble, TiesGoByError) {
  const ParameterLayout layout = classifier_layout(problem_.architecture);
  std::vector<float> weights = read(*engine_, layout, Network::classifier, Role::weights, 2);
  const ParameterBlock& block = layout["logit.weights"];
  std::fill_n(weights.begin() + static_cast<std::ptrdiff_t>(block.offset), block.size(), 0.0f);
  engine_->write(Network::classifier, Role::weights, 2, weights);
  const BestFields device = engine_->best_fields(std::vector<Slot>{2}, problem_.fields, 1000);
  EXPECT_EQ(device.index, engine_->Engine::best_fields(std::vector<Slot>{2}, problem_.fields, 1000).index);
  EXPECT_EQ(device.statistics.front().probability, device.statistics.back().probability);
  EXPECT_LT(device.statistics.front().error, device.statistics.back().error);
}

// A member that answers NaN: last, and out of the range of errors.
TEST_P(CudaEnsemble, NanComesLast) {
  const ParameterLayout layout = ranking_layout(problem_.architecture);
  std::vector<float> weights = read(*engine_, layout, Network::ranking, Role::weights, 1);
  const ParameterBlock& deviation = layout["ranking.input_deviation"];
  weights[deviation.offset] = std::numeric_limits<float>::quiet_NaN();
  engine_->write(Network::ranking, Role::weights, 1, weights);
  const BestFields device = engine_->best_fields(std::vector<Slot>{1}, problem_.fields, 1000);
  const BestFields host = engine_->Engine::best_fields(std::vector<Slot>{1}, problem_.fields, 1000);
  EXPECT_EQ(device.index, host.index);
  EXPECT_TRUE(std::isnan(device.statistics.back().error));
  EXPECT_TRUE(std::isnan(device.smallest_error) && std::isnan(host.smallest_error));
  // Beside members that answer, the fields that they share with it are NaN all the same.
  EXPECT_TRUE(std::isnan(engine_->best_fields(slots_, problem_.fields, 1).largest_error));
  const BestFields nothing = engine_->best_fields(slots_, FieldView(problem_.fields.slots, {}), 3);
  EXPECT_TRUE(nothing.index.empty() && std::isnan(nothing.smallest_error));
}

INSTANTIATE_TEST_SUITE_P(Engines, CudaEnsemble, ::testing::ValuesIn(engine_kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace phaseselect::oracle
