// The whole pipeline through the binary on small tables.
#include <sched.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/fixture.hpp"

namespace phaseselect {
namespace {

using small_data::read_cells;
using small_data::read_file;

class EndToEnd : public CommandLine {};

TEST_F(EndToEnd, HelpAndVersion) {
  const Outcome help = call({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_EQ(help.err, "");
  for (const char* command : {"aggregate", "inspect", "train", "merge", "validate", "study", "predict", "screen", "map",
                              "accessibility", "explain", "export"}) {
    EXPECT_PRED2(contains, help.out, command);
    const Outcome of_command = call({command, "--help"});
    EXPECT_EQ(of_command.code, 0) << command;
    EXPECT_PRED2(contains, of_command.out, "--quiet");
  }
  const Outcome version = call({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out.rfind("phaseselect ", 0), 0u) << version.out;
}

TEST_F(EndToEnd, CompositionsBecomeFields) {
  small_data::write_file(folder() / "compositions.csv", "formula,Tc\nLi2O,3\nLi4O2,5\nNaCl,1\n");
  const Outcome outcome = call({"aggregate", "compositions.csv", "-o", "-"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "phases,Tc,n_compositions,minimum,maximum_formula\nCl Na,1,1,1,NaCl\nLi O,5,2,3,Li4O2\n");
  EXPECT_EQ(outcome.err,
            "property 'Tc': 3 values from 1 to 5 (guessed: no other column can be the property)\n"
            "3 rows, 2 phase fields, 0 rows rejected\n");
  const Outcome named = call({"aggregate", "compositions.csv", "--property", "Tc", "-o", "-", "--quiet"});
  EXPECT_EQ(named.out, outcome.out);
  EXPECT_EQ(named.err, "");
}

TEST_F(EndToEnd, InspectAsTextAndJson) {
  const Outcome text = call({"inspect", "config.yaml"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_PRED2(contains, text.out, "84 formulas, 84 distinct, 10 elements");
  EXPECT_PRED2(contains, text.out, "60 fields");
  const Outcome json = call({"inspect", "config.yaml", "--json", "--quiet"});
  EXPECT_EQ(nlohmann::json::parse(json.out)["environments"]["elements"], small_data::elements);
}

TEST_F(EndToEnd, ScreenIsCompleteAndSorted) {
  const Outcome outcome = call({"screen", "run", "-o", "screen.csv"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "");
  EXPECT_PRED2(contains, outcome.err, "120 candidates of 3 elements out of 10; 60 of them are known");
  const auto rows = read_cells(folder() / "screen.csv");
  ASSERT_EQ(rows.size(), 1u + small_data::ternaries);
  std::set<std::string> fields;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    fields.insert(rows[i][0]);
    if (i > 1) {
      EXPECT_LE(std::stod(rows[i][1]), std::stod(rows[i - 1][1]));
    }
  }
  EXPECT_EQ(fields.size(), static_cast<std::size_t>(small_data::ternaries));
  EXPECT_PRED2(contains, outcome.err, rows[1][0]) << "the best field is missing in the summary";
  const Outcome streamed = call({"screen", "run", "-o", "-", "--quiet"});
  EXPECT_EQ(streamed.out, read_file(folder() / "screen.csv"));
  EXPECT_EQ(streamed.err, "");
}

TEST_F(EndToEnd, ThreadsAndPredictionAgree) {
  EXPECT_EQ(call({"predict", "run", "fields.csv", "-o", "one.csv", "--threads", "1"}).code, 0);
  const Outcome two = call({"predict", "run", "fields.csv", "-o", "two.csv", "--threads", "2", "--json"});
  EXPECT_EQ(two.code, 0);
  EXPECT_EQ(nlohmann::json::parse(two.out)["predicted"], 60);
  EXPECT_EQ(read_file(folder() / "one.csv"), read_file(folder() / "two.csv"));
}

TEST_F(EndToEnd, ThreadsFollowTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);  // inherited by the program
  const Words words{"explain", "run", "O Li Ba", "--device", "auto"};
  const Outcome narrow = call(words);
  sched_setaffinity(0, sizeof before, &before);
  const Outcome wide = call(words);
  if (!contains(wide.err, "using CPU")) GTEST_SKIP() << "there is a GPU: the CPU engine does not say its threads";
  EXPECT_PRED2(contains, narrow.err, "using CPU, 1 thread, ");
  const int all = CPU_COUNT(&before);
  EXPECT_PRED2(contains, wide.err, "using CPU, " + std::to_string(all) + (all == 1 ? " thread, " : " threads, "));
}

TEST_F(EndToEnd, ExplainAndExport) {
  const Outcome text = call({"explain", "run", "O", "Li", "Ba"});
  EXPECT_EQ(text.code, 0) << text.err;
  for (const char* part : {"Ba Li O", "attention", "nearest known fields", "training;environments"}) {
    EXPECT_PRED2(contains, text.out, part);
  }
  EXPECT_EQ(nlohmann::json::parse(call({"explain", "run", "O Li Ba", "--json"}).out)["attention"].size(), 3u);
  EXPECT_EQ(call({"export", "run", "--embeddings", "embeddings.csv"}).code, 0);
  EXPECT_EQ(read_cells(folder() / "embeddings.csv").size(), 1u + 3 * small_data::elements);
}

TEST_F(EndToEnd, MapOfARanking) {
  EXPECT_EQ(call({"screen", "run", "-o", "ranking.csv", "--quiet"}).code, 0);
  const Outcome drawn = call({"map", "ranking.csv", "-o", "map.svg", "--named", "3"});
  EXPECT_EQ(drawn.code, 0) << drawn.err;
  EXPECT_PRED2(contains, drawn.err, "120 fields by probability and synthetic_uncertainty");
  EXPECT_EQ(read_file(folder() / "map.svg").rfind("<svg ", 0), 0u);
  expect_refused({"map", "fields.csv", "-o", "never.svg"}, 1, {"fields.csv"});
  EXPECT_FALSE(std::filesystem::exists(folder() / "never.svg"));
  for (const char* name : {"map.png", "map.pdf", "map.svg.bak", "map", "map.v2", ".svg"}) {
    expect_refused({"map", "ranking.csv", "-o", name}, 2, {"map draws SVG", name, ".svg"});
  }
  EXPECT_EQ(call({"map", "ranking.csv", "-o", "MAP.SVG", "--named", "3"}).code, 0);
  expect_same_file(folder() / "map.svg", folder() / "MAP.SVG");
  for (const char* name : {"-", "/dev/stdout"}) {
    EXPECT_EQ(call({"map", "ranking.csv", "-o", name, "--named", "3", "--quiet"}).out, read_file(folder() / "map.svg"));
    expect_refused({"map", "ranking.csv", "-o", name, "--json"}, 2, {"both want standard output"});
  }
}

TEST_F(EndToEnd, RangesMergeToTheWholeRun) {
  EXPECT_EQ(call({"train", "config.yaml", "-o", "part0", "--member-range", "0:1"}).code, 0);
  EXPECT_EQ(call({"train", "config.yaml", "-o", "part1", "--member-range", "1:3"}).code, 0);
  const Outcome merged = call({"merge", "part1", "part0", "-o", "merged"});
  EXPECT_EQ(merged.code, 0) << merged.err;
  expect_same_file(folder() / "merged/members.safetensors", folder() / "run/members.safetensors");
  expect_refused({"merge", "part0", "part0", "-o", "twice"}, 1, {"member"});
}

TEST_F(EndToEnd, ValidatePrintsAllMeasures) {
  const Outcome outcome =
      call({"validate", "config.yaml", "-o", "cv", "--folds", "2", "--members", "2", "--seed", "5"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const char* name : {"accuracy", "f1", "roc_auc", "mcc", "log_loss", "brier", "ece"}) {
    EXPECT_PRED2(contains, outcome.err, name);
  }
  const nlohmann::json metrics = nlohmann::json::parse(read_file(folder() / "cv/metrics.json"));
  EXPECT_TRUE(outcome.err.ends_with("\nverdict: " + metrics["verdict"]["sentence"].get<std::string>() + "\n"));
  EXPECT_EQ(metrics["folds"].size(), 2u);
  EXPECT_EQ(metrics["members"], 2);
  EXPECT_EQ(metrics["seed"], 5);
}

TEST_F(EndToEnd, StudiesOfAConfigurationAValidationAndARun) {
  const Outcome vary =
      call({"study", "config.yaml", "--vary", "hidden=[4],[8,4]", "-o", "hidden.csv", "--members", "1"});
  EXPECT_EQ(vary.code, 0) << vary.err;
  EXPECT_PRED2(contains, vary.err, "model.hidden");
  const std::string table = read_file(folder() / "hidden.csv");
  EXPECT_EQ(table.rfind("model.hidden,fields,positives,accuracy,", 0), 0u) << table;
  EXPECT_PRED2(contains, table, "\n[4],60,");
  EXPECT_PRED2(contains, table, "\n\"[8,4]\",60,");
  EXPECT_EQ(call({"validate", "config.yaml", "-o", "members", "--member-predictions", "--quiet"}).code, 0);
  const Outcome sizes = call({"study", "members", "--ensemble-sizes", "1,3", "-o", "-", "--quiet"});
  EXPECT_EQ(sizes.code, 0) << sizes.err;
  EXPECT_PRED2(contains, sizes.out, "\n3,1,");
  const Outcome metals = call({"study", "run", "--metals", "-o", "metals.csv", "--json", "--quiet"});
  EXPECT_EQ(metals.code, 0) << metals.err;
  EXPECT_EQ(nlohmann::json::parse(metals.out)["rows"][0]["fields"], 20);
  EXPECT_EQ(call({"study", "run", "--ranking", "-o", "ranking.csv", "--quiet"}).code, 0);
  EXPECT_PRED2(contains, read_file(folder() / "ranking.csv"), "unreported,");
}

TEST_F(EndToEnd, CalibratedByAValidation) {
  EXPECT_EQ(call({"validate", "config.yaml", "-o", "calibration", "--quiet"}).code, 0);
  const Outcome sure = call({"train", "config.yaml", "-o", "sure", "--calibration", "calibration"});
  EXPECT_EQ(sure.code, 0) << sure.err;
  const nlohmann::json metrics = nlohmann::json::parse(read_file(folder() / "calibration/metrics.json"));
  EXPECT_TRUE(
      sure.err.ends_with("the run is in sure\nverdict: " + metrics["verdict"]["sentence"].get<std::string>() + "\n"))
      << sure.err;
  EXPECT_TRUE(call({"train", "config.yaml", "-o", "unjudged"})
                  .err.ends_with("not judged: no validation was given (--calibration)\n"));
  EXPECT_PRED2(contains, call({"explain", "sure", "Li O"}).out, "members; calibrated 0.");
  EXPECT_PRED2(contains, call({"screen", "sure", "-o", "sure.csv"}).err,
               "best by calibrated probability\nphases   calibrated  prob");
  EXPECT_FALSE(contains(call({"explain", "run", "Li O"}).out, "calibrated"));
  EXPECT_EQ(call({"train", "config.yaml", "-o", "sure0", "--calibration", "calibration", "--member-range", "0:1"}).code,
            0);
  EXPECT_EQ(call({"train", "config.yaml", "-o", "sure1", "--calibration", "calibration", "--member-range", "1:3"}).code,
            0);
  EXPECT_EQ(call({"merge", "sure0", "sure1", "-o", "joined"}).code, 0);
  for (const char* run : {"sure", "joined"}) {
    EXPECT_EQ(call({"predict", run, "fields.csv", "-o", std::string(run) + "-fields.csv", "--quiet"}).code, 0);
  }
  EXPECT_EQ(read_file(folder() / "joined-fields.csv"), read_file(folder() / "sure-fields.csv"));
  EXPECT_EQ(call({"train", "config.yaml", "-o", "unsure", "--member-range", "1:3"}).code, 0);
  const Outcome merged = call({"merge", "sure0", "unsure", "-o", "mixed"});
  EXPECT_EQ(merged.code, 0) << merged.err;
  EXPECT_PRED2(contains, merged.err, "the joined run is not calibrated");
  EXPECT_FALSE(contains(call({"explain", "mixed", "Li O"}).out, "calibrated"));
}

TEST_F(EndToEnd, LearnedAccessibility) {
  const auto learning = [](Words words) {
    for (const char* setting : {"members=4", "folds=2", "epochs=2", "batch=8"}) {
      words.insert(words.end(), {"--set", std::string("accessibility.") + setting});
    }
    return words;
  };
  const Outcome trained = call(learning({"train", "config.yaml", "-o", "learned"}));
  EXPECT_EQ(trained.code, 0) << trained.err;
  const Outcome screened = call({"screen", "learned", "-o", "learned.csv"});
  EXPECT_EQ(screened.code, 0) << screened.err;
  EXPECT_PRED2(contains, screened.err, "best by probability times accessibility");
  const Outcome ordered = call({"screen", "learned", "-o", "ordered.csv", "--order", "probability"});
  EXPECT_PRED2(contains, ordered.err, "best by probability\n");
  EXPECT_NE(read_file(folder() / "learned.csv"), read_file(folder() / "ordered.csv"));
  const Outcome plain = call({"screen", "run", "-o", "plain.csv"});
  EXPECT_PRED2(contains, plain.err, "no accessibility members");
  EXPECT_PRED2(contains, plain.err, "best by probability\n");
  EXPECT_PRED2(contains, call({"explain", "run", "O Li Ba"}).out, "accessibility: not learned by this run");
  EXPECT_PRED2(contains, call({"explain", "learned", "O Li Ba"}).out, "accessibility: 0.");
  const Outcome measured = call({"accessibility", "learned", "-o", "measured.csv"});
  EXPECT_EQ(measured.code, 0) << measured.err;
  EXPECT_PRED2(contains, measured.err, "known fields against all others");
  const Outcome inspected = call(learning({"inspect", "config.yaml"}));
  EXPECT_PRED2(contains, inspected.out, "Accessibility: 4 members, 2 folds, 84 known fields");
  expect_refused({"accessibility", "run", "-o", "never.csv"}, 2, {"does not judge accessibility"});
  expect_refused({"screen", "run", "-o", "never.csv", "--order", "accessibility"}, 2, {"--order"});
  expect_refused({"screen", "learned", "-o", "never.csv", "--order", "best"}, 2, {"--order", "best"});
  expect_refused({"accessibility", "learned", "-o", "learned/in.csv"}, 2, {"inside the run"});
  expect_untrainable("accessibility.members=1", 2, {"at least accessibility.folds"});
  expect_untrainable("accessibility.member=1", 2, {"accessibility.members"});
}

// Five fields reach 29 K: ten folds that are not stratified leave some without a positive.
TEST_F(EndToEnd, ValidateSaysWhatIsUndefined) {
  const Outcome outcome = call({"validate", "config.yaml", "-o", "rare", "--folds", "10", "--members", "1", "--set",
                                "data.threshold=29", "--set", "validation.stratified=false"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_FALSE(contains(outcome.err, "nan")) << outcome.err;
  const nlohmann::json metrics = nlohmann::json::parse(read_file(folder() / "rare/metrics.json"));
  const auto defined = std::count_if(metrics["folds"].begin(), metrics["folds"].end(),
                                     [](const nlohmann::json& fold) { return fold["roc_auc"].is_number(); });
  ASSERT_GT(defined, 0);
  ASSERT_LT(defined, 10);
  EXPECT_EQ(metrics["folds_defined"]["roc_auc"], defined);
  EXPECT_EQ(metrics["folds_defined"]["accuracy"], 10);
  std::istringstream lines(outcome.err);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("accuracy", 0) == 0) {
      EXPECT_FALSE(contains(line, "folds")) << line;
    }
    if (line.rfind("roc_auc", 0) != 0) continue;
    EXPECT_PRED2(contains, line, "undefined");
    EXPECT_PRED2(contains, line, "mean of " + std::to_string(defined) + " of 10 folds");
  }
}

// A file of another encoding is reported, not a reason to stop: JSON is UTF-8, so that its bytes are replaced there.
TEST_F(EndToEnd, RejectsThatAreNotUtf8) {
  small_data::write_file(folder() / "latin1.csv", small_data::fields_csv() + "caf\xe9,1\n");
  const Outcome json = call({"inspect", "config.yaml", "--json", "--quiet", "--set", "data.properties=latin1.csv"});
  EXPECT_EQ(json.code, 0) << json.err;
  EXPECT_EQ(nlohmann::json::parse(json.out)["properties"]["rejects"][0]["text"], "caf\xEF\xBF\xBD");
}

// Of a file that standard output goes to, /dev/stdout is only the rest.
TEST_F(EndToEnd, StandardOutputByName) {
  const std::string file = (folder() / "appended.csv").string();
  const std::string command = "(echo before; " + std::string(PHASESELECT_BINARY) + " export " +
                              (folder() / "run").string() + " -q --embeddings /dev/stdout; echo after) >" + file;
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(call({"export", "run", "--embeddings", "alone.csv", "-q"}).code, 0);
  EXPECT_EQ(read_file(file), "before\n" + read_file(folder() / "alone.csv") + "after\n");
}

TEST_F(EndToEnd, ATemporaryFolderIsNotMissedBeforeItIsNeeded) {
  const std::string command = "TMPDIR=/nonexistent " + std::string(PHASESELECT_BINARY) + " screen " +
                              (folder() / "run").string() + " -q -o - >" + (folder() / "streamed.csv").string();
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(call({"screen", "run", "-q", "-o", "filed.csv"}).code, 0);
  expect_same_file(folder() / "streamed.csv", folder() / "filed.csv");
}

TEST_F(EndToEnd, ClosedReaderEndsQuietly) {
  const std::string command = std::string(PHASESELECT_BINARY) + " screen " + (folder() / "run").string() +
                              " -o - --quiet 2>" + (folder() / "pipe_errors").string() + " | true";
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(read_file(folder() / "pipe_errors"), "");
}

}  // namespace
}  // namespace phaseselect
