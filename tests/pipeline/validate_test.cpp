// Cross-validation: complete files, metrics that follow from the predictions, resume, nothing left after a failure.
#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "host/io/sealed_json.hpp"
#include "host/io/sha256.hpp"
#include "host/pipeline/baselines.hpp"
#include "host/pipeline/calibration.hpp"
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
  EXPECT_EQ(read_sealed(folder_ / "cv/metrics.json", "").dump(), metrics.dump());
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

// The baselines judge the same fields from the same fields, and the verdict counts what predictions.csv has.
TEST_F(Validate, TheVerdictFollowsFromThePredictionsAndTheSplits) {
  const nlohmann::json metrics = validate(request("cv"), Execution{});
  const auto rows = small_data::read_cells(folder_ / "cv/predictions.csv");
  int right = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) right += (std::stof(rows[i][6]) >= 0.5f) == (rows[i][3] == "1") ? 1 : 0;
  const nlohmann::json& verdict = metrics["verdict"];
  EXPECT_EQ(verdict["judged"], "calibrated");
  EXPECT_DOUBLE_EQ(verdict["accuracy"], right / 60.0);
  EXPECT_EQ(verdict["accuracy"], metrics["calibrated"]["pooled"]["accuracy"]);
  const Config config = request("cv").config;
  const PreparedData data = prepare(config);
  for (const auto& [name, judge] : {std::pair("prevalence", &prevalence), std::pair("nearest_field", &nearest_field)}) {
    const nlohmann::json& baseline = metrics["baselines"][name];
    const std::vector<SplitFold> folds = fold_plans(config, data).folds;
    ASSERT_EQ(baseline["folds"].size(), folds.size());
    for (std::size_t f = 0; f < folds.size(); ++f) {
      std::vector<std::uint8_t> labels;
      for (const std::uint32_t row : folds[f].judged) labels.push_back(data.problem.labels[row]);
      EXPECT_EQ(baseline["folds"][f]["accuracy"], compute_metrics(labels, judge(data, folds[f])).accuracy);
    }
    EXPECT_EQ(verdict["against"][name]["accuracy"], baseline["pooled"]["accuracy"]);
    EXPECT_NEAR(verdict["against"][name]["difference"].get<double>(),
                right / 60.0 - baseline["pooled"]["accuracy"].get<double>(), 1e-12);
  }
}

// Labels that nothing can be learned of.
TEST_F(Validate, NothingToLearnIsSaid) {
  std::string fields = "phases,Tc\n";
  std::istringstream lines(small_data::fields_csv());
  std::string line;
  std::getline(lines, line);
  for (unsigned i = 7; std::getline(lines, line); i = i * 1103515245u + 12345u) {
    fields += line.substr(0, line.find(',')) + (i >> 16 & 1u ? ",20\n" : ",1\n");
  }
  small_data::write_file(folder_ / "fields.csv", fields);
  const nlohmann::json metrics = validate(request("cv"), Execution{});
  EXPECT_TRUE(metrics["verdict"]["sentence"].get<std::string>().ends_with(": do not rely on it"));
}

// The verdict of the validation goes with its calibration into the run.
TEST_F(Validate, TheVerdictIsStoredWithTheCalibration) {
  const nlohmann::json metrics = validate(request("cv"), Execution{});
  TrainRequest training;
  training.config = request("cv").config;
  training.run = folder_ / "run";
  training.calibration = folder_ / "cv";
  EXPECT_EQ(train(training, Execution{})["calibration"]["verdict"], metrics["verdict"]);
  const auto stored = nlohmann::json::parse(small_data::read_file(folder_ / "run/run.json"));
  EXPECT_EQ(stored["calibration"]["verdict"], metrics["verdict"]);
  training.resume = true;
  EXPECT_EQ(train(training, Execution{})["calibration"]["verdict"], metrics["verdict"]) << "finished";
}

// A field must be judged by the members that did not see its fold, and by no others.
TEST_F(Validate, EachFoldIsJudgedByItsOwnMembers) {
  validate(request("cv"), Execution{});
  const auto rows = small_data::read_cells(folder_ / "cv/predictions.csv");
  const Config config = request("cv").config;
  const PreparedData data = prepare(config);
  const FoldPlans plans = fold_plans(config, data);
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
    const auto judges = [&](const SplitFold& each) {
      return std::binary_search(each.judged.begin(), each.judged.end(), row);
    };
    const auto fold =
        static_cast<std::size_t>(std::find_if(plans.folds.begin(), plans.folds.end(), judges) - plans.folds.begin());
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

// The calibration of a fold comes from the other folds alone.
TEST_F(Validate, CalibratedOutOfFold) {
  const nlohmann::json metrics = validate(request("cv"), Execution{});
  const auto rows = small_data::read_cells(folder_ / "cv/predictions.csv");
  ASSERT_EQ(rows[0].back(), "calibrated");
  std::vector<std::uint8_t> all_labels;
  std::vector<float> all_probabilities;
  for (int fold = 0; fold < 3; ++fold) {
    std::vector<std::uint8_t> labels, own_labels;
    std::vector<float> probabilities, calibrated;
    for (std::size_t i = 1; i < rows.size(); ++i) {
      if (rows[i][1] == std::to_string(fold)) {
        own_labels.push_back(rows[i][3] == "1");
        calibrated.push_back(std::stof(rows[i][6]));
      } else {
        labels.push_back(rows[i][3] == "1");
        probabilities.push_back(std::stof(rows[i][4]));
      }
    }
    const Calibration calibration = fit_calibration(labels, probabilities);
    const nlohmann::json& found = metrics["calibrated"]["folds"][static_cast<std::size_t>(fold)];
    EXPECT_NEAR(found["slope"].get<double>(), calibration.slope, 1e-6);
    EXPECT_NEAR(found["shift"].get<double>(), calibration.shift, 1e-6);
    EXPECT_NEAR(found["log_loss"].get<double>(), compute_metrics(own_labels, calibrated).log_loss, 1e-9);
    for (std::size_t i = 1; i < rows.size(); ++i) {
      if (rows[i][1] != std::to_string(fold)) continue;
      EXPECT_NEAR(std::stof(rows[i][6]), calibrate(std::stof(rows[i][4]), calibration), 1e-6);
      all_labels.push_back(rows[i][3] == "1");
      all_probabilities.push_back(std::stof(rows[i][4]));
    }
  }
  EXPECT_NEAR(metrics["calibration"]["slope"].get<double>(), fit_calibration(all_labels, all_probabilities).slope,
              1e-6);
}

// Fields by their row, with label and probability, and which rows each fold learned from.
struct OutOfFold {
  std::vector<PhaseField> fields;
  std::vector<std::uint8_t> labels;
  std::vector<float> probabilities, calibrated;
  std::vector<int> folds;
};

OutOfFold read_predictions(const std::filesystem::path& folder) {
  OutOfFold read;
  for (const auto& row : small_data::read_cells(folder / "predictions.csv")) {
    if (row[0] == "phases") continue;
    read.fields.push_back(parse_phase_field(row[0]));
    read.folds.push_back(std::stoi(row[1]));
    read.labels.push_back(row[3] == "1");
    read.probabilities.push_back(std::stof(row[4]));
    read.calibrated.push_back(std::stof(row[6]));
  }
  return read;
}

// Of the fields of fold `judged`, from the fields of the other folds (each field is judged once).
std::vector<Evidence> evidence_from_others(const Config& config, const OutOfFold& all, int judged) {
  const PreparedData data = prepare(config);
  Neighbourhood known(ElementSimilarity(data.problem.groups, data.matrix.elements));
  for (std::size_t i = 0; i < all.fields.size(); ++i) {
    if (all.folds[i] != judged) known.add(all.fields[i], all.labels[i] != 0);
  }
  std::vector<Evidence> evidence;
  for (std::size_t i = 0; i < all.fields.size(); ++i) {
    if (all.folds[i] == judged) evidence.push_back(known.evidence(all.fields[i]));
  }
  return evidence;
}

// Evidence of neighbours: the fold's from the fields that the fold learned from, its weights from the other folds.
TEST_F(Validate, CalibratedByNeighboursOutOfFold) {
  ValidateRequest asked = request("cv");
  asked.config.calibration.neighbours = true;
  const nlohmann::json metrics = validate(asked, Execution{});
  const OutOfFold all = read_predictions(folder_ / "cv");
  double most = 0;
  for (int fold = 0; fold < 3; ++fold) {
    std::vector<std::uint8_t> labels;
    std::vector<float> probabilities;
    std::vector<Evidence> evidence;
    for (int other = 0; other < 3; ++other) {
      if (other == fold) continue;
      for (std::size_t i = 0; i < all.fields.size(); ++i) {
        if (all.folds[i] != other) continue;
        labels.push_back(all.labels[i]);
        probabilities.push_back(all.probabilities[i]);
      }
      const std::vector<Evidence> part = evidence_from_others(asked.config, all, other);
      evidence.insert(evidence.end(), part.begin(), part.end());
    }
    const Calibration expected = fit_calibration(labels, probabilities, evidence);
    const nlohmann::json& found = metrics["calibrated"]["folds"][static_cast<std::size_t>(fold)];
    const nlohmann::json weights = to_json(expected)["neighbours"];  // items() does not keep it alive
    for (const auto& [name, weight] : weights.items()) {
      EXPECT_NEAR(found["neighbours"][name].get<double>(), weight.get<double>(), 1e-5) << name;
    }
    const std::vector<Evidence> own = evidence_from_others(asked.config, all, fold);
    std::size_t next = 0;
    for (std::size_t i = 0; i < all.fields.size(); ++i) {
      if (all.folds[i] != fold) continue;
      EXPECT_NEAR(all.calibrated[i], calibrate(all.probabilities[i], expected, own[next++]), 1e-5);
      const double alone = calibrate(all.probabilities[i], {expected.slope, expected.shift});
      most = std::max(most, std::abs(all.calibrated[i] - alone));
    }
  }
  EXPECT_GT(most, 0.02) << "the evidence counts";
}

// The neighbours of a run are its training fields; what it says follows from its own files.
TEST_F(Validate, ARunIsCalibratedByNeighbours) {
  ValidateRequest asked = request("cv");
  asked.config.calibration.neighbours = true;
  const nlohmann::json metrics = validate(asked, Execution{});
  TrainRequest training;
  training.config = asked.config;
  training.config.ensemble.members = 2;
  training.run = folder_ / "run";
  training.calibration = folder_ / "cv";
  train(training, Execution{});
  const PreparedData data = prepare(asked.config);
  Neighbourhood known(ElementSimilarity(data.problem.groups, data.matrix.elements));
  for (std::size_t i = 0; i < data.kept.size(); ++i) known.add(data.kept[i].field, data.problem.labels[i] != 0);
  const Calibration calibration = calibration_from_json(metrics["calibration"]);

  ScreenRequest screening;
  screening.run = folder_ / "run";
  screening.output = folder_ / "all.csv";
  screen(screening, Execution{});
  const auto rows = small_data::read_cells(folder_ / "all.csv");
  bool reordered = false;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const float probability = std::stof(rows[i][1]);
    EXPECT_NEAR(std::stof(rows[i].back()),
                calibrate(probability, calibration, known.evidence(parse_phase_field(rows[i][0]))), 1e-6);
    if (i == 1) continue;
    EXPECT_LE(std::stof(rows[i].back()), std::stof(rows[i - 1].back()) + 1e-6) << "best calibrated first";
    reordered |= probability > std::stof(rows[i - 1][1]);
  }
  EXPECT_TRUE(reordered);
  screening.output = folder_ / "best.csv";
  screening.top = 7;
  screen(screening, Execution{});
  const auto best = small_data::read_cells(folder_ / "best.csv");
  ASSERT_EQ(best.size(), 8u);
  EXPECT_TRUE(std::equal(best.begin(), best.end(), rows.begin()));
  const nlohmann::json explained = explain(folder_ / "run", rows[1][0], Execution{});
  const Neighbours neighbours = known.neighbours(parse_phase_field(rows[1][0]));
  EXPECT_EQ(explained["neighbours"]["substitutions"]["fields"], neighbours.substitutions.fields);
  EXPECT_EQ(explained["neighbours"]["extensions"]["positives"], neighbours.extensions.positives);
  EXPECT_NEAR(explained["calibrated"].get<double>(), std::stod(rows[1].back()), 1e-6);

  training.run = folder_ / "other";
  training.config.calibration.neighbours = false;
  EXPECT_PRED2(contains, message_of<UsageError>([&] { train(training, Execution{}); }),
               "of another configuration or of other tables");
}

TEST_F(Validate, ReliabilityCountsEveryFieldTwice) {
  validate(request("cv"), Execution{});
  std::map<std::string, int> fields, bins;
  for (const auto& row : small_data::read_cells(folder_ / "cv/reliability.csv")) {
    if (row[0] == "probability") continue;
    ++bins[row[0]];
    fields[row[0]] += std::stoi(row[3]);
    EXPECT_EQ(row[4].empty(), row[3] == "0");
    if (row[3] == "0") continue;
    EXPECT_GE(std::stod(row[4]), std::stod(row[1]) - 1e-4);
    EXPECT_LE(std::stod(row[4]), std::stod(row[2]) + 1e-4);
  }
  EXPECT_EQ(bins, (std::map<std::string, int>{{"raw", 15}, {"calibrated", 15}}));
  EXPECT_EQ(fields, (std::map<std::string, int>{{"raw", 60}, {"calibrated", 60}}));
}

TEST_F(Validate, WhatEachMemberSays) {
  ValidateRequest asked = request("cv");
  asked.member_predictions = true;
  validate(asked, Execution{});
  const auto rows = small_data::read_cells(folder_ / "cv/predictions.csv");
  const auto members = small_data::read_cells(folder_ / "cv/member_predictions.csv");
  ASSERT_EQ(members.size(), rows.size());
  EXPECT_EQ(members[0], (std::vector<std::string>{"phases", "fold", "label", "member_0", "member_1", "member_2"}));
  for (std::size_t i = 1; i < rows.size(); ++i) {
    EXPECT_EQ(members[i][0], rows[i][0]);
    EXPECT_EQ(members[i][1], rows[i][1]);
    const double mean = (std::stod(members[i][3]) + std::stod(members[i][4]) + std::stod(members[i][5])) / 3;
    EXPECT_NEAR(mean, std::stod(rows[i][4]), 1e-6);
  }
}

// A run says calibrated what the validation of its configuration found, and takes no other's word.
TEST_F(Validate, ARunIsCalibratedByAValidation) {
  const nlohmann::json metrics = validate(request("cv"), Execution{});
  TrainRequest training;
  training.config = request("cv").config;
  training.config.ensemble.members = 2;
  training.config.ensemble.seed = 99;
  training.run = folder_ / "run";
  training.calibration = folder_ / "cv";
  EXPECT_EQ(train(training, Execution{})["calibration"]["members"], 3);
  predict({folder_ / "run", folder_ / "fields.csv", folder_ / "out.csv", {}}, Execution{});
  const Calibration calibration{metrics["calibration"]["slope"], metrics["calibration"]["shift"]};
  const auto rows = small_data::read_cells(folder_ / "out.csv");
  ASSERT_EQ(rows[0][9], "calibrated");
  for (std::size_t i = 1; i < rows.size(); ++i) {
    EXPECT_NEAR(std::stof(rows[i][9]), calibrate(std::stof(rows[i][1]), calibration), 1e-6);
  }
  training.run = folder_ / "other";
  training.config.model.dropout = 0.3;
  const auto refusal = [&] { return message_of<UsageError>([&] { train(training, Execution{}); }); };
  EXPECT_PRED2(contains, refusal(), "of another configuration or of other tables");
  training.config = request("cv").config;
  small_data::write_file(folder_ / "fields.csv", small_data::fields_csv() + "Ba Ca Cl O,20\n");
  EXPECT_PRED2(contains, refusal(), "of another configuration or of other tables");
  training.calibration = folder_ / "run";
  EXPECT_PRED2(contains, refusal(), "is not the folder of a finished validation");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "other"));
}

// Every kind of split, and that splits.csv says what was done: no member learned from what is not "training".
TEST_F(Validate, HarderSplits) {
  ValidateRequest asked = request("cv");
  asked.config.validation.split = SplitKind::leave_element_out;
  asked.config.validation.elements = {"Na", "O", "K"};
  nlohmann::json metrics = validate(asked, Execution{});
  EXPECT_EQ(metrics["folds"][1]["holds_out"], "fields with O");
  EXPECT_EQ(metrics["pooled"]["fields"], 20 + 15 + 20);  // some fields are judged twice
  const auto judged = small_data::read_cells(folder_ / "cv/predictions.csv");
  std::vector<std::uint8_t> labels;
  std::vector<float> probabilities;
  for (std::size_t i = 1; i < judged.size(); ++i) {  // of those that fold 1 does not judge, in the order of the folds
    if ((" " + judged[i][0] + " ").find(" O ") != std::string::npos) continue;
    labels.push_back(judged[i][3] == "1");
    probabilities.push_back(std::stof(judged[i][4]));
  }
  const Calibration expected = fit_calibration(labels, probabilities);
  EXPECT_NEAR(metrics["calibrated"]["folds"][1]["slope"].get<double>(), expected.slope, 1e-6);
  EXPECT_NEAR(metrics["calibrated"]["folds"][1]["shift"].get<double>(), expected.shift, 1e-6);
  const auto splits = small_data::read_cells(folder_ / "cv/splits.csv");
  ASSERT_EQ(splits.size(), 61u);
  EXPECT_EQ(splits[0], (std::vector<std::string>{"phases", "label", "fold_0", "fold_1", "fold_2"}));
  for (std::size_t i = 1; i < splits.size(); ++i) {
    const bool oxide = (" " + splits[i][0] + " ").find(" O ") != std::string::npos;
    EXPECT_EQ(splits[i][3], oxide ? "judged" : "training");
  }
  const FoldPlans plans = fold_plans(asked.config, prepare(asked.config));
  for (const MemberPlan& plan : plans.members) {
    for (const auto* rows : {&plan.training, &plan.held_out}) {
      for (const std::uint32_t row : *rows) EXPECT_EQ(splits[row + 1][2 + plan.id / 3], "training");
    }
  }
  small_data::write_file(folder_ / "fields.csv",
                         small_data::fields_csv() + "Ba Ca Cl O,20\nBa Ca F O,3\nBa Na O S,1\n");
  ValidateRequest large = request("large");
  large.config.validation.split = SplitKind::arity;
  metrics = validate(large, Execution{});
  EXPECT_EQ(metrics["pooled"]["fields"], 3);
  EXPECT_EQ(metrics["folds"][0]["learned_from"], 60);
  EXPECT_TRUE(metrics["calibrated"].is_null());
  EXPECT_EQ(metrics["verdict"]["judged"], "probability");
  EXPECT_EQ(metrics["verdict"]["fields"], 3);
  EXPECT_EQ(small_data::read_cells(folder_ / "large/predictions.csv")[1].back(), "");
  ValidateRequest related = request("related");
  related.config.validation.split = SplitKind::supersets;
  metrics = validate(related, Execution{});
  EXPECT_EQ(metrics["pooled"]["fields"], 63);
  std::set<std::string> cells;
  for (const auto& row : small_data::read_cells(folder_ / "related/splits.csv"))
    cells.insert(row.begin() + 2, row.end());
  EXPECT_EQ(cells.count(""), 1u);  // somebody was left out
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
  for (const char* file : {"predictions.csv", "splits.csv", "reliability.csv", "roc.csv", "history.csv"}) {
    EXPECT_EQ(small_data::read_file(folder_ / "parts" / file), small_data::read_file(folder_ / "whole" / file)) << file;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "parts/checkpoint.safetensors"));
  const std::string metrics = small_data::read_file(folder_ / "parts/metrics.json");
  Execution noting;
  std::string notes;
  noting.note = [&](const std::string& text) { notes += text; };
  EXPECT_EQ(validate(resumed, noting), read_sealed(folder_ / "parts/metrics.json", ""));
  EXPECT_PRED2(contains, notes, "is already finished");
  EXPECT_EQ(small_data::read_file(folder_ / "parts/metrics.json"), metrics);
  ValidateRequest other = resumed;
  other.config.ensemble.seed += 1;
  EXPECT_PRED2(contains, message_of<Error>([&] { validate(other, Execution{}); }), "of another configuration");
  other = resumed;
  other.member_predictions = true;
  EXPECT_PRED2(contains, message_of<Error>([&] { validate(other, Execution{}); }), "has no member_predictions.csv");
}

TEST_F(Validate, ResumeBeginsWhereNothingIs) {
  validate(request("whole"), Execution{});
  ValidateRequest begun = request("begun");
  begun.resume = true;
  validate(begun, Execution{});
  EXPECT_EQ(small_data::read_file(folder_ / "begun/predictions.csv"),
            small_data::read_file(folder_ / "whole/predictions.csv"));
}

// Whoever edits a table while it is being learned from does not change what the result says it is of.
TEST_F(Validate, TheTableThatWasReadIsTheOneThatIsCertified) {
  const std::string table = small_data::read_file(folder_ / "fields.csv");
  const std::string read = sha256(std::as_bytes(std::span(table)));
  Execution editing;
  editing.progress = [&](double, const std::string&) { small_data::write_file(folder_ / "fields.csv", table + "\n"); };
  EXPECT_EQ(validate(request("cv"), editing).at("data").at("properties_sha256"), read);
  small_data::write_file(folder_ / "fields.csv", table);
  int rounds = 0;
  Execution stopping = editing;
  stopping.stop_requested = [&] { return ++rounds == 2; };
  EXPECT_THROW(validate(request("stopped"), stopping), Interrupted);
  ValidateRequest resumed = request("stopped");
  resumed.resume = true;
  EXPECT_PRED2(contains, message_of<Error>([&] { validate(resumed, Execution{}); }),
               "begun with another property table, whose bytes differ");
  small_data::write_file(folder_ / "fields.csv", table);
  EXPECT_EQ(validate(resumed, Execution{}).at("data").at("properties_sha256"), read);
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
  EXPECT_EQ(read_config(folder_ / "cv/config.yaml").data.properties, odd.config.data.properties);
  EXPECT_EQ(read_config(folder_ / "cv/config.yaml").data.property, odd.config.data.property);
  TrainRequest training;
  training.config = odd.config;
  training.run = folder_ / "run";
  train(training, Execution{});
  predict({folder_ / "run", folder_ / "na\xefve/fields.csv", folder_ / "judged.csv", {}}, Execution{});
}

TEST_F(Validate, BadRequestsLeaveNoFolder) {
  ValidateRequest folds = request("cv");
  folds.config.validation.folds = 200;
  EXPECT_PRED2(contains, message_of<UsageError>([&] { validate(folds, Execution{}); }), "200");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "cv"));
  ValidateRequest unwritable = request("cv");
  unwritable.directory = folder_ / "fields.csv/cv";
  EXPECT_PRED2(contains, message_of<Error>([&] { validate(unwritable, Execution{}); }), "cannot create the folder");
}

}  // namespace
}  // namespace phaseselect
