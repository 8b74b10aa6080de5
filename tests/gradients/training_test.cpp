// Training by an engine against training by the oracle: one step, from which the gradients are read, and several
// epochs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/gradients/trio.hpp"

namespace phaseselect::oracle {
namespace {

class Training : public EngineTest {};

TEST_P(Training, InitialWeightsBitForBit) {
  const Problem problem = make_problem(example().problem);
  for (const std::uint32_t id : {0u, 5u, 4000000000u}) {
    Trio trio(kind(), problem, id);
    const std::vector<float> actual = trio.read(Network::classifier, Role::weights);
    const std::vector<float> expected = initial_classifier(trio.layout(Network::classifier), problem.groups,
                                                           problem.seed, id, problem.architecture.normalisation);
    ASSERT_EQ(std::memcmp(actual.data(), expected.data(), actual.size() * sizeof(float)), 0) << "member " << id;
    for (const Role role : {Role::first_moment, Role::second_moment}) {
      for (const float moment : trio.read(Network::classifier, role)) ASSERT_EQ(moment, 0.0f);
    }
  }
}

// The whole training set is one batch, so that an epoch is one step, and the first moment is 0.1 times the gradient.
TEST_P(Training, FirstStep) {
  Problem problem = make_problem(example().problem);
  problem.classifier.batch = 1000;
  Trio trio(kind(), problem, 1);
  trio.enliven(Network::classifier);
  Comparison comparison(heading("one step"));
  trio.run_epoch(Network::classifier, 0, comparison);
  trio.compare_state(Network::classifier, comparison, 1.001 * problem.classifier.learning_rate);
}

TEST_P(Training, SeveralEpochs) {
  const Problem problem = make_problem(example().problem);
  Trio trio(kind(), problem, 2);
  trio.enliven(Network::classifier);
  Comparison comparison(heading("epochs"));
  const auto epochs = static_cast<std::uint32_t>(problem.classifier.epochs);
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) trio.run_epoch(Network::classifier, epoch, comparison);
  trio.compare_state(Network::classifier, comparison, 1e4 * problem.classifier.learning_rate);
}

// The classifier's state is made common first, so that only the ranking network is compared.
TEST_P(Training, Ranking) {
  const Problem problem = make_problem(example().problem);
  Trio trio(kind(), problem, 3);
  trio.engine().run_epoch(Network::classifier, std::vector<EpochTask>{{Trio::slot, 0}});
  trio.adopt(Network::classifier);
  trio.begin_ranking();
  trio.enliven(Network::ranking);
  Comparison comparison(heading("ranking"));
  for (std::uint32_t epoch = 0; epoch < 2; ++epoch) trio.run_epoch(Network::ranking, epoch, comparison);
  trio.compare_state(Network::ranking, comparison, 0);
}

class SpecialWeights : public ::testing::TestWithParam<EngineKind> {};

// With kernel and bias of the first hidden layer at zero, all its units stand exactly at the kink: relu'(0) = 0, and
// the L1 term has no gradient at 0 either, so that nothing of the layer moves.
TEST_P(SpecialWeights, KinksHaveDerivativeZero) {
  SmallProblem small = base_problem();
  small.architecture.l1 = 0.1;
  const Problem problem = make_problem(small);
  Trio trio(GetParam(), problem, 1);
  std::vector<float> weights = trio.read(Network::classifier, Role::weights);
  for (const char* name : {"hidden.0.weights", "hidden.0.bias"}) {
    const ParameterBlock& block = trio.layout(Network::classifier)[name];
    std::fill_n(weights.begin() + static_cast<std::ptrdiff_t>(block.offset), block.size(), 0.0f);
  }
  trio.engine().write(Network::classifier, Role::weights, Trio::slot, weights);
  trio.engine().run_epoch(Network::classifier, std::vector<EpochTask>{{Trio::slot, 0}});
  for (const Role role : {Role::weights, Role::first_moment, Role::second_moment}) {
    const std::vector<float> after = trio.read(Network::classifier, role);
    for (const char* name : {"hidden.0.weights", "hidden.0.bias"}) {
      const ParameterBlock& block = trio.layout(Network::classifier)[name];
      for (std::size_t i = 0; i < block.size(); ++i) ASSERT_EQ(after[block.offset + i], 0.0f) << name << " " << i;
    }
  }
}

// Weight decay included; everything else learns. A second engine goes on from the state, as a resumed run does.
TEST_P(SpecialWeights, AFrozenEncoderKeepsItsBits) {
  SmallProblem small = base_problem();
  small.classifier.encoder_rate = 0;
  small.classifier.weight_decay = 0.1;
  const Problem problem = make_problem(small);
  Trio trio(GetParam(), problem, 1);
  const ParameterLayout& layout = trio.layout(Network::classifier);
  const std::vector<float> initial = trio.read(Network::classifier, Role::weights);
  trio.engine().run_epoch(Network::classifier, std::vector<EpochTask>{{Trio::slot, 0}});
  const auto resumed = GetParam().make(problem);
  resumed->open(3, make_plan(problem, 1));
  for (const Role role : {Role::weights, Role::first_moment, Role::second_moment}) {
    resumed->write(Network::classifier, role, 3, trio.read(Network::classifier, role));
  }
  trio.engine().run_epoch(Network::classifier, std::vector<EpochTask>{{Trio::slot, 1}});
  resumed->run_epoch(Network::classifier, std::vector<EpochTask>{{3, 1}});
  const std::vector<float> after = trio.read(Network::classifier, Role::weights);
  EXPECT_EQ(read(*resumed, layout, Network::classifier, Role::weights, 3), after);
  for (const ParameterBlock& block : layout.blocks()) {
    const bool same =
        std::memcmp(initial.data() + block.offset, after.data() + block.offset, block.size() * sizeof(float)) == 0;
    EXPECT_EQ(same, block.name == "encoder.weights") << block.name;
  }
}

// Decoder logits far beyond where exp overflows in float.
TEST_P(SpecialWeights, SaturatedDecoder) {
  const Problem problem = make_problem(base_problem());
  Trio trio(GetParam(), problem, 1);
  std::vector<float> weights = trio.read(Network::classifier, Role::weights);
  const ParameterBlock& block = trio.layout(Network::classifier)["decoder.bias"];
  const float extremes[] = {-300, 120, -89, 30, 1, -17, 0};
  for (std::size_t g = 0; g < block.size(); ++g) weights[block.offset + g] = extremes[g % 7];
  trio.engine().write(Network::classifier, Role::weights, Trio::slot, weights);
  trio.enliven_all_but(Network::classifier, "decoder.bias");
  Comparison comparison(GetParam().name + " saturated decoder");
  trio.run_epoch(Network::classifier, 0, comparison);
  trio.compare_state(Network::classifier, comparison, 4 * problem.classifier.learning_rate);
}

INSTANTIATE_TEST_SUITE_P(Engines, SpecialWeights, ::testing::ValuesIn(engine_kinds()),
                         [](const auto& kind) { return kind.param.name; });

INSTANTIATE_TEST_SUITE_P(Engines, Training,
                         ::testing::Combine(::testing::ValuesIn(engine_kinds()), ::testing::ValuesIn(all_cases())),
                         engine_test_name);

}  // namespace
}  // namespace phaseselect::oracle
