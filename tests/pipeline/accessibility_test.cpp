// The learned accessibility: who trains on what, who judges whom, and what commands make of it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "host/io/sealed_json.hpp"
#include "host/pipeline/accessibility_data.hpp"
#include "host/pipeline/loaded_run.hpp"
#include "host/pipeline/result_directory.hpp"
#include "phaseselect/error.hpp"
#include "tests/pipeline/commands_fixture.hpp"

namespace phaseselect {
namespace {

using SavedRun = Run;  // a test has a Run of its own

constexpr int folds = 3;
constexpr int accessibility_members = 6;

using Settings = std::vector<std::string>;
const Settings usual{"accessibility.members=6", "accessibility.folds=3", "accessibility.unreported=2",
                     "accessibility.epochs=3", "accessibility.batch=8"};

Config accessibility_config(const small_data::Folder& folder, const Settings& settings = usual) {
  return read_config(folder / "config.yaml", settings);
}

// A run with accessibility members, trained once, beside one without.
class Accessibility : public SmallRun {
 protected:
  static void SetUpTestSuite() {
    SmallRun::SetUpTestSuite();
    if (std::filesystem::exists(judging_run())) return;
    train_into(judging_run());
  }
  static std::filesystem::path judging_run() { return folder() / "judging"; }

  static void train_into(const std::filesystem::path& run, bool resume = false, int stop_after = 0,
                         std::optional<std::pair<std::uint32_t, std::uint32_t>> members = std::nullopt,
                         const Settings& settings = usual) {
    TrainRequest request;
    request.config = accessibility_config(folder(), settings);
    request.run = run;
    request.resume = resume;
    request.members = members;
    Execution execution;
    execution.threads = 1;
    int rounds = 0;
    execution.stop_requested = [&] { return ++rounds == stop_after; };
    train(request, execution);
  }

  static std::string result_bytes(const std::filesystem::path& run) {
    std::string bytes;
    for (const char* name :
         {"members.safetensors", "history.csv", accessibility_file_name, accessibility_history_file_name}) {
      bytes += small_data::read_file(run / name);
    }
    EXPECT_GT(std::filesystem::file_size(run / accessibility_file_name), 1000u);
    return bytes;
  }

  static std::vector<std::vector<std::string>> screened(const std::string& output, RankBy order = RankBy::automatic,
                                                        std::size_t top = 0) {
    ScreenRequest request;
    request.run = judging_run();
    request.output = folder() / output;
    request.order = order;
    request.top = top;
    screen(request, Execution{});
    auto rows = small_data::read_cells(request.output);
    rows.erase(rows.begin());
    return rows;
  }
};

// The fields of a problem as they are written, by number.
std::vector<PhaseField> fields_of(const Problem& problem, const std::vector<Element>& elements) {
  std::vector<PhaseField> fields;
  const auto slots = static_cast<std::size_t>(problem.fields.slots);
  for (std::size_t i = 0; i < problem.fields.size(); ++i) {
    std::vector<Element> of_field;
    for (std::size_t s = 0; s < slots && problem.fields.rows[i * slots + s] >= 0; ++s) {
      of_field.push_back(elements[static_cast<std::size_t>(problem.fields.rows[i * slots + s])]);
    }
    fields.emplace_back(of_field);
  }
  return fields;
}

TEST_F(Accessibility, PlansHoldBackTheirFoldAndKnownFieldsAreNeverUnreported) {
  const Config config = accessibility_config(folder());
  const PreparedData data = prepare(config);
  const AccessibilityData known = accessibility_data(config, data, 0, accessibility_members);
  std::set<PhaseField> expected(data.matrix.fields.begin(), data.matrix.fields.end());
  for (const FieldRecord& record : data.kept) expected.insert(record.field);
  EXPECT_EQ(known.known, expected.size());
  const std::vector<PhaseField> fields = fields_of(known.problem, data.matrix.elements);
  EXPECT_EQ(std::set<PhaseField>(fields.begin(), fields.end()).size(), fields.size()) << "a field twice";
  for (std::size_t i = 0; i < fields.size(); ++i) {
    EXPECT_EQ(known.problem.labels[i], expected.count(fields[i])) << to_string(fields[i]);
  }
  ASSERT_EQ(known.members.size(), static_cast<std::size_t>(accessibility_members));
  std::set<std::vector<std::uint32_t>> unreported_of_fold_0;
  for (const MemberPlan& plan : known.members) {
    const int own = left_out_fold(plan.id, folds);
    std::map<int, std::size_t> positives, negatives;
    std::vector<std::uint32_t> unreported;
    EXPECT_TRUE(std::is_sorted(plan.training.begin(), plan.training.end()));
    for (const std::uint32_t row : plan.training) {
      EXPECT_NE(accessibility_fold(FieldKey(fields[row]), folds, config.ensemble.seed), own) << to_string(fields[row]);
      ++(known.problem.labels[row] != 0 ? positives : negatives)[fields[row].size()];
      if (known.problem.labels[row] == 0) unreported.push_back(row);
    }
    for (const std::uint32_t row : plan.held_out) {
      EXPECT_EQ(accessibility_fold(FieldKey(fields[row]), folds, config.ensemble.seed), own) << to_string(fields[row]);
    }
    EXPECT_FALSE(plan.held_out.empty());
    std::size_t eligible = 0;  // unreported ternaries of other folds
    for (std::size_t i = 0; i < data.matrix.elements.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        for (std::size_t k = 0; k < j; ++k) {
          const auto& e = data.matrix.elements;
          const PhaseField field({e[i], e[j], e[k]});
          const bool other = accessibility_fold(FieldKey(field), folds, config.ensemble.seed) != own;
          eligible += other && expected.count(field) == 0 ? 1 : 0;
        }
      }
    }
    EXPECT_EQ(negatives[3], std::min(2 * positives[3], eligible));
    std::size_t all = 0;
    for (const PhaseField& field : expected) {
      all += accessibility_fold(FieldKey(field), folds, config.ensemble.seed) != own ? 1 : 0;
    }
    EXPECT_EQ(positives[1] + positives[2] + positives[3], all) << "a known field of another fold is missing";
  }
}

// With many more combinations than known fields, each member draws others.
TEST_F(Accessibility, MembersDrawTheirOwnUnreportedFieldsWithoutReplacement) {
  const small_data::Folder wide;
  small_data::write_tables(wide);
  std::string formulas = "formula\n";
  for (int z = 0; z < 60; ++z) {
    formulas += std::string(symbol(Element(z))) + std::string(symbol(Element(z + 1))) + "O\n";
    formulas += std::string(symbol(Element(z))) + "F2\n";
  }
  small_data::write_file(wide / "formulas.csv", formulas + "BaO\nCaO\nKCl\nLiF\nMgS\nNaCl\nKO\nLiO\nNaO\n");
  const Config config = accessibility_config(wide);
  const PreparedData data = prepare(config);
  const auto sampled = [&](std::uint32_t first, std::uint32_t last, std::uint32_t member) {
    const AccessibilityData known = accessibility_data(config, data, first, last);
    const std::vector<PhaseField> fields = fields_of(known.problem, data.matrix.elements);
    std::vector<PhaseField> training;
    std::set<PhaseField> unreported;
    std::size_t positives = 0, negatives = 0;
    for (const std::uint32_t row : known.members[member - first].training) {
      training.push_back(fields[row]);
      if (fields[row].size() != 3) continue;
      ++(known.problem.labels[row] != 0 ? positives : negatives);
      if (known.problem.labels[row] == 0) unreported.insert(fields[row]);
    }
    EXPECT_EQ(negatives, 2 * positives);
    EXPECT_EQ(unreported.size(), negatives);
    return std::pair(training, unreported);
  };
  EXPECT_EQ(sampled(0, 6, 3), sampled(3, 4, 3)) << "what a member learns depends on who else is there";
  EXPECT_NE(sampled(0, 6, 3).second, sampled(0, 6, 0).second) << "members of one fold draw the same fields";
}

// The test that fails when somebody judges a field that he trained on.
TEST_F(Accessibility, EveryFieldIsJudgedByTheMembersThatLeftItOut) {
  LoadedRun loaded(judging_run(), Execution{});
  ASSERT_TRUE(loaded.accessibility().complete());
  const Config config = accessibility_config(folder());
  const PreparedData data = prepare(config);
  const AccessibilityData known = accessibility_data(config, data, 0, accessibility_members);
  const OverMembers judged = loaded.accessibility().judge(loaded.engine(), known.problem.fields);
  std::set<int> seen;
  for (std::uint32_t row = 0; row < known.problem.fields.size(); ++row) {
    const FieldSet field = gather(known.problem.fields, std::vector<std::uint32_t>{row});
    const int fold = loaded.accessibility().fold(field.rows);
    seen.insert(fold);
    const std::vector<Slot>& judges = loaded.accessibility().slots_of_fold(fold);
    ASSERT_EQ(judges.size(), 2u);
    double sum = 0, squares = 0;
    for (const Slot slot : judges) {
      const std::uint32_t id =
          loaded.contents().accessibility_members[static_cast<std::size_t>(slot - loaded.run().members())];
      const std::vector<std::uint32_t>& training = known.members[id].training;
      EXPECT_FALSE(std::binary_search(training.begin(), training.end(), row)) << "member " << id << " saw it";
      float p = 0;
      loaded.engine().probabilities(std::span(&slot, 1), field, std::span(&p, 1));
      sum += p;
      squares += static_cast<double>(p) * p;
    }
    EXPECT_NEAR(judged.mean[row], sum / 2, 1e-6);
    EXPECT_NEAR(judged.deviation[row], std::sqrt(std::max(0.0, squares / 2 - sum * sum / 4)), 1e-3);
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(folds));
}

TEST_F(Accessibility, MembersLearnWithoutTouchingTheEnsemble) {
  EXPECT_EQ(small_data::read_file(run() / "history.csv"), small_data::read_file(judging_run() / "history.csv"));
  const auto history = small_data::read_cells(judging_run() / accessibility_history_file_name);
  EXPECT_EQ(history.size(), 1u + 3 * accessibility_members);
  const SavedRun first(run()), second(judging_run());
  const auto weights = [](const SafetensorsReader& file) { return file.read_all<float>("encoder.bias"); };
  EXPECT_EQ(weights(first.file()), weights(second.file()));
  EXPECT_EQ(first.accessibility_file(), nullptr);
  EXPECT_NE(weights(second.file()), weights(*second.accessibility_file()));
  Config config = accessibility_config(folder());
  config.training.class_weights = ClassWeights::none;
  EXPECT_EQ(accessibility_training(config).training.class_weights, ClassWeights::balanced);
  EXPECT_NE(accessibility_training(config).ensemble.seed, config.ensemble.seed)
      << "the first weights would be the same";
}

TEST_F(Accessibility, InterruptedAnywhereAndResumedGivesTheSameBits) {
  const std::string expected = result_bytes(judging_run());
  int stopped = 0, in_accessibility = 0;
  for (int rounds = 1; rounds < 60; ++rounds) {
    const std::filesystem::path run = folder() / ("resumed" + std::to_string(rounds));
    bool done = false;
    try {
      train_into(run, false, rounds);
      done = true;
    } catch (const Interrupted&) {
      ++stopped;
      in_accessibility += std::filesystem::exists(run / accessibility_file_name) ? 0 : 1;
      EXPECT_FALSE(std::filesystem::exists(run / "members.safetensors"));
      train_into(run, true);
    }
    EXPECT_EQ(result_bytes(run), expected) << "stopped after " << rounds << " rounds";
    EXPECT_FALSE(std::filesystem::exists(run / "checkpoint.safetensors"));
    if (done) break;
  }
  EXPECT_GE(in_accessibility, 2);
  EXPECT_GT(stopped, in_accessibility) << "never stopped while the ensemble trained";
}

// Killed after the accessibility members were written, before the ensemble had a checkpoint.
TEST_F(Accessibility, ResumesBetweenTheTwo) {
  const std::filesystem::path run = folder() / "between";
  EXPECT_THROW(train_into(run, false, 2), Interrupted);
  std::filesystem::copy_file(judging_run() / accessibility_file_name, run / accessibility_file_name);
  std::filesystem::copy_file(judging_run() / accessibility_history_file_name, run / accessibility_history_file_name);
  train_into(run, true);
  EXPECT_EQ(result_bytes(run), result_bytes(judging_run()));
}

// The same, killed before there was any checkpoint.
TEST_F(Accessibility, ResumesBetweenTheTwoWithoutACheckpoint) {
  const std::filesystem::path run = folder() / "between_without";
  std::filesystem::create_directory(run);
  for (const char* file : {configuration_file_name, accessibility_file_name, accessibility_history_file_name}) {
    std::filesystem::copy_file(judging_run() / file, run / file);
  }
  train_into(run, true);
  EXPECT_EQ(result_bytes(run), result_bytes(judging_run()));
}

TEST_F(Accessibility, ResumeRefusesAnotherConfigurationOrDamage) {
  const std::filesystem::path run = folder() / "other";
  EXPECT_THROW(train_into(run, false, 20), Interrupted);
  ASSERT_TRUE(std::filesystem::exists(run / accessibility_file_name));
  const auto refusal = [&](const Settings& settings) {
    return message_of<Error>([&] { train_into(run, true, 0, std::nullopt, settings); });
  };
  Settings other = usual;
  other[3] = "accessibility.epochs=4";
  EXPECT_PRED2(contains, refusal(other), "configuration differs");
  std::filesystem::remove(run / accessibility_file_name);
  EXPECT_PRED2(contains, refusal(usual), "has no accessibility.safetensors");
}

TEST_F(Accessibility, RangesMergeToTheWholeRun) {
  train_into(folder() / "part0", false, 0, std::pair(0u, 1u));
  train_into(folder() / "part1", false, 0, std::pair(1u, 3u));
  EXPECT_TRUE(merge_runs({folder() / "part1", folder() / "part0"}, folder() / "joined").missing.empty());
  EXPECT_EQ(result_bytes(folder() / "joined"), result_bytes(judging_run()));
  EXPECT_EQ(SavedRun(folder() / "joined").contents().run["accessibility"]["members"], accessibility_members);
  // A part with members for two of three folds judges nothing, and says so.
  std::vector<std::string> notes;
  Execution execution;
  execution.note = [&](const std::string& note) { notes.push_back(note); };
  predict({folder() / "part0", folder() / "fields.csv", folder() / "part.csv", {}}, execution);
  EXPECT_PRED2(contains, joined(notes), "2 of the ensemble's 6 accessibility members");
  EXPECT_EQ(small_data::read_cells(folder() / "part.csv")[1][6], "");
}

// Two accessibility members for three of the ensemble: the first range has none.
TEST_F(Accessibility, ARangeMayBeTooSmallForAnAccessibilityMember) {
  const Settings few{"accessibility.members=2", "accessibility.folds=2", "accessibility.epochs=2",
                     "accessibility.batch=8"};
  train_into(folder() / "whole2", false, 0, std::nullopt, few);
  for (std::uint32_t m = 0; m < 3; ++m) {
    train_into(folder() / ("small" + std::to_string(m)), false, 0, std::pair(m, m + 1), few);
  }
  EXPECT_EQ(SavedRun(folder() / "small0").accessibility_members(), 0);
  merge_runs({folder() / "small0", folder() / "small1", folder() / "small2"}, folder() / "joined2");
  EXPECT_EQ(result_bytes(folder() / "joined2"), result_bytes(folder() / "whole2"));
}

TEST_F(Accessibility, ColumnsOfPredictAndExplain) {
  predict({judging_run(), folder() / "fields.csv", folder() / "judged.csv", {}}, Execution{});
  const auto rows = small_data::read_cells(folder() / "judged.csv");
  EXPECT_EQ(rows[0][6], "accessibility");
  EXPECT_EQ(rows[0][7], "accessibility_std");
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const double accessibility = std::stod(rows[i][6]);
    EXPECT_TRUE(accessibility >= 0 && accessibility <= 1);
    EXPECT_GE(std::stod(rows[i][7]), 0);
  }
  const nlohmann::json explained = explain(judging_run(), rows[1][0], Execution{});
  EXPECT_FLOAT_EQ(explained["accessibility"].get<float>(), std::stof(rows[1][6]));
  EXPECT_TRUE(explain(run(), rows[1][0], Execution{})["accessibility"].is_null());
}

TEST_F(Accessibility, ScreeningRanksByTheProductUnlessAskedOtherwise) {
  const auto product = [](const auto& row) { return std::stof(row[1]) * std::stof(row[6]); };
  const auto by_product = screened("product.csv");
  ASSERT_EQ(by_product.size(), static_cast<std::size_t>(small_data::ternaries));
  for (std::size_t i = 1; i < by_product.size(); ++i) EXPECT_GE(product(by_product[i - 1]), product(by_product[i]));
  const auto by_accessibility = screened("accessibility.csv", RankBy::accessibility);
  const auto by_probability = screened("probability.csv", RankBy::probability);
  for (std::size_t i = 1; i < by_product.size(); ++i) {
    EXPECT_GE(std::stof(by_accessibility[i - 1][6]), std::stof(by_accessibility[i][6]));
    EXPECT_GE(std::stof(by_probability[i - 1][1]), std::stof(by_probability[i][1]));
  }
  EXPECT_NE(by_product, by_probability);
  EXPECT_NE(by_product, by_accessibility);
  for (const RankBy order : {RankBy::automatic, RankBy::probability, RankBy::accessibility}) {
    const auto all = screened("all.csv", order);
    const auto top = screened("top.csv", order, 7);
    ASSERT_EQ(top.size(), 7u);
    EXPECT_TRUE(std::equal(top.begin(), top.end(), all.begin()));
  }
  // The same as predict says.
  std::string list = "phases\n";
  for (const auto& row : by_product) list += row[0] + "\n";
  small_data::write_file(folder() / "list.csv", list);
  predict({judging_run(), folder() / "list.csv", folder() / "predicted.csv", {}}, Execution{});
  std::string ranking;
  for (const auto& row : small_data::read_cells(folder() / "predicted.csv")) {
    if (row.front() != "phases") ranking += fmt::format("{}\n", fmt::join(row.begin(), row.end() - 1, ","));
  }
  const std::string screened_text = small_data::read_file(folder() / "product.csv");
  EXPECT_EQ(ranking, screened_text.substr(screened_text.find('\n') + 1));
}

// The product is that of the calibrated probability, also where the neighbours do not count.
TEST_F(Accessibility, ScreeningRanksByTheCalibratedProduct) {
  const std::filesystem::path run = folder() / "calibrated";
  std::filesystem::copy(judging_run(), run);
  nlohmann::json description = read_sealed(run / "run.json", "");
  const auto rank = [&](const Calibration& calibration) {
    description["calibration"] = to_json(calibration);
    small_data::write_file(run / "run.json", sealed_text(description));
    ScreenRequest request;
    request.run = run;
    request.output = folder() / "calibrated.csv";
    screen(request, Execution{});
    auto rows = small_data::read_cells(request.output);
    rows.erase(rows.begin());
    return rows;
  };
  for (const Calibration& calibration : {Calibration{3, -1}, Calibration{0.5, 0, Evidence{1, 0.5, 1, 0, 1, 0}}}) {
    const auto rows = rank(calibration);
    bool reordered = false;
    for (std::size_t i = 1; i < rows.size(); ++i) {
      const auto product = [&](std::size_t row, std::size_t column) {
        return std::stof(rows[row][column]) * std::stof(rows[row][6]);
      };
      EXPECT_GE(product(i - 1, 9), product(i, 9) - 1e-7f);
      reordered |= product(i - 1, 1) < product(i, 1) - 1e-6f;
    }
    EXPECT_TRUE(reordered) << "the raw product has another order";
  }
  description["calibration"] = {{"slope", 1}, {"validation", "somewhere"}};
  small_data::write_file(run / "run.json", sealed_text(description));
  EXPECT_PRED2(contains, message_of<Error>([&] { LoadedRun(run, Execution{}); }),
               "run.json is damaged (its calibration lacks a number)");
}

TEST_F(Accessibility, ARunWithoutSaysSoAndKeepsTheOrderByProbability) {
  ScreenRequest request;
  request.run = run();
  request.output = folder() / "plain.csv";
  std::vector<std::string> notes;
  Execution execution;
  execution.note = [&](const std::string& note) { notes.push_back(note); };
  const nlohmann::json result = screen(request, execution);
  EXPECT_EQ(result["order"], "probability");
  EXPECT_PRED2(contains, joined(notes), "no accessibility members");
  const auto rows = small_data::read_cells(request.output);
  EXPECT_EQ(rows[1][6], "");
  for (std::size_t i = 2; i < rows.size(); ++i) EXPECT_GE(std::stof(rows[i - 1][1]), std::stof(rows[i][1]));
  request.order = RankBy::product;
  EXPECT_PRED2(contains, message_of<UsageError>([&] { screen(request, execution); }), "does not judge accessibility");
}

TEST_F(Accessibility, MeasuresKnownAgainstOtherFields) {
  small_data::write_file(folder() / "reported.csv", "phases\nBa Ca O\nCl F O\nBa Ca K\n");
  AccessibilityRequest request;
  request.run = judging_run();
  request.output = folder() / "measured.csv";
  request.reported = folder() / "reported.csv";
  const nlohmann::json result = measure_accessibility(request, Execution{});
  EXPECT_EQ(result["fields"], small_data::ternaries);
  ASSERT_EQ(result["measures"].size(), 4u);
  EXPECT_EQ(result["measures"][0]["positives"], 60);
  EXPECT_EQ(result["measures"][0]["negatives"], 60);
  EXPECT_EQ(result["measures"][1]["positives"], 36) << "ternary fields of the formulas";
  EXPECT_EQ(result["measures"][2]["positives"], 2);
  EXPECT_EQ(result["measures"][2]["negatives"], 58);
  // The area once more, pair by pair, from what was written.
  const auto rows = small_data::read_cells(request.output);
  ASSERT_EQ(rows[0], (std::vector<std::string>{"phases", "fold", "accessibility", "accessibility_std",
                                               "reconstruction_error", "element_frequency", "known"}));
  double wins = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    for (std::size_t j = 1; j < rows.size(); ++j) {
      const auto is_known = [&](std::size_t r) {
        return contains(rows[r][6], "training") || contains(rows[r][6], "environments");
      };
      if (!is_known(i) || is_known(j)) continue;
      const double a = std::stod(rows[i][2]), b = std::stod(rows[j][2]);
      wins += a > b ? 1 : a == b ? 0.5 : 0;
    }
  }
  EXPECT_NEAR(result["measures"][0]["accessibility"].get<double>(), wins / (60 * 60), 1e-6);
  request.run = run();
  request.output = folder() / "never.csv";
  EXPECT_PRED2(contains, message_of<UsageError>([&] { measure_accessibility(request, Execution{}); }),
               "does not judge accessibility");
}

TEST_F(Accessibility, NothingToTellApartIsAnError) {
  const small_data::Folder tiny;
  small_data::write_tables(tiny);
  // Every combination of the three elements is known.
  small_data::write_file(tiny / "formulas.csv", "formula\nLiNa\nLiO\nNaO\nLiNaO\n");
  small_data::write_file(tiny / "fields.csv", "phases,Tc\nLi,20\nO,3\nNa,2\nLi Na O,2\n");
  EXPECT_PRED2(contains, message_of<UsageError>([&] {
                 const Config config = accessibility_config(tiny);
                 accessibility_data(config, prepare(config), 0, accessibility_members);
               }),
               "and 0 unreported fields");
}

// Known values: folds belong to the format, a run is read by later programs.
TEST(AccessibilityFold, IsAFunctionOfTheElementsAndTheSeed) {
  std::vector<int> counts(5, 0);
  for (int a = 0; a < 80; ++a) {
    for (int b = 0; b < a; ++b) {
      const FieldKey key(PhaseField({Element(a), Element(b)}));
      EXPECT_EQ(accessibility_fold(key, 5, 1),
                accessibility_fold(FieldKey(PhaseField({Element(b), Element(a)})), 5, 1));
      ++counts[static_cast<std::size_t>(accessibility_fold(key, 5, 1))];
    }
  }
  for (const int count : counts) EXPECT_NEAR(count, 80 * 79 / 2 / 5, 80);
  EXPECT_EQ(left_out_fold(7, 5), 2);
}

}  // namespace
}  // namespace phaseselect
