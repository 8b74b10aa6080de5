// The trainer's decisions, on an engine that does what a script says.
#include <gtest/gtest.h>

#include <cmath>

#include "host/pipeline/population.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/error.hpp"
#include "tests/ensemble/fake_engine.hpp"
#include "tests/ensemble/synthetic_data.hpp"

namespace phaseselect {
namespace {

class EarlyStoppingTest : public ::testing::Test {
 protected:
  // Trains members whose classifier reaches these held-out counts (of 10) and whose ranking losses are these.
  std::vector<TrainedMember> train(const std::vector<std::uint32_t>& correct, const std::vector<double>& losses,
                                   const std::vector<std::string>& overrides, PopulationOptions options = {}) {
    config_ = synthetic_config(folder_, overrides);
    const PreparedData data = prepare(config_);
    FakeEngine engine(data.problem, slots_, [&](Network network, std::uint32_t, std::uint32_t epoch) {
      EpochStatistics s;
      s.held_out = 10;
      if (network == Network::classifier) {
        s.held_out_correct = correct.at(epoch);
        s.held_out_loss = 10 - s.held_out_correct;
      } else {
        s.held_out_loss = losses.at(epoch);
      }
      return s;
    });
    auto members =
        train_population(engine, data.problem, config_, ensemble_plans(config_, data.problem, 0, members_), options);
    most_open_ = engine.most_open;
    return members;
  }

  TemporaryFolder folder_;
  Config config_;
  int slots_ = 2;
  std::uint32_t members_ = 1;
  std::size_t most_open_ = 0;
};

TEST_F(EarlyStoppingTest, RestoresTheFirstOfTheBestEpochs) {
  const auto members = train({3, 6, 5, 6, 6, 2, 9, 9}, {4, 3, 3, 5, 1, 1}, {});
  ASSERT_EQ(members.size(), 1u);
  const TrainedMember& member = members.front();
  EXPECT_EQ(member.classifier_stop.best_epoch, 1u);   // equal epochs are no improvement
  EXPECT_EQ(member.classifier_stop.epochs_done, 5u);  // three without improvement
  EXPECT_EQ(member.classifier[0], 2.0f);              // the weights after the second epoch
  EXPECT_EQ(member.ranking_stop.best_epoch, 1u);
  EXPECT_EQ(member.ranking_stop.epochs_done, 4u);
  EXPECT_EQ(member.ranking[0], 2.0f);
  ASSERT_EQ(member.held_out_errors.size(), member.held_out.size());
  EXPECT_EQ(member.held_out_errors[0], 2.0f);  // of the restored weights
  ASSERT_EQ(member.history.size(), 9u);
  EXPECT_EQ(member.history[5].network, Network::ranking);
  EXPECT_EQ(member.history[5].epoch, 0u);
}

TEST_F(EarlyStoppingTest, MonitorsTheLoss) {
  const auto members = train({3, 2, 9, 0, 1, 2, 2, 2}, {1, 2, 3, 4, 5, 6}, {"training.monitor=loss"});
  EXPECT_EQ(members.front().classifier_stop.best_epoch, 2u);
  EXPECT_EQ(members.front().classifier[0], 3.0f);
  EXPECT_EQ(members.front().ranking_stop.best_epoch, 0u);
}

TEST_F(EarlyStoppingTest, WithoutPatienceEveryEpochRunsAndTheLastWeightsStay) {
  const auto members =
      train({9, 1, 1, 1, 1, 1, 1, 1}, {1, 2, 3, 4, 5, 6}, {"training.patience=0", "ranking.patience=0"});
  EXPECT_EQ(members.front().classifier_stop.epochs_done, 8u);
  EXPECT_EQ(members.front().classifier[0], 8.0f);
  EXPECT_EQ(members.front().ranking[0], 6.0f);
}

TEST_F(EarlyStoppingTest, WithoutRankingOnlyTheClassifierTrains) {
  PopulationOptions options;
  options.ranking = false;
  const auto members = train({1, 2, 3, 4, 5, 6, 7, 8}, {}, {}, options);
  EXPECT_EQ(members.front().classifier[0], 8.0f);
  EXPECT_TRUE(members.front().ranking.empty());
  EXPECT_TRUE(members.front().held_out_errors.empty());
}

TEST_F(EarlyStoppingTest, DivergenceIsAnError) {
  try {
    train({1, 2, 3, 4, 5, 6, 7, 8}, {1, std::nan("")}, {});
    FAIL() << "a loss that is not a number was accepted";
  } catch (const Error& error) {
    EXPECT_NE(
        std::string(error.what())
            .find("member 0 diverged (losses or weights that are not finite), all of 1: lower ranking.learning_rate"),
        std::string::npos)
        << error.what();
  }
}

TEST_F(EarlyStoppingTest, NoMoreMembersAreOpenThanTheEngineWantsAndProgressEndsAtOne) {
  members_ = 7;
  slots_ = 3;
  PopulationOptions options;
  std::vector<PopulationProgress> seen;
  options.progress = [&](const PopulationProgress& p) { seen.push_back(p); };
  const auto members = train({1, 2, 2, 2, 2, 2, 2, 2}, {1, 2, 3, 4}, {"ensemble.members=7"}, options);
  EXPECT_EQ(members.size(), 7u);
  for (std::uint32_t id = 0; id < 7; ++id) EXPECT_EQ(members[id].id, id);
  EXPECT_EQ(most_open_, 3u);
  EXPECT_EQ(seen.back().fraction, 1.0);
  EXPECT_EQ(seen.back().members_done, 7u);
  EXPECT_EQ(seen.back().epochs_done, seen.back().epochs_total);
  for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_GE(seen[i].fraction, seen[i - 1].fraction);
}

// A checkpoint of many open members continues on an engine with room for one: the others wait in the file.
TEST_F(EarlyStoppingTest, AResumeMayHaveFewerSlots) {
  members_ = 6;
  const std::vector<std::uint32_t> correct = {1, 2, 3, 2, 2, 2, 2, 2};
  const std::vector<double> losses = {5, 4, 6, 6, 6, 6};
  const std::vector<std::string> overrides = {"ensemble.members=6"};
  slots_ = 6;
  const auto expected = train(correct, losses, overrides);
  for (int stop_after = 1; stop_after <= 9; ++stop_after) {
    PopulationOptions options;
    options.checkpoint = folder_ / "checkpoint.safetensors";
    options.checkpoint_seconds = 0;
    int rounds = 0;
    options.stop_requested = [&] { return ++rounds == stop_after; };
    slots_ = 6;
    EXPECT_THROW(train(correct, losses, overrides, options), Interrupted) << stop_after;
    options.resume = true;
    rounds = stop_after - 2;  // stops once more, after two rounds
    slots_ = 1;
    EXPECT_THROW(train(correct, losses, overrides, options), Interrupted);
    rounds = stop_after;
    slots_ = 2;
    const auto members = train(correct, losses, overrides, options);
    ASSERT_EQ(members.size(), expected.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      EXPECT_EQ(members[i].classifier, expected[i].classifier);
      EXPECT_EQ(members[i].ranking, expected[i].ranking);
      EXPECT_EQ(members[i].held_out_errors, expected[i].held_out_errors);
      EXPECT_EQ(members[i].history.size(), expected[i].history.size());
    }
  }
}

}  // namespace
}  // namespace phaseselect
