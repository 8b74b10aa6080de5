// Finished runs: what is in the folder, loading it for inference, and folders that are not what they were.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "host/io/sha256.hpp"
#include "host/pipeline/run_directory.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/error.hpp"
#include "tests/ensemble/training.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

class RunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    config_ = synthetic_config(folder_);
    train_small(config_, run_);
  }
  std::string run_error() {
    try {
      phaseselect::Run run(run_);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  bool run_is_usage_error() {
    try {
      phaseselect::Run run(run_);
    } catch (const UsageError&) {
      return true;
    } catch (const Error&) {
    }
    return false;
  }

  TemporaryFolder folder_;
  fs::path run_ = folder_ / "run";
  Config config_;
};

TEST_F(RunTest, LoadsWithoutTheInputTables) {
  const PreparedData data = prepare(config_);
  const auto engine = make_cpu_engine(data.problem, {1});
  const auto members =
      train_population(*engine, data.problem, config_, ensemble_plans(config_, data.problem, 0, 4), {});
  std::vector<float> expected(4 * data.problem.fields.size());
  std::vector<float> expected_errors(expected.size());
  const std::vector<Slot> slots = {0, 1, 2, 3};
  for (const TrainedMember& m : members) engine->open_trained(static_cast<Slot>(m.id), m.classifier, m.ranking);
  engine->probabilities(slots, data.problem.fields, expected);
  engine->reconstruction_errors(slots, data.problem.fields, expected_errors);

  fs::remove(folder_ / "fields.csv");
  fs::remove(folder_ / "formulas.csv");
  const phaseselect::Run run(run_);
  const RunContents& contents = run.contents();
  EXPECT_EQ(contents.members, (std::vector<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(contents.elements, data.matrix.elements);
  EXPECT_EQ(contents.problem.fields.rows, data.problem.fields.rows);
  EXPECT_EQ(contents.problem.labels, data.problem.labels);
  EXPECT_EQ(contents.problem.groups.rows, data.problem.groups.rows);
  EXPECT_EQ(contents.problem.groups.environments, data.problem.groups.environments);
  EXPECT_EQ(contents.environment_fields, data.matrix.fields);
  EXPECT_EQ(contents.training_fields.front().value, data.kept.front().value);
  const auto loaded = make_cpu_engine(contents.problem, {1});
  run.load(*loaded);
  std::vector<float> probabilities(expected.size());
  std::vector<float> errors(expected.size());
  loaded->probabilities(slots, contents.problem.fields, probabilities);
  loaded->reconstruction_errors(slots, contents.problem.fields, errors);
  EXPECT_EQ(probabilities, expected);
  EXPECT_EQ(errors, expected_errors);
  EXPECT_EQ(members[1].held_out_errors[0], errors[data.problem.fields.size() + members[1].held_out[0]]);
}

TEST_F(RunTest, PercentilesAreSharesOfSmallerReferenceErrors) {
  const phaseselect::Run run(run_);
  const std::vector<float>& errors = run.contents().reference_errors;
  ASSERT_GT(errors.size(), 4u);
  EXPECT_TRUE(std::is_sorted(errors.begin(), errors.end()));
  EXPECT_EQ(run.percentile(-1.0f), 0.0f);
  EXPECT_EQ(run.percentile(errors.front()), 0.0f);
  EXPECT_EQ(run.percentile(1e30f), 100.0f);
  EXPECT_NEAR(run.percentile(errors[2]), 200.0f / static_cast<float>(errors.size()), 1e-4);
  EXPECT_TRUE(std::isnan(run.percentile(std::nanf(""))));
}

TEST_F(RunTest, DescribesItself) {
  const nlohmann::json run = nlohmann::json::parse(read_bytes(run_ / "run.json"));
  EXPECT_EQ(run.at("seed"), 5);
  EXPECT_EQ(run.at("members"), 4);
  EXPECT_EQ(run.at("data").at("properties").at("sha256"), sha256_file(folder_ / "fields.csv"));
  EXPECT_EQ(run.at("data").at("properties").at("fields"), phaseselect::Run(run_).contents().training_fields.size());
  const double accuracy = run.at("metrics").at("mean_held_out_accuracy");
  EXPECT_GT(accuracy, 0.3);
  EXPECT_LE(accuracy, 1.0);
  const CsvTable history = read_csv(run_ / "history.csv");
  EXPECT_EQ(history.header().size(), 8u);
  EXPECT_EQ(history.rows().front().cells[0], "0");
  EXPECT_EQ(history.rows().front().cells[1], "classifier");
  EXPECT_EQ(history.rows().back().cells[0], "3");
  EXPECT_EQ(history.rows().back().cells[1], "ranking");
}

TEST_F(RunTest, FoldersThatAreNotWhatTheyWere) {
  const auto says = [&](const std::string& part) {
    const std::string message = run_error();
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  const auto with_changed = [&](const std::string& name, const std::string& text, const std::string& part) {
    const std::string good = read_bytes(run_ / name);
    write_bytes(run_ / name, text);
    says(part);
    write_bytes(run_ / name, good);
  };
  with_changed("fields.csv", "phases,value,label\nBa O,1,1\n",
               "fields.csv is damaged (it was changed after the training)");
  with_changed("environment_fields.csv", "phases\n", "environment_fields.csv is damaged");
  with_changed("run.json", "{", "run.json is damaged");
  with_changed("run.json", "[1]", "run.json is damaged (it is not a JSON object)");
  with_changed("config.yaml", "models: {}\n", "config.yaml is damaged");
  Config other = config_;
  other.model.features = 5;
  with_changed("config.yaml", to_yaml(other), "config.yaml is damaged (it was changed after the training)");
  const std::string members = read_bytes(run_ / "members.safetensors");
  with_changed("members.safetensors", members.substr(0, members.size() / 2), "members.safetensors is damaged");
  EXPECT_EQ(run_error(), "nothing was thrown");
  fs::remove(run_ / "members.safetensors");
  says("is not a run");
  write_bytes(run_ / "checkpoint.safetensors", "");
  says("its training is not finished: continue with phaseselect train");
  fs::remove_all(run_);
  says("no such run");
}

TEST_F(RunTest, MissingFilesAreDamage) {
  for (const std::string name : {"config.yaml", "fields.csv", "environment_fields.csv", "run.json"}) {
    fs::rename(run_ / name, folder_ / "aside");
    EXPECT_EQ(run_error(),
              run_.string() + " is damaged (it has no " + name + "): restore it from a copy or train again");
    EXPECT_FALSE(run_is_usage_error()) << name;
    fs::rename(folder_ / "aside", run_ / name);
  }
  EXPECT_EQ(run_error(), "nothing was thrown");
}

TEST_F(RunTest, TextThatIsNotUtf8) {
  std::string table = read_bytes(folder_ / "fields.csv");
  write_bytes(folder_ / "fields.csv", table.replace(table.find("Tc"), 2, "Tc \xb0K"));
  const fs::path run = folder_ / "latin";
  EXPECT_THROW(train_small(config_, run, {.stop_after = 3}), Interrupted);
  train_small(config_, run, {.resume = true});
  EXPECT_EQ(train_small(config_, run, {.resume = true}).at("members"), 4);  // loads what is finished
  EXPECT_EQ(phaseselect::Run(run).file().metadata().at("property"), "Tc \xef\xbf\xbdK");
  EXPECT_EQ(phaseselect::Run(run).contents().run.at("data").at("properties").at("property"), "Tc \xef\xbf\xbdK");
  merge_runs({run}, folder_ / "merged");
  EXPECT_EQ(result_bytes(folder_ / "merged"), result_bytes(run));
}

TEST_F(RunTest, PythonLoadsTheMembers) {
  const auto output_of = [](const std::string& command) {
    std::string output;
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) output.push_back(static_cast<char>(c));
    return std::pair(::pclose(pipe), output);
  };
  const char* named = std::getenv("PHASESELECT_PYTHON");
  const std::string python = std::string("\"") + (named != nullptr ? named : "python3") + "\"";
  const auto [found, problem] = output_of(python + " -c 'import safetensors.numpy'");
  if (problem.find("ModuleNotFoundError") != std::string::npos || (named == nullptr && found != 0)) {
    GTEST_SKIP() << python << " has no safetensors package with numpy: set PHASESELECT_PYTHON to one that has";
  }
  ASSERT_EQ(found, 0) << problem;
  const SafetensorsReader file(run_ / "members.safetensors");
  const std::vector<float> bias = file.read_all<float>("logit.bias");
  std::string script =
      "import sys, safetensors.numpy as s; t = s.load_file(sys.argv[1]); "
      "print(len(t), t['encoder.weights'].shape, t['logit.bias'].shape, t['members.id'].tolist(), "
      "*[repr(float(x)) for x in t['logit.bias'].ravel()])";
  const auto [status, output] = output_of(python + " -c \"" + script + "\" " + (run_ / "members.safetensors").string());
  ASSERT_EQ(status, 0) << output;
  const auto groups = phaseselect::Run(run_).contents().problem.groups.groups();
  EXPECT_NE(output.find("(4, " + std::to_string(groups) + ", 4) (4, 1) [0, 1, 2, 3]"), std::string::npos) << output;
  for (const float value : bias) {
    char text[64];
    std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
    EXPECT_NE(output.find(std::string(text).substr(0, 8)), std::string::npos) << output;
  }
}

}  // namespace
}  // namespace phaseselect
