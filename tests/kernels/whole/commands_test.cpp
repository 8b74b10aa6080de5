// Every command through the CUDA engine's host code and kernels, held to the CPU engine.
#include "host/pipeline/commands.hpp"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "phaseselect/error.hpp"
#include "tests/kernels/whole/tables.hpp"
#include "tests/kernels/whole/whole.hpp"

namespace phaseselect::whole {
namespace {

using small_data::read_file;

struct Model {
  std::string name;
  std::vector<std::string> keys;
};
void PrintTo(const Model& model, std::ostream* stream) { *stream << model.name; }

const std::string field = "O Ba Mg";

// The CPU engine's instruction sets that this machine has.
std::vector<InstructionSet> instruction_sets() {
  std::vector<InstructionSet> sets;
  for (const InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    try {
      make_cpu_engine(Problem{}, {1, set});
      sets.push_back(set);
    } catch (const UsageError&) {
    }
  }
  return sets;
}

class Commands : public Whole, public testing::WithParamInterface<Model> {
 protected:
  static Config configuration() { return read_config(folder() / "config.yaml", GetParam().keys); }
  // With learning rates one unit in the last place larger: what a rounding in each step grows to.
  static Config nudged_configuration() {
    Config config = configuration();
    for (double* rate :
         {&config.training.learning_rate, &config.ranking.learning_rate, &config.accessibility.learning_rate}) {
      *rate *= 1 + static_cast<double>(std::numeric_limits<float>::epsilon());
    }
    return config;
  }

  // Commands in this process, on one instruction set of the CPU engine.
  static Execution on(InstructionSet set) {
    Execution execution;
    execution.device = Device::cuda;
    execution.cuda.obstacle = [] { return std::string(); };
    execution.cuda.make = [set](const Problem& problem) { return make_cpu_engine(problem, {1, set}); };
    return execution;
  }

  static Tables train_here(const Config& config, InstructionSet set, const std::string& run) {
    TrainRequest request;
    request.config = config;
    request.run = folder() / run;
    train(request, on(set));
    Tables tables = evaluate_here(run, set, run + "_");
    tables["history"] = history(run);
    return tables;
  }
  static Tables evaluate_here(const std::string& run, InstructionSet set, const std::string& prefix) {
    const auto path = [&](const char* name) { return folder() / (prefix + name); };
    predict({folder() / run, folder() / "fields.csv", path("predict.csv"), {}}, on(set));
    ScreenRequest request;
    request.run = folder() / run;
    request.output = path("screen.csv");
    screen(request, on(set));
    export_embeddings(folder() / run, path("embeddings.csv"), on(set));
    return gather(prefix, explain(folder() / run, field, on(set)));
  }
  // The same by the program.
  static Tables evaluate_there(const std::string& run, const std::string& device, const std::string& prefix) {
    const Words engine{"--device", device, "--quiet"};
    expect_done(joined({"predict", run, "fields.csv", "-o", prefix + "predict.csv"}, engine));
    expect_done(joined({"screen", run, "-o", prefix + "screen.csv"}, engine));
    expect_done(joined({"export", run, "--embeddings", prefix + "embeddings.csv"}, engine));
    const Outcome explained = expect_done(joined({"explain", run, field, "--json"}, engine));
    return gather(prefix, nlohmann::json::parse(explained.out));
  }
  static Tables gather(const std::string& prefix, const nlohmann::json& explained) {
    return {{"predict", read_table(folder() / (prefix + "predict.csv"), 1)},
            {"screen", read_table(folder() / (prefix + "screen.csv"), 1)},
            {"export", read_table(folder() / (prefix + "embeddings.csv"), 2)},
            {"explain", explanation(explained)}};
  }
  static Table history(const std::string& run) { return read_table(folder() / run / "history.csv", 3); }

  // What the CPU engine makes of it: by instruction set, and with the nudge.
  static std::vector<Tables> trained_references() {
    std::vector<Tables> references;
    for (const InstructionSet set : instruction_sets()) {
      references.push_back(train_here(configuration(), set, fmt::format("here{}", references.size())));
    }
    references.push_back(train_here(nudged_configuration(), InstructionSet::baseline, "nudged"));
    return references;
  }
  static std::vector<Tables> evaluated_references(const std::string& run) {
    std::vector<Tables> references;
    for (const InstructionSet set : instruction_sets()) {
      references.push_back(evaluate_here(run, set, fmt::format("{}_here{}_", run, references.size())));
    }
    return references;
  }
};

// Training and every command that reads a run; the first rows of a screening are those of the whole one.
TEST_P(Commands, TrainedOnTheGpuAsOnTheCpu) {
  const Outcome trained = expect_done(training("gpu", "cuda", GetParam().keys));
  EXPECT_PRED2(contains, trained.err, "training on " + device_name + "\nthe run is in gpu\n");
  Tables found = evaluate_there("gpu", "cuda", "gpu_");
  found["history"] = history("gpu");
  expect_near(GetParam().name, found, trained_references());
  const nlohmann::json run = nlohmann::json::parse(read_file(folder() / "gpu/run.json"));
  EXPECT_EQ(run.at("engine"), "cuda");
  EXPECT_EQ(run.at("device"), device_name);
  const std::string all = read_file(folder() / "gpu_screen.csv");
  for (const int top : {1, 7, 1000}) {
    const std::string name = fmt::format("top{}.csv", top);
    expect_done({"screen", "gpu", "-o", name, "--top", std::to_string(top), "--device", "cuda", "--quiet"});
    const std::string rows = read_file(folder() / name);
    EXPECT_EQ(rows, all.substr(0, rows.size())) << top;
    EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 1 + std::min(top, small_data::ternaries));
  }
}

// A run is worth the same on both engines, wherever it was trained.
TEST_P(Commands, EitherEngineReadsTheOthersRuns) {
  if (instruction_sets().size() < 2) GTEST_SKIP() << "one instruction set: there is nothing to take a tolerance from";
  expect_done(training("gpu", "cuda", GetParam().keys));
  expect_done(training("cpu", "cpu", GetParam().keys));
  for (const std::string run : {"gpu", "cpu"}) {
    const std::vector<Tables> references = evaluated_references(run);
    for (const std::string device : {"cuda", "cpu"}) {
      expect_near(fmt::format("{}: trained on {}, evaluated on {}", GetParam().name, run, device),
                  evaluate_there(run, device, run + "_" + device + "_"), references);
    }
  }
}

TEST_P(Commands, Validate) {
  const Words keys = settings(GetParam().keys);
  expect_done(joined({"validate", "config.yaml", "-o", "cv", "--device", "cuda", "--quiet"}, keys));
  std::vector<Tables> references;
  const auto add = [&](const Config& config, InstructionSet set) {
    ValidateRequest request;
    request.config = config;
    request.directory = folder() / fmt::format("cv{}", references.size());
    validate(request, on(set));
    references.push_back({{"validate", read_table(request.directory / "predictions.csv", 2)}});
  };
  for (const InstructionSet set : instruction_sets()) add(configuration(), set);
  add(nudged_configuration(), InstructionSet::baseline);
  expect_near(GetParam().name, {{"validate", read_table(folder() / "cv/predictions.csv", 2)}}, references);
  const nlohmann::json metrics = nlohmann::json::parse(read_file(folder() / "cv/metrics.json"));
  EXPECT_EQ(metrics.at("engine"), "cuda");
  EXPECT_EQ(metrics.at("folds").size(), 2u);
}

std::vector<Model> models() {
  return {{"values_sorted", {}},
          {"residual_random_orders",
           {"model.attention.combine=residual", "model.slot_order=random", "model.prediction_orders=3",
            "training.monitor=loss", "training.patience=1", "training.epochs=8", "training.learning_rate=0.03",
            "ranking.patience=1", "ranking.epochs=6", "ensemble.members=5", "accessibility.members=4",
            "accessibility.folds=2", "accessibility.epochs=3", "accessibility.batch=16"}},
          {"pooled_rows",
           {"model.attention.combine=pooled", "environments.normalisation=row", "training.encoder_rate=0.1",
            "training.class_weights=none", "calibration.neighbours=true"}},
          {"scores_ungrouped_cosine",
           {"model.attention.combine=scores", "environments.grouping=none", "training.schedule=cosine",
            "training.weight_decay=0.01", "ensemble.members=4"}}};
}

INSTANTIATE_TEST_SUITE_P(Models, Commands, testing::ValuesIn(models()),
                         [](const auto& model) { return model.param.name; });

class OneCommand : public Whole {};

// Members of the second model leave at different times: what the comparisons above rest on.
TEST_F(OneCommand, MembersLeaveAtDifferentTimes) {
  expect_done(training("run", "cuda", models().at(1).keys));
  std::map<std::string, int> classifier, ranking;
  const auto rows = small_data::read_cells(folder() / "run/history.csv");
  for (std::size_t i = 1; i < rows.size(); ++i) ++(rows[i][1] == "classifier" ? classifier : ranking)[rows[i][0]];
  for (const auto& epochs : {classifier, ranking}) {
    std::set<int> lengths;
    for (const auto& [member, length] : epochs) lengths.insert(length);
    EXPECT_EQ(epochs.size(), 5u);
    EXPECT_GE(lengths.size(), 2u) << testing::PrintToString(epochs);
  }
}

TEST_F(OneCommand, InspectSaysTheSameOfTheData) {
  const Words command{"inspect", "config.yaml", "--json", "--quiet", "--device"};
  const nlohmann::json gpu = nlohmann::json::parse(expect_done(joined(command, {"cuda"})).out);
  const nlohmann::json cpu = nlohmann::json::parse(expect_done(joined(command, {"cpu"})).out);
  for (const char* part : {"environments", "properties", "set_aside", "classes"}) EXPECT_EQ(gpu.at(part), cpu.at(part));
  EXPECT_EQ(gpu.at("estimate").at("engine"), "cuda");
  EXPECT_EQ(gpu.at("estimate").at("device"), device_name);
  EXPECT_EQ(gpu.at("estimate").at("members_at_once"), 3);
  EXPECT_GT(gpu.at("estimate").at("training_seconds"), 0);
  EXPECT_GT(gpu.at("model").at("gpu_bytes"), 0);
  EXPECT_PRED2(contains, expect_done({"inspect", "config.yaml", "--device", "cuda"}).out, device_name);
}

TEST_F(OneCommand, Tf32TrainsNearFp32) {
  const Words keys{"training.epochs=5", "environments.grouping=none"};
  expect_done(training("fp32", "cuda", keys));
  expect_done(training("tf32", "cuda", joined(keys, {"training.precision=tf32"})));
  for (const char* run : {"fp32", "tf32"}) {
    expect_done({"predict", run, "fields.csv", "-o", std::string(run) + ".csv", "--device", "cuda", "--quiet"});
  }
  const double difference =
      largest_difference(read_table(folder() / "fp32.csv", 1), read_table(folder() / "tf32.csv", 1), "probability");
  fmt::print("tf32: probabilities differ from fp32's by {:.2g}\n", difference);
  EXPECT_GT(difference, 0) << "tf32 was not used";
  EXPECT_LT(difference, 0.02);
  expect_refused(training("new", "cpu", {"training.precision=tf32"}), 2, {"training.precision: tf32", "--device cuda"});
}

}  // namespace
}  // namespace phaseselect::whole
