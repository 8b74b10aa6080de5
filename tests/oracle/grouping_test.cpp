// Training on column groups is exact: in double precision it gives the weights of training on single columns, when the
// decoder columns of each group start equal.
#include "tests/oracle/grouping.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/oracle/member.hpp"

namespace phaseselect::oracle {
namespace {

double largest_difference(const std::vector<double>& x, const std::vector<double>& y) {
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

void expect_the_same_network(Normalisation normalisation) {
  SmallProblem small;
  small.architecture = small_architecture();
  small.architecture.normalisation = normalisation;
  small.architecture.dropout = 0.2;
  small.architecture.l1 = 1e-3;
  small.architecture.l2 = 1e-2;
  small.architecture.combine = Combine::residual;
  small.classifier = small_plan(6, 5, 3e-3);
  small.classifier.weight_decay = 0.05;
  small.classifier.schedule = Schedule::cosine;
  const Problem grouped_problem = make_problem(small);
  const Problem single_problem = without_grouping(grouped_problem);
  const MemberPlan plan = make_plan(grouped_problem, 6);
  const EnvironmentGroups& groups = grouped_problem.groups;
  ASSERT_GT(groups.environments, static_cast<std::uint32_t>(groups.groups()));

  Member<double> grouped(grouped_problem, plan), single(single_problem, plan);
  const ParameterLayout& from = single.layout(Network::classifier);
  const ParameterLayout& to = grouped.layout(Network::classifier);
  Slab<double>& columns = single.slab(Network::classifier);
  Slab<double>& sums = grouped.slab(Network::classifier);
  const std::vector<double> drawn = sums.weights;
  tie_decoder(from, groups, columns.weights);
  sums.weights = grouped_slab(from, to, groups, columns.weights, Columns::summed);
  EXPECT_LT(largest_difference(drawn, sums.weights), 1e-6);  // the draws agree to the rounding of float sums

  for (std::uint32_t epoch = 0; epoch < 6; ++epoch) {
    const EpochStatistics x = grouped.run_epoch(Network::classifier, epoch);
    const EpochStatistics y = single.run_epoch(Network::classifier, epoch);
    EXPECT_NEAR(x.training_loss, y.training_loss, 1e-9);
    EXPECT_NEAR(x.autoencoder_loss, y.autoencoder_loss, 1e-9);
    EXPECT_NEAR(x.held_out_loss, y.held_out_loss, 1e-9);
  }
  const double weights =
      largest_difference(sums.weights, grouped_slab(from, to, groups, columns.weights, Columns::summed));
  const double first =
      largest_difference(sums.first_moment, grouped_slab(from, to, groups, columns.first_moment, Columns::first));
  const double second =
      largest_difference(sums.second_moment, grouped_slab(from, to, groups, columns.second_moment, Columns::first));
  fmt::print("grouped against ungrouped after 6 epochs: weights {:.1e}, moments {:.1e} {:.1e}\n", weights, first,
             second);
  EXPECT_LT(weights, 1e-9);
  EXPECT_LT(first, 1e-10);
  EXPECT_LT(second, 1e-10);
  EXPECT_GT(largest_difference(drawn, sums.weights), 0.02);  // something was learned
}

TEST(Grouping, TrainsTheSameNetwork) { expect_the_same_network(Normalisation::none); }
TEST(Grouping, TrainsTheSameNetworkOnNormalisedRows) { expect_the_same_network(Normalisation::row); }

}  // namespace
}  // namespace phaseselect::oracle
