// The shape of the paper's superconductors (k 20, 8 heads of 2, hidden 80, 80, 80, 20, batch 16), on a smaller matrix:
// where the field step keeps its arrays, and that both engines and the oracle agree after three epochs.
#include "host/model/paper_shape.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "kernels/engine/costs.hpp"
#include "kernels/engine/launches.hpp"
#include "tests/gradients/comparison.hpp"
#include "tests/gradients/engines.hpp"
#include "tests/oracle/member.hpp"
#include "tests/oracle/small_problem.hpp"

namespace phaseselect::oracle {
namespace {

constexpr std::size_t sm_90 = 232448, sm_80 = 166912, sm_86 = 101376;  // bytes of shared memory a block may have

SmallProblem paper_problem() {
  SmallProblem small;
  small.architecture = paper_shape::architecture();
  small.architecture.groups = 150;
  small.fields = 50;
  small.classifier = small_plan(3, 16, 1e-3);
  small.ranking = small_plan(2, 16, 1e-3);
  return small;
}

TEST(PaperShape, FieldStepKeepsItsWeightsInSharedMemory) {
  const Architecture architecture = paper_shape::architecture();
  const cuda::ModelShape shape(architecture);
  const auto plan = [&](std::size_t limit) { return cuda::field_step_shape(architecture, shape, 16, limit).plan; };
  for (const std::size_t limit : {sm_90, sm_80}) {
    EXPECT_TRUE(plan(limit).weights.in_shared) << limit;
    EXPECT_TRUE(plan(limit).table.in_shared) << limit;
  }
  // Where shared memory is smaller: weights in place, everything else that fits beside the block.
  EXPECT_FALSE(plan(sm_86).weights.in_shared);
  EXPECT_TRUE(plan(sm_86).activations.in_shared);
  for (const std::size_t limit : {sm_90, sm_80, sm_86, std::size_t{49152}}) {
    EXPECT_LE(plan(limit).shared_bytes, limit);
  }
}

std::vector<float> probabilities_of(Engine& engine, const Problem& problem, std::uint32_t epochs) {
  engine.open(0, make_plan(problem, 6));
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
    engine.run_epoch(Network::classifier, std::vector<EpochTask>{{0, epoch}});
  }
  std::vector<float> out(problem.fields.size());
  engine.probabilities(std::vector<Slot>{0}, problem.fields, out);
  return out;
}

template <typename T>
std::vector<T> oracle_probabilities(const Problem& problem, Summation order, std::uint32_t epochs) {
  Member<T> member(problem, make_plan(problem, 6), order);
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) member.run_epoch(Network::classifier, epoch);
  return member.probabilities(problem.fields);
}

TEST(PaperShape, EnginesAndOracleAgreeAfterThreeEpochs) {
  const Problem problem = make_problem(paper_problem());
  const auto reference = oracle_probabilities<double>(problem, Summation::ascending, 3);
  std::vector<std::vector<float>> naive;
  for (const Summation order : {Summation::ascending, Summation::descending, Summation::evens_first}) {
    naive.push_back(oracle_probabilities<float>(problem, order, 3));
  }
  Comparison comparison("probabilities after three epochs at the paper's shape");
  const auto cpu = make_cpu_engine(problem);
  comparison.check("CPU engine", reference, naive, probabilities_of(*cpu, problem, 3));
  for (const EngineKind& kind : engine_kinds()) {
    const auto engine = kind.make(problem);
    comparison.check(kind.name, reference, naive, probabilities_of(*engine, problem, 3));
  }
}

// The cost table has the sizes that DESIGN.md 4 counts.
TEST(PaperShape, CostsAreDominatedByTheAutoencoder) {
  const auto costs = cuda::kernel_costs(
      {paper_shape::architecture(), paper_shape::batch, paper_shape::ones, paper_shape::elements_of_field});
  ASSERT_EQ(costs.size(), 13u);
  EXPECT_EQ(costs[1].kernel, "decode_step_kernel<20, 128>");
  double bytes = 0;
  for (const auto& cost : costs) {
    EXPECT_GT(cost.bytes, 0) << cost.kernel;
    EXPECT_LE(cost.shared_bytes, sm_90) << cost.kernel;
    if (cost.kernel.starts_with("decode_step_kernel") || cost.kernel == "encode_step_kernel") bytes += cost.bytes;
  }
  // DESIGN.md 4: 2 G k weights of 24 bytes, and little else.
  EXPECT_NEAR(bytes, 2.0 * 10423 * 20 * 24, 0.05 * bytes);
}

}  // namespace
}  // namespace phaseselect::oracle
