// Golden curves: what a small seeded ensemble learns, epoch by epoch, and how well it ranks. Whoever changes the random
// numbers, the splits, a gradient, the optimiser or a measure sees it here. One instruction set and a tolerance, so
// that compilers may round as they like.
#include <array>
#include <map>

#include "host/pipeline/metrics.hpp"
#include "host/pipeline/population.hpp"
#include "host/pipeline/problem.hpp"
#include "tests/pipeline/commands_fixture.hpp"

namespace phaseselect {
namespace {

constexpr double tolerance = 1e-3;

struct GoldenEpoch {
  double training_loss, autoencoder_loss, penalty, held_out_loss;
  std::uint32_t held_out_correct;
};

class Golden : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const small_data::Folder folder;
    small_data::write_tables(folder);
    const std::vector<std::string> harder{"data.threshold=12", "model.l1=1e-3", "model.l2=1e-3"};
    const Config config = read_config(folder / "config.yaml", harder);
    const PreparedData data = prepare(config);
    CpuOptions cpu;
    cpu.threads = 1;
    cpu.instructions = InstructionSet::baseline;
    const std::unique_ptr<Engine> engine = make_cpu_engine(data.problem, cpu);
    members_ = train_population(*engine, data.problem, config, ensemble_plans(config, data.problem, 0, 3), {});
    labels_ = data.problem.labels;
    probabilities_.assign(labels_.size(), 0.0f);
    for (const TrainedMember& member : members_) {
      engine->open_trained(0, member.classifier, member.ranking);
      std::vector<float> of_member(labels_.size());
      engine->probabilities(std::array{Slot{0}}, data.problem.fields, of_member);
      engine->close(0);
      for (std::size_t i = 0; i < of_member.size(); ++i) probabilities_[i] += of_member[i] / 3;
    }
  }

  static void expect_curve(std::size_t member, Network network, const std::vector<GoldenEpoch>& expected) {
    std::size_t epoch = 0;
    for (const HistoryRow& row : members_[member].history) {
      if (row.network != network) continue;
      ASSERT_LT(epoch, expected.size());
      const EpochStatistics& found = row.statistics;
      const std::string where = "member " + std::to_string(member) + ", epoch " + std::to_string(epoch);
      EXPECT_EQ(row.epoch, epoch);
      EXPECT_NEAR(found.training_loss, expected[epoch].training_loss, tolerance) << where;
      EXPECT_NEAR(found.autoencoder_loss, expected[epoch].autoencoder_loss, tolerance) << where;
      EXPECT_NEAR(found.penalty, expected[epoch].penalty, tolerance) << where;
      EXPECT_NEAR(found.held_out_loss, expected[epoch].held_out_loss, tolerance) << where;
      EXPECT_EQ(found.held_out_correct, expected[epoch].held_out_correct) << where;
      ++epoch;
    }
    EXPECT_EQ(epoch, expected.size());
  }

  static inline std::vector<TrainedMember> members_;
  static inline std::vector<std::uint8_t> labels_;
  static inline std::vector<float> probabilities_;  // means over the members
};

TEST_F(Golden, ClassifierHistory) {
  expect_curve(0, Network::classifier,
               {{0.693482, 0.639849, 0.046122, 0.690840, 7},
                {0.692748, 0.541488, 0.040961, 0.699446, 4},
                {0.693450, 0.423924, 0.036835, 0.728859, 5},
                {0.702926, 0.316712, 0.033422, 0.709603, 5}});
  expect_curve(2, Network::classifier,
               {{0.714218, 0.593337, 0.044083, 0.706293, 5},
                {0.693811, 0.465615, 0.039309, 0.733244, 5},
                {0.676877, 0.362626, 0.035116, 0.716528, 7},
                {0.657449, 0.276020, 0.031543, 0.726305, 7}});
}

TEST_F(Golden, RankingHistory) {
  expect_curve(1, Network::ranking,
               {{1.014761, 0.000000, 0.000000, 1.122082, 0},
                {1.030786, 0.000000, 0.000000, 1.117921, 0},
                {1.020229, 0.000000, 0.000000, 1.114212, 0}});
}

TEST_F(Golden, Measures) {
  const nlohmann::json found = to_json(compute_metrics(labels_, probabilities_));
  EXPECT_EQ(found["fields"], 60);
  EXPECT_EQ(found["positives"], 27);
  const std::map<std::string, double> expected{{"accuracy", 0.683333}, {"brier", 0.237246},    {"ece", 0.119437},
                                               {"f1", 0.724638},       {"log_loss", 0.667528}, {"mcc", 0.445945},
                                               {"roc_auc", 0.778339}};
  for (const auto& [name, value] : expected) EXPECT_NEAR(found[name].get<double>(), value, tolerance) << name;
}

TEST_F(Golden, RocCurve) {
  const std::vector<RocPoint> found = roc_curve(labels_, probabilities_);
  ASSERT_EQ(found.size(), 30u);
  const std::map<std::size_t, RocPoint> expected{{3, {0.570020, 0.000000, 0.222222}},
                                                 {11, {0.542550, 0.212121, 0.555556}},
                                                 {16, {0.523289, 0.393939, 0.777778}},
                                                 {24, {0.482562, 0.696970, 1.000000}},
                                                 {29, {0.465707, 1.000000, 1.000000}}};
  for (const auto& [point, values] : expected) {
    EXPECT_NEAR(found[point].threshold, values.threshold, tolerance) << point;
    EXPECT_NEAR(found[point].false_positive_rate, values.false_positive_rate, tolerance) << point;
    EXPECT_NEAR(found[point].true_positive_rate, values.true_positive_rate, tolerance) << point;
  }
}

}  // namespace
}  // namespace phaseselect
