// Studies: each table holds what can be computed from the commands' own results.
#include "host/pipeline/study.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "host/pipeline/metrics.hpp"
#include "phaseselect/error.hpp"
#include "tests/pipeline/commands_fixture.hpp"

namespace phaseselect {
namespace {

using Row = std::map<std::string, std::string>;

std::vector<Row> rows_of(const StudyTable& table) {
  std::vector<Row> rows;
  for (const auto& cells : table.rows) {
    EXPECT_EQ(cells.size(), table.columns.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i == 0) rows.emplace_back();
      rows.back()[table.columns[i]] = cells[i];
    }
  }
  return rows;
}

// Long enough that the folds' calibration errors differ from that of all together.
const std::vector<std::string> settings{"ensemble.members=4", "training.epochs=15"};

class Study : public SmallRun {
 protected:
  // A validation of four members with member predictions, made once.
  static std::filesystem::path validation() {
    const std::filesystem::path path = folder() / "cv";
    if (std::filesystem::exists(path)) return path;
    ValidateRequest request;
    request.config = read_config(folder() / "config.yaml", settings);
    request.directory = path;
    request.member_predictions = true;
    validate(request, Execution{});
    return path;
  }
  static nlohmann::json metrics() {
    return nlohmann::json::parse(small_data::read_file(validation() / "metrics.json"));
  }
};

TEST_F(Study, AVariationIsAValidation) {
  std::vector<Variation> variations;
  for (const char* value : {"3", "4"}) {
    std::vector<std::string> own = settings;
    own.push_back("model.features=" + std::string(value));
    variations.push_back({value, read_config(folder() / "config.yaml", own)});
  }
  std::vector<std::size_t> grown;
  const auto table = study_variations("model.features", variations, Execution{},
                                      [&](const StudyTable& so_far) { grown.push_back(so_far.rows.size()); });
  EXPECT_EQ(grown, (std::vector<std::size_t>{1, 2}));
  const std::vector<Row> rows = rows_of(table);
  ASSERT_EQ(rows.size(), 2u);
  const nlohmann::json expected = metrics();  // the configuration's own value is 4
  EXPECT_EQ(rows[0].at("model.features"), "3");
  EXPECT_EQ(rows[1].at("fields"), "60");
  EXPECT_EQ(std::stod(rows[1].at("accuracy")), expected["mean"]["accuracy"].get<double>());
  EXPECT_EQ(std::stod(rows[1].at("roc_auc_std")), expected["standard_deviation"]["roc_auc"].get<double>());
  EXPECT_NE(expected["mean"]["ece"], expected["pooled"]["ece"]);
  EXPECT_EQ(std::stod(rows[1].at("ece")), expected["pooled"]["ece"].get<double>());
  EXPECT_EQ(std::stod(rows[1].at("calibrated_log_loss")), expected["calibrated"]["mean"]["log_loss"].get<double>());
  EXPECT_NE(rows[0].at("log_loss"), rows[1].at("log_loss"));
}

TEST_F(Study, ThresholdsChangeTheClasses) {
  std::vector<Variation> variations;
  for (const char* value : {"10", "20"}) {
    variations.push_back({value, read_config(folder() / "config.yaml",
                                             std::vector<std::string>{"data.threshold=" + std::string(value)})});
  }
  const auto rows = rows_of(study_variations("data.threshold", variations, Execution{}, [](const StudyTable&) {}));
  EXPECT_GT(std::stoi(rows[0].at("positives")), std::stoi(rows[1].at("positives")));
}

TEST_F(Study, AllMembersAreTheValidation) {
  const auto rows = rows_of(study_ensemble_sizes(validation(), {1, 2, 4}, 1));
  ASSERT_EQ(rows.size(), 3u);
  const nlohmann::json expected = metrics()["mean"];
  EXPECT_EQ(rows[2].at("subsets"), "1");
  EXPECT_NEAR(std::stod(rows[2].at("accuracy")), expected["accuracy"].get<double>(), 1e-9);
  EXPECT_NEAR(std::stod(rows[2].at("log_loss")), expected["log_loss"].get<double>(), 1e-6);
  EXPECT_EQ(rows[2].at("accuracy_std"), "");
  EXPECT_EQ(std::stod(rows[2].at("mean_shift")), 0);
  EXPECT_EQ(rows[0].at("subsets"), "20");
  EXPECT_GT(std::stod(rows[0].at("mean_shift")), std::stod(rows[1].at("mean_shift")));
  EXPECT_GT(std::stod(rows[1].at("mean_shift")), 0);
  EXPECT_GT(std::stod(rows[0].at("log_loss_std")), 0);
  EXPECT_EQ(rows_of(study_ensemble_sizes(validation(), {2}, 1))[0], rows[1]);
  EXPECT_NE(rows_of(study_ensemble_sizes(validation(), {2}, 2))[0], rows[1]);
}

// One member chosen from one: the mean log loss of the single members.
TEST_F(Study, SubsetsAreOfTheMembersThatThereAre) {
  const auto cells = small_data::read_cells(validation() / "member_predictions.csv");
  std::set<double> possible;  // mean over the folds of a member's log loss in each: 4 x 4 x 4 choices
  std::vector<std::vector<double>> losses(3);
  for (int fold = 0; fold < 3; ++fold) {
    for (std::size_t m = 3; m < 7; ++m) {
      std::vector<std::uint8_t> labels;
      std::vector<float> probabilities;
      for (std::size_t i = 1; i < cells.size(); ++i) {
        if (cells[i][1] != std::to_string(fold)) continue;
        labels.push_back(cells[i][2] == "1");
        probabilities.push_back(std::stof(cells[i][m]));
      }
      losses[static_cast<std::size_t>(fold)].push_back(compute_metrics(labels, probabilities).log_loss);
    }
  }
  double low = 0, high = 0;
  for (const auto& of_fold : losses) {
    low += *std::min_element(of_fold.begin(), of_fold.end()) / 3;
    high += *std::max_element(of_fold.begin(), of_fold.end()) / 3;
  }
  const double found = std::stod(rows_of(study_ensemble_sizes(validation(), {1}, 1))[0].at("log_loss"));
  EXPECT_GT(found, low);
  EXPECT_LT(found, high);
}

TEST_F(Study, BadValidations) {
  EXPECT_PRED2(contains, message_of<UsageError>([] { study_ensemble_sizes(validation(), {5}, 1); }),
               "5 is more than the 4 members");
  EXPECT_PRED2(contains, message_of<UsageError>([] { study_ensemble_sizes(run(), {1}, 1); }), "--member-predictions");
}

TEST_F(Study, MetalsAreCountedFromTheScreening) {
  ScreenRequest request;
  request.run = run();
  request.output = folder() / "metals.csv";
  request.elements = small_data::cations;
  screen(request, Execution{});
  const auto screened = small_data::read_cells(request.output);
  const auto below =
      std::count_if(screened.begin() + 1, screened.end(), [](const auto& row) { return std::stod(row[1]) < 0.5; });
  const auto rows = rows_of(study_metals(run(), 3, Execution{}));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].at("metals"), "6");
  EXPECT_EQ(rows[0].at("fields"), "20");
  EXPECT_EQ(rows[0].at("below_threshold"), std::to_string(below));
  EXPECT_NEAR(std::stod(rows[0].at("share_below")), static_cast<double>(below) / 20, 1e-12);
  EXPECT_NEAR(std::stod(rows[0].at("highest_probability")), std::stod(screened[1][1]), 1e-6);
  EXPECT_EQ(rows[1].at("fields"), "0");  // every measured field has an anion
  EXPECT_EQ(rows[1].at("share_below"), "");
}

TEST_F(Study, RankingComparesKnownWithUnreported) {
  ScreenRequest request;
  request.run = run();
  request.output = folder() / "ranking.csv";
  screen(request, Execution{});
  std::vector<float> environments, unreported;
  for (const auto& row : small_data::read_cells(request.output)) {
    if (row[8] == "environments") environments.push_back(std::stof(row[3]));
    if (row[8].empty()) unreported.push_back(std::stof(row[3]));
  }
  small_data::write_file(folder() / "reported.csv", "phases\nCl F O\nBa Ca K\n");
  const auto rows = rows_of(study_ranking(run(), 3, {}, Execution{}));
  ASSERT_GE(rows.size(), 2u);
  EXPECT_EQ(rows.front().at("set"), "held_out");
  EXPECT_GT(std::stoi(rows.front().at("fields")), 10);
  EXPECT_LE(std::stoi(rows.front().at("fields")), 36);  // three members hold out a fifth each
  EXPECT_NEAR(std::stod(rows.front().at("median_percentile")), 50, 10);
  EXPECT_EQ(rows.back().at("set"), "unreported");
  EXPECT_EQ(rows.back().at("fields"), std::to_string(unreported.size()));
  if (!environments.empty()) {
    EXPECT_EQ(rows[1].at("set"), "environments");
    EXPECT_NEAR(std::stod(rows[1].at("roc_auc")), probability_of_less(environments, unreported), 1e-6);
  }
  const auto listed = rows_of(study_ranking(run(), 3, {{folder() / "reported.csv"}, {}}, Execution{}));
  EXPECT_EQ(listed.size(), rows.size() + 1);
  EXPECT_EQ(listed[listed.size() - 2].at("set"), "reported");
  EXPECT_EQ(listed[listed.size() - 2].at("fields"), "2");
  EXPECT_PRED2(contains, message_of<UsageError>([] { study_ranking(run(), 2, {}, Execution{}); }),
               "nothing to compare");
}

}  // namespace
}  // namespace phaseselect
