// An engine trained on column groups against the same engine trained on single columns whose decoder starts tied: close
// to rounding, as rounding is defined by the tolerance for engines.
#include "tests/oracle/grouping.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/gradients/cases.hpp"
#include "tests/gradients/comparison.hpp"
#include "tests/gradients/engines.hpp"
#include "tests/oracle/member.hpp"

namespace phaseselect::oracle {
namespace {

constexpr std::uint32_t id = 21;
constexpr std::uint32_t epochs = 4;

class EngineGrouping : public ::testing::TestWithParam<EngineKind> {};

std::vector<float> tied_start(const Problem& single, const EnvironmentGroups& groups) {
  const ParameterLayout layout = classifier_layout(single.architecture);
  std::vector<float> weights = initial_classifier(layout, single.groups, single.seed, id, Normalisation::none);
  tie_decoder(layout, groups, weights);
  return weights;
}

std::vector<float> train(const EngineKind& kind, const Problem& problem, const std::vector<float>& start) {
  const auto engine = kind.make(problem);
  engine->open(0, make_plan(problem, id));
  if (!start.empty()) engine->write(Network::classifier, Role::weights, 0, start);
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
    engine->run_epoch(Network::classifier, std::vector<EpochTask>{{0, epoch}});
  }
  return read(*engine, classifier_layout(problem.architecture), Network::classifier, Role::weights, 0);
}

template <typename T>
std::vector<T> train_oracle(const Problem& problem, const std::vector<float>& start, Summation order) {
  Member<T> member(problem, make_plan(problem, id), order);
  std::vector<T>& weights = member.slab(Network::classifier).weights;
  if (!start.empty()) weights.assign(start.begin(), start.end());
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) member.run_epoch(Network::classifier, epoch);
  return weights;
}

TEST_P(EngineGrouping, TrainsTheSameNetwork) {
  SmallProblem small = base_problem();
  small.architecture.combine = Combine::residual;
  small.architecture.groups = 33;
  small.architecture.elements = 11;
  small.architecture.dropout = 0.2;
  small.classifier.weight_decay = 0.05;
  const Problem grouped = make_problem(small);
  const Problem single = without_grouping(grouped);
  const ParameterLayout to = classifier_layout(grouped.architecture), from = classifier_layout(single.architecture);
  const std::vector<float> start = tied_start(single, grouped.groups);
  const auto collapse = [&](const auto& slab) { return grouped_slab(from, to, grouped.groups, slab, Columns::summed); };

  const std::vector<double> reference = train_oracle<double>(grouped, {}, Summation::ascending);
  const std::vector<float> on_groups = train(GetParam(), grouped, {});
  const std::vector<float> on_columns = collapse(train(GetParam(), single, start));
  std::vector<std::vector<float>> naive;
  for (const Summation order : summations) {
    naive.push_back(collapse(train_oracle<float>(single, start, order)));
    naive.push_back(train_oracle<float>(grouped, {}, order));
  }
  Comparison comparison(GetParam().name + " grouped and ungrouped");
  for (const ParameterBlock& block : to.blocks()) {
    if (block.name == "attention.key.bias") continue;  // its gradient is rounding: it cancels in the softmax
    const auto of = [&](const auto& slab) { return std::span(slab).subspan(block.offset, block.size()); };
    std::vector<std::vector<float>> plain;
    for (const auto& slab : naive) plain.emplace_back(of(slab).begin(), of(slab).end());
    comparison.check(block.name + ", groups", of(reference), plain, of(on_groups));
    comparison.check(block.name + ", columns", of(reference), plain, of(on_columns));
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineGrouping, ::testing::ValuesIn(engine_kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace phaseselect::oracle
