// Cross-validation: complete files, metrics that follow from the predictions, resume, nothing left after a failure.
#include <algorithm>
#include <map>

#include "host/pipeline/metrics.hpp"
#include "host/pipeline/population.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/error.hpp"
#include "tests/pipeline/commands_fixture.hpp"

namespace phaseselect {
namespace {

class Validate : public testing::Test {
 protected:
  void SetUp() override { small_data::write_tables(folder_); }

  ValidateRequest request(const std::string& directory) const {
    ValidateRequest result;
    result.config = read_config(folder_ / "config.yaml");
    result.directory = folder_ / directory;
    return result;
  }

  small_data::Folder folder_;
};

TEST_F(Validate, MetricsFollowFromThePredictions) {
  const nlohmann::json metrics = validate(request("cv"), Execution{});
  EXPECT_EQ(nlohmann::json::parse(small_data::read_file(folder_ / "cv/metrics.json")).dump(), metrics.dump());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "cv/checkpoint.safetensors"));
  const auto rows = small_data::read_cells(folder_ / "cv/predictions.csv");
  ASSERT_EQ(rows.size(), 61u);
  std::map<int, std::vector<std::uint8_t>> labels;
  std::map<int, std::vector<float>> probabilities;
  std::map<std::string, int> seen;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const int fold = std::stoi(rows[i][1]);
    ++seen[rows[i][0]];
    EXPECT_EQ(rows[i][3], std::stod(rows[i][2]) >= 10 ? "1" : "0");
    labels[fold].push_back(rows[i][3] == "1");
    probabilities[fold].push_back(std::stof(rows[i][4]));
  }
  EXPECT_EQ(seen.size(), 60u);
  ASSERT_EQ(labels.size(), 3u);
  double accuracy = 0;
  for (int fold = 0; fold < 3; ++fold) {
    EXPECT_EQ(labels[fold].size(), 20u);
    const Metrics expected = compute_metrics(labels[fold], probabilities[fold]);
    EXPECT_EQ(metrics["folds"][static_cast<std::size_t>(fold)]["accuracy"], expected.accuracy);
    EXPECT_EQ(metrics["folds"][static_cast<std::size_t>(fold)]["roc_auc"], expected.roc_auc);
    accuracy += expected.accuracy / 3;
  }
  EXPECT_NEAR(metrics["mean"]["accuracy"].get<double>(), accuracy, 1e-12);
  EXPECT_EQ(small_data::read_cells(folder_ / "cv/history.csv").size(), 1u + 3 * 3 * 4);
  EXPECT_EQ(read_config(folder_ / "cv/config.yaml").validation.folds, 3);
}

// A field must be judged by the members that did not see its fold, and by no others.
TEST_F(Validate, EachFoldIsJudgedByItsOwnMembers) {
  validate(request("cv"), Execution{});
  const auto rows = small_data::read_cells(folder_ / "cv/predictions.csv");
  const Config config = request("cv").config;
  const PreparedData data = prepare(config);
  const FoldPlans plans = fold_plans(config, data.problem);
  const std::unique_ptr<Engine> engine = make_cpu_engine(data.problem);
  PopulationOptions options;
  options.ranking = false;
  const std::vector<TrainedMember> members = train_population(*engine, data.problem, config, plans.members, options);
  const std::vector<float> ranking(ranking_layout(data.problem.architecture).size());
  for (Slot slot = 0; slot < 9; ++slot) {
    engine->open_trained(slot, members[static_cast<std::size_t>(slot)].classifier, ranking);
  }
  std::vector<float> probabilities(9 * 60);
  engine->probabilities(std::vector<Slot>{0, 1, 2, 3, 4, 5, 6, 7, 8}, data.problem.fields, probabilities);
  for (std::size_t row = 0; row < 60; ++row) {
    const std::size_t fold = plans.fold[row];
    double mean = 0;
    for (std::size_t m = 3 * fold; m < 3 * fold + 3; ++m) mean += probabilities[m * 60 + row] / 3.0;
    EXPECT_EQ(rows[row + 1][1], std::to_string(fold));
    EXPECT_NEAR(std::stod(rows[row + 1][4]), mean, 1e-6);
    for (std::size_t m = 3 * fold; m < 3 * fold + 3; ++m) {
      const auto& seen = plans.members[m].training;
      EXPECT_FALSE(std::binary_search(seen.begin(), seen.end(), row)) << "trained on the row it judges";
    }
  }
}

TEST_F(Validate, RocStartsAndEndsInTheCornersOfEachFold) {
  validate(request("cv"), Execution{});
  const auto rows = small_data::read_cells(folder_ / "cv/roc.csv");
  EXPECT_EQ(rows[0], (std::vector<std::string>{"fold", "threshold", "false_positive_rate", "true_positive_rate"}));
  EXPECT_EQ(rows[1], (std::vector<std::string>{"0", "inf", "0", "0"}));
  EXPECT_EQ(rows.back()[0], "2");
  EXPECT_EQ(rows.back()[2], "1");
  EXPECT_EQ(rows.back()[3], "1");
}

TEST_F(Validate, InterruptedAndResumedEqualsUninterrupted) {
  validate(request("whole"), Execution{});
  int rounds = 0;
  Execution stopping;
  stopping.stop_requested = [&] { return ++rounds == 2; };
  const std::string message = message_of<Interrupted>([&] { validate(request("parts"), stopping); });
  EXPECT_PRED2(contains, message, "--resume");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "parts/checkpoint.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "parts/metrics.json"));
  ValidateRequest resumed = request("parts");
  EXPECT_PRED2(contains, message_of<UsageError>([&] { validate(resumed, Execution{}); }), "exists already");
  resumed.resume = true;
  validate(resumed, Execution{});
  for (const char* file : {"predictions.csv", "roc.csv", "history.csv"}) {
    EXPECT_EQ(small_data::read_file(folder_ / "parts" / file), small_data::read_file(folder_ / "whole" / file)) << file;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "parts/checkpoint.safetensors"));
  EXPECT_PRED2(contains, message_of<UsageError>([&] { validate(resumed, Execution{}); }), "complete");
}

// Stops a validation after its first round.
class InterruptedValidation : public Validate {
 protected:
  void SetUp() override {
    Validate::SetUp();
    Execution stopping;
    stopping.stop_requested = [] { return true; };
    EXPECT_THROW(validate(request("cv"), stopping), Interrupted);
  }
  ValidateRequest resumed(const std::string& directory = "cv") const {
    ValidateRequest result = request(directory);
    result.resume = true;
    return result;
  }
  std::map<std::string, std::string> contents(const std::string& directory) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / directory)) {
      files[entry.path().filename().string()] = small_data::read_file(entry.path());
    }
    return files;
  }
  // Resuming in `directory` is a usage error that says `part`, and leaves every file as it was.
  void expect_untouched(const std::string& directory, const std::string& part) const {
    const auto before = contents(directory);
    EXPECT_PRED2(contains, message_of<UsageError>([&] { validate(resumed(directory), Execution{}); }), part);
    EXPECT_EQ(contents(directory), before) << directory;
  }
};

TEST_F(InterruptedValidation, FoldersOfOthersAreNotResumed) {
  TrainRequest training;
  training.config = request("run").config;
  training.run = folder_ / "run";
  train(training, Execution{});
  expect_untouched("run", "holds other files");
  training.run = folder_ / "stopped";
  Execution stopping;
  stopping.stop_requested = [] { return true; };
  EXPECT_THROW(train(training, stopping), Interrupted);
  expect_untouched("stopped", "is not of a validation");
  std::filesystem::create_directory(folder_ / "mine");
  small_data::write_file(folder_ / "mine/history.csv", "my own");
  expect_untouched("mine", "holds other files");
  std::filesystem::create_directory(folder_ / "named");
  small_data::write_file(folder_ / "named/thesis.partial-draft", "my own");
  expect_untouched("named", "holds other files");
  training.run = folder_ / "cv";
  training.resume = true;
  EXPECT_PRED2(contains, message_of<Error>([&] { train(training, Execution{}); }), "belongs to another run");
  validate(resumed(), Execution{});
}

TEST_F(InterruptedValidation, AnotherConfigurationChangesNothing) {
  const auto before = contents("cv");
  ValidateRequest other = resumed();
  other.config.training.batch = 9;
  EXPECT_PRED2(contains, message_of<Error>([&] { validate(other, Execution{}); }), "batch: 9");
  EXPECT_EQ(contents("cv"), before);
  std::filesystem::remove(folder_ / "cv/checkpoint.safetensors");  // killed before the first checkpoint
  EXPECT_PRED2(contains, message_of<Error>([&] { validate(other, Execution{}); }), "another configuration");
  validate(resumed(), Execution{});
  EXPECT_TRUE(std::filesystem::exists(folder_ / "cv/metrics.json"));
}

TEST_F(InterruptedValidation, WhatAKilledProcessLeftIsRemoved) {
  small_data::write_file(folder_ / "cv/checkpoint.safetensors.partial-4194304", "half");
  validate(resumed(), Execution{});
  EXPECT_EQ(contents("cv").count("checkpoint.safetensors.partial-4194304"), 0u);
}

// A header in Latin-1 (a degree sign) and a folder named in it.
TEST_F(Validate, TextThatIsNotUtf8) {
  std::filesystem::create_directory(folder_ / "na\xefve");
  small_data::write_file(folder_ / "na\xefve/fields.csv",
                         "phases,Tc \xb0K" + small_data::fields_csv().substr(std::string("phases,Tc").size()));
  ValidateRequest odd = request("cv");
  odd.config.data.properties = folder_ / "na\xefve/fields.csv";
  odd.config.data.property = "Tc \xb0K";
  Execution stopping;
  stopping.stop_requested = [] { return true; };
  EXPECT_THROW(validate(odd, stopping), Interrupted);
  odd.resume = true;
  validate(odd, Execution{});
  const auto metrics = nlohmann::json::parse(small_data::read_file(folder_ / "cv/metrics.json"));
  EXPECT_TRUE(metrics.contains("mean"));
}

TEST_F(Validate, BadRequestsLeaveNoFolder) {
  ValidateRequest folds = request("cv");
  folds.config.validation.folds = 200;
  EXPECT_PRED2(contains, message_of<UsageError>([&] { validate(folds, Execution{}); }), "200");
  ValidateRequest missing = request("cv");
  missing.resume = true;
  EXPECT_PRED2(contains, message_of<UsageError>([&] { validate(missing, Execution{}); }), "nothing to resume");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "cv"));
  ValidateRequest unwritable = request("cv");
  unwritable.directory = folder_ / "fields.csv/cv";
  EXPECT_PRED2(contains, message_of<Error>([&] { validate(unwritable, Execution{}); }), "cannot create the folder");
}

}  // namespace
}  // namespace phaseselect
