// Tensor cores: tf32 products are close to fp32's as 10 mantissa bits allow, and are not fp32's.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "tests/gradients/cases.hpp"
#include "tests/gradients/engines.hpp"

namespace phaseselect::oracle {
namespace {

struct Trained {
  std::vector<float> first_moment;  // after one step: a tenth of the gradient
  EpochStatistics statistics;
};

Trained one_step(const EngineKind& kind, Problem problem, Precision precision) {
  problem.precision = precision;
  problem.classifier.batch = 1000;
  const auto engine = kind.make(problem);
  engine->open(0, make_plan(problem, 3));
  Trained result;
  result.statistics = engine->run_epoch(Network::classifier, std::vector<EpochTask>{{0, 0}}).at(0);
  result.first_moment =
      read(*engine, classifier_layout(problem.architecture), Network::classifier, Role::first_moment, 0);
  return result;
}

double relative_distance(std::span<const float> a, std::span<const float> b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::hypot(difference, static_cast<double>(a[i]) - static_cast<double>(b[i]));
    size = std::hypot(size, static_cast<double>(b[i]));
  }
  return difference / size;
}

class TensorCores : public ::testing::TestWithParam<std::tuple<EngineKind, Case>> {};

TEST_P(TensorCores, GradientsOfTheAutoencoder) {
  const auto& [kind, example] = GetParam();
  const Problem problem = make_problem(example.problem);
  const Trained plain = one_step(kind, problem, Precision::fp32), tensor = one_step(kind, problem, Precision::tf32);
  const ParameterLayout layout = classifier_layout(problem.architecture);
  for (const char* name : {"decoder.weights", "decoder.bias", "encoder.weights"}) {
    const ParameterBlock& block = layout[name];
    const auto of = [&](const Trained& t) { return std::span(t.first_moment).subspan(block.offset, block.size()); };
    // Each operand is rounded by at most 2^-11; products of both, sums over cancelling terms: a few times that.
    EXPECT_LT(relative_distance(of(tensor), of(plain)), 4e-3) << name;
  }
  const ParameterBlock& decoder = layout["decoder.weights"];
  EXPECT_GT(relative_distance(std::span(tensor.first_moment).subspan(decoder.offset, decoder.size()),
                              std::span(plain.first_moment).subspan(decoder.offset, decoder.size())),
            1e-6)
      << "tf32 was not used";
  EXPECT_NEAR(tensor.statistics.autoencoder_loss, plain.statistics.autoencoder_loss,
              1e-4 * plain.statistics.autoencoder_loss);
  EXPECT_EQ(tensor.statistics.training_loss, plain.statistics.training_loss);  // of the step's start, in fp32
}

std::vector<Case> some_cases() {
  std::vector<Case> cases;
  for (Case& example : all_cases()) {
    for (const char* name :
         {"values", "scores", "features_1", "features_20", "features_33", "groups_1", "groups_129", "groups_1100"}) {
      if (example.name == name) cases.push_back(example);
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Engines, TensorCores,
                         ::testing::Combine(::testing::ValuesIn(engine_kinds()), ::testing::ValuesIn(some_cases())),
                         [](const auto& info_) {
                           return std::get<0>(info_.param).name + "_" + std::get<1>(info_.param).name;
                         });

}  // namespace
}  // namespace phaseselect::oracle
