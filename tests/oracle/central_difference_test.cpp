// The oracle's gradients, taken by its tape, against central differences of its own loss: every parameter of every
// block. The loss is smooth but for the kinks of ReLU and |w|; seeds are such that no difference straddles one.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/oracle/member.hpp"
#include "tests/oracle/small_problem.hpp"

namespace phaseselect::oracle {
namespace {

constexpr double difference_step = 1e-5;

// Error of a central difference here: h^2 f''' / 6 plus 1e-16 |f| / h, both near 1e-10 of the gradient's scale.
constexpr double tolerance = 3e-8;

std::vector<std::size_t> first_samples(std::size_t count) {
  std::vector<std::size_t> batch(count);
  std::iota(batch.begin(), batch.end(), 0);
  return batch;
}

// Blocks whose derivative is zero whatever the weights: a constant added to all keys cancels in the softmax.
bool cancels(const ParameterBlock& block) { return block.name == "attention.key.bias"; }

// Fresh biases are 0, which puts units without active inputs exactly on the kink of ReLU: positive ones move them away
// and keep every layer alive.
void draw_biases(const ParameterLayout& layout, std::vector<double>& weights) {
  std::mt19937_64 random(7);
  for (const ParameterBlock& block : layout.blocks()) {
    for (std::size_t i = 0; block.name.ends_with(".bias") && i < block.size(); ++i) {
      weights[block.offset + i] = 0.05 + 0.001 * below(random, 250);
    }
  }
}

void expect_gradients(Member<double>& member, Network network, std::size_t batch_size, const std::string& label,
                      bool attention_matters = true) {
  const std::vector<std::size_t> batch = first_samples(batch_size);
  std::vector<double> weights = member.slab(network).weights;
  draw_biases(member.layout(network), weights);
  const auto result = member.differentiate(network, weights, batch, 2, 1);
  double largest = 0;
  for (const ParameterBlock& block : member.layout(network).blocks()) {
    if (!block.trained) continue;
    double norm = 0;
    for (std::size_t at = block.offset; at < block.offset + block.size(); ++at) {
      const double weight = weights[at];
      weights[at] = weight + difference_step;
      const double above = member.differentiate(network, weights, batch, 2, 1).loss;
      weights[at] = weight - difference_step;
      const double below = member.differentiate(network, weights, batch, 2, 1).loss;
      weights[at] = weight;
      const double error = std::abs((above - below) / (2 * difference_step) - result.gradient[at]);
      ASSERT_LE(error, tolerance) << label << ": " << block.name << " " << at - block.offset << ", gradient "
                                  << result.gradient[at];
      largest = std::max(largest, error);
      norm += std::abs(result.gradient[at]);
    }
    const bool query_or_key = block.name.starts_with("attention.query") || block.name.starts_with("attention.key");
    if (cancels(block) || (query_or_key && !attention_matters)) {
      EXPECT_LT(norm, 1e-12) << label << ": " << block.name;
    } else {
      EXPECT_GT(norm, 1e-6) << label << ": " << block.name << " has no gradient, the comparison shows nothing";
    }
  }
  fmt::print("{}: largest error of a derivative {:.1e}\n", label, largest);
}

SmallProblem with_gradients() {
  SmallProblem small;
  small.architecture = small_architecture();
  small.architecture.features = 4;
  small.architecture.autoencoder_weight = 0.7;
  small.fields = 12;
  small.classifier = small_plan(3, 4, 1e-3);
  small.ranking = small_plan(3, 4, 1e-3);
  return small;
}

struct CombineCase {
  const char* name;
  Combine combine;
};
constexpr CombineCase combine_cases[] = {{"values", Combine::values},
                                         {"residual", Combine::residual},
                                         {"scores", Combine::scores},
                                         {"pooled", Combine::pooled}};

TEST(CentralDifferences, EveryCombineForm) {
  for (const CombineCase& combine : combine_cases) {
    for (const double dropout : {0.0, 0.4}) {
      SmallProblem small = with_gradients();
      small.architecture.combine = combine.combine;
      small.architecture.dropout = dropout;
      const Problem problem = make_problem(small);
      Member<double> member(problem, make_plan(problem, 1));
      expect_gradients(member, Network::classifier, 6, fmt::format("{}, dropout {}", combine.name, dropout));
    }
  }
}

TEST(CentralDifferences, AttentionOfLittleWeight) {
  for (const Combine combine : {Combine::residual, Combine::pooled}) {
    SmallProblem small = with_gradients();
    small.architecture.combine = combine;
    small.architecture.attention_weight = 0.3;
    const Problem problem = make_problem(small);
    Member<double> member(problem, make_plan(problem, 1));
    expect_gradients(member, Network::classifier, 6, "attention of weight 0.3");
  }
}

TEST(CentralDifferences, AttentionWithoutMask) {
  for (const Combine combine : {Combine::values, Combine::residual, Combine::scores}) {
    SmallProblem small = with_gradients();
    small.architecture.combine = combine;
    small.architecture.attention_mask = false;
    const Problem problem = make_problem(small);
    Member<double> member(problem, make_plan(problem, 1));
    expect_gradients(member, Network::classifier, 6, "attention without a mask");
  }
}

TEST(CentralDifferences, Penalties) {
  SmallProblem small = with_gradients();
  small.architecture.l1 = 0.03;
  small.architecture.l2 = 0.02;
  const Problem problem = make_problem(small);
  Member<double> member(problem, make_plan(problem, 2));
  expect_gradients(member, Network::classifier, 5, "penalties");
}

TEST(CentralDifferences, RandomSlotOrder) {
  SmallProblem small = with_gradients();
  small.architecture.slot_order = SlotOrder::random;
  small.architecture.combine = Combine::residual;
  const Problem problem = make_problem(small);
  Member<double> member(problem, make_plan(problem, 3));
  expect_gradients(member, Network::classifier, 6, "random slot order");
}

// Attention over one element is 1 whatever its weights; most slots of each field are padding.
TEST(CentralDifferences, FieldsOfOneElement) {
  for (const CombineCase& combine : combine_cases) {
    SmallProblem small = with_gradients();
    small.architecture.combine = combine.combine;
    small.largest_field = 1;
    const Problem problem = make_problem(small);
    Member<double> member(problem, make_plan(problem, 1));
    expect_gradients(member, Network::classifier, 6, fmt::format("one element, {}", combine.name), false);
  }
}

TEST(CentralDifferences, NoHiddenLayersUngroupedFullFields) {
  SmallProblem small = with_gradients();
  small.architecture.hidden.clear();
  small.largest_multiplicity = 1;
  small.smallest_field = small.architecture.slots;
  const Problem problem = make_problem(small);
  Member<double> member(problem, make_plan(problem, 4));
  expect_gradients(member, Network::classifier, 6, "no hidden layers, ungrouped, full fields");
}

TEST(CentralDifferences, RankingNetwork) {
  for (const double dropout : {0.0, 0.2}) {
    SmallProblem small = with_gradients();
    small.architecture.ranking_dropout = dropout;
    const Problem problem = make_problem(small);
    Member<double> member(problem, make_plan(problem, 1));
    member.begin_ranking();
    expect_gradients(member, Network::ranking, 6, fmt::format("ranking, dropout {}", dropout));
  }
}

// The derivative of |w| and of relu(w) at 0 is 0.
TEST(Tape, KinksHaveDerivativeZero) {
  Tape<double> tape;
  const Vector<double> x = tape.variables({0.0, 0.0});
  const auto adjoints = tape.adjoints(absolute(x[0]) + relu(x[1]));
  EXPECT_EQ(adjoints[x[0].node], 0.0);
  EXPECT_EQ(adjoints[x[1].node], 0.0);
}

TEST(Tape, EveryOrderOfSummationVisitsEachTermOnce) {
  for (const Summation order : summations) {
    for (const std::size_t size : {1u, 2u, 7u, 8u}) {
      std::set<std::size_t> seen;
      for (std::size_t i = 0; i < size; ++i) seen.insert(position(order, i, size));
      EXPECT_EQ(seen.size(), size);
      EXPECT_EQ(*seen.rbegin(), size - 1);
    }
  }
}

TEST(Tape, SoftplusAndSigmoidSurviveExtremes) {
  Tape<double> tape;
  const Vector<double> x = tape.variables({800.0, -800.0});
  EXPECT_EQ(softplus(x[0]).value, 800.0);
  EXPECT_EQ(softplus(x[1]).value, 0.0);
  EXPECT_EQ(sigmoid(800.0), 1.0);
  EXPECT_EQ(sigmoid(-800.0), 0.0);
}

}  // namespace
}  // namespace phaseselect::oracle
