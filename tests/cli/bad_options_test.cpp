// Options that cannot be meant: numbers out of range, and outputs that would overwrite each other or what is read.
#include "phaseselect/engine/engine.hpp"
#include "tests/cli/fixture.hpp"

namespace phaseselect {
namespace {

using small_data::read_file;
using small_data::write_file;

class BadOptions : public CommandLine {
 protected:
  // Refused with this very line: short, and about the option that was typed.
  static void expect_sentence(Words arguments, const std::string& line) {
    expect_refused(arguments, 2, {});
    arguments.push_back("--quiet");
    EXPECT_EQ(call(arguments).err, "phaseselect: " + line + "\n");
  }

  // Refused, and every file keeps its contents.
  static void expect_kept(const Words& arguments, const Words& parts, const std::string& file) {
    const std::string before = read_file(folder() / file);
    expect_refused(arguments, 2, parts);
    EXPECT_TRUE(read_file(folder() / file) == before) << file << " was overwritten";
  }
};

TEST_F(BadOptions, WholeNumbersDoNotWrapAround) {
  for (const char* top : {"-5", "-1", "1e3", "2.5", "many", "0x10", "", "18446744073709551616"}) {
    expect_refused({"screen", "run", "-o", "new.csv", "--top", top}, 2, {"--top: must be a whole number, 0 or more"});
  }
  expect_refused({"screen", "run", "-o", "new.csv", "--arity", "-3"}, 2, {"--arity", "-3"});
  expect_refused({"screen", "run", "-o", "new.csv", "--arity", "4294967299"}, 2, {"--arity", "4294967299"});
  expect_refused({"train", "config.yaml", "-o", "new", "--member-range", "-1:2"}, 2, {"--member-range", "-1:2"});
  expect_refused({"train", "config.yaml", "-o", "new", "--member-range", "0:-1"}, 2, {"--member-range", "0:-1"});
  EXPECT_EQ(call({"screen", "run", "-o", "-", "--top", "2", "--quiet"}).code, 0);
}

TEST_F(BadOptions, Threads) {
  expect_sentence({"export", "run", "--embeddings", "new.csv", "--threads", "-1"},
                  "--threads: must be a whole number from 0 to 1024, not '-1' (see phaseselect --help)");
  for (const char* threads : {"1025", "1.5", "all", "4294967297"}) {
    expect_refused({"export", "run", "--embeddings", "new.csv", "--threads", threads}, 2, {"from 0 to 1024", threads});
  }
}

TEST_F(BadOptions, DevicesThatAreNotThere) {
  expect_sentence({"train", "config.yaml", "-o", "new", "--device", "cpu", "--set", "training.precision=tf32"},
                  "training.precision: tf32 needs the CUDA engine (this is --device cpu): use fp32 or --device cuda");
  const std::string obstacle = cuda_engine_obstacle();
  if (obstacle.empty()) GTEST_SKIP() << "there is a GPU: what is said without one is not tested";
  expect_sentence({"train", "config.yaml", "-o", "new", "--device", "cuda"}, obstacle);
  expect_sentence({"screen", "run", "-o", "new.csv", "--device", "cuda"}, obstacle);
  const Outcome automatic = call({"explain", "run", "Ba O", "--threads", "1"});
  EXPECT_EQ(automatic.code, 0);
  EXPECT_EQ(automatic.err.rfind("no GPU engine: ", 0), 0u) << automatic.err;
  EXPECT_PRED2(contains, automatic.err, "; using CPU, 1 thread, ");
  EXPECT_EQ(std::count(automatic.err.begin(), automatic.err.end(), '\n'), 1) << automatic.err;
}

TEST_F(BadOptions, CheckpointSeconds) {
  expect_sentence({"train", "config.yaml", "-o", "new", "--checkpoint-seconds", "nan"},
                  "--checkpoint-seconds: must be a number of seconds, 0 or more, not 'nan' (see phaseselect --help)");
  for (const char* seconds : {"-nan", "inf", "-1", "1e999", "abc", ""}) {
    for (const char* command : {"train", "validate"}) {
      expect_refused({command, "config.yaml", "-o", "new", "--checkpoint-seconds", seconds}, 2, {"0 or more"});
    }
  }
}

TEST_F(BadOptions, TheOptionThatWasTypedIsNamed) {
  expect_sentence({"train", "config.yaml", "-o", "new", "--members", "0"},
                  "--members 0: ensemble.members must be between 1 and 1000000, not '0'");
  expect_sentence({"train", "config.yaml", "-o", "new", "--seed", "-1"},
                  "--seed -1: ensemble.seed must be at least 0, not '-1'");
  expect_sentence({"validate", "config.yaml", "-o", "new", "--folds", "1"},
                  "--folds 1: validation.folds must be between 2 and 255, not '1'");
  expect_sentence({"train", "config.yaml", "-o", "new", "--set", "ensemble.members=0"},
                  "--set ensemble.members=0: ensemble.members must be between 1 and 1000000, not '0'");
  write_file(folder() / "two.csv", "formula,Tc,Hc\nNaCl,1,2\n");
  const Outcome two = call({"aggregate", "two.csv", "-o", "new.csv"});
  EXPECT_EQ(two.code, 1);
  EXPECT_PRED2(contains, two.err, "name it with --property");
  const Outcome trained =
      call({"train", "config.yaml", "-o", "new", "--set", "data.properties=two.csv", "--set", "data.property="});
  EXPECT_PRED2(contains, trained.err, "name it with data.property");
}

// An option gives a value, never a document.
TEST_F(BadOptions, ValuesThatAreNotOne) {
  const auto expect_setting = [](const std::string& setting, const std::string& reason) {
    expect_sentence({"train", "config.yaml", "-o", "new", "--set", setting}, "--set " + setting + ": " + reason);
  };
  expect_setting("model.hidden=[128],128", "another document or text begins after the value: keep one");
  expect_setting(
      "data.property=\"Tc\",K",
      "the value begins with a quote but is not one quoted text: put quotes around all of it, or around none");
  expect_setting("ensemble.members=", "ensemble.members must be a whole number, but is empty");
  expect_setting("model={hidden: [8]}", "model is a section: set one key of it, as model.features=...");
  expect_sentence({"train", "config.yaml", "-o", "new", "--seed", "1 # one"},
                  "--seed 1 # one: ensemble.seed must be a whole number, not '1 # one'");
  expect_sentence({"validate", "config.yaml", "-o", "new", "--folds", "[2]"},
                  "--folds [2]: validation.folds must be a whole number, not '[2]'");
  write_file(folder() / "comma.yaml", ",\n");
  expect_refused({"inspect", "comma.yaml"}, 2, {"comma.yaml:1: another document"});
  write_file(folder() / "#1: [a] ~.csv", small_data::fields_csv());
  EXPECT_EQ(call({"inspect", "config.yaml", "--set", "data.properties=#1: [a] ~.csv", "--quiet"}).code, 0);
}

TEST_F(BadOptions, Studies) {
  expect_refused({"study", "config.yaml", "-o", "new.csv"}, 2, {"--vary", "is required"});
  expect_refused({"study", "run", "--metals", "--ranking", "-o", "new.csv"}, 2, {"--metals", "required"});
  expect_sentence({"study", "config.yaml", "--vary", "features", "-o", "new.csv"},
                  "--vary features: must have the form KEY=VALUE,VALUE,...");
  expect_sentence(
      {"study", "config.yaml", "--vary", "epochs=1,2", "-o", "new.csv"},
      "--vary: 'epochs' may be training.epochs or ranking.epochs or accessibility.epochs: give the whole key");
  expect_sentence({"study", "config.yaml", "--vary", "features=2,many", "-o", "new.csv"},
                  "--vary model.features=many: model.features must be a whole number, not 'many'");
  expect_sentence({"study", "config.yaml", "--vary", "hidden=[8],4", "-o", "new.csv"},
                  "--vary model.hidden=4: model.hidden must be a list of whole numbers, not '4'");
  expect_sentence({"study", "run", "--ensemble-sizes", "1,0", "-o", "new.csv"},
                  "--ensemble-sizes: must be a whole number from 1 to 1000000, not '0'");
  expect_sentence({"study", "run", "--metals", "--members", "3", "-o", "new.csv"},
                  "--set, --members and --folds change a configuration: they go with --vary alone");
  expect_refused({"study", "run", "--metals", "-o", "run/new.csv"}, 2, {"is inside the run"});
  expect_kept({"study", "config.yaml", "--vary", "features=2", "-o", "fields.csv"}, {"is read"}, "fields.csv");
  expect_refused({"study", "run", "--ensemble-sizes", "1", "-o", "new.csv"}, 2, {"made with --member-predictions"});
  expect_refused({"train", "config.yaml", "-o", "new", "--calibration", "run"}, 2, {"--calibration", "validation"});
}

TEST_F(BadOptions, SplitsThatTheFieldsDoNotAllow) {
  const auto expect_split = [](const Words& settings, const std::string& part) {
    Words words{"validate", "config.yaml", "-o", "new"};
    for (const std::string& setting : settings) words.insert(words.end(), {"--set", "validation." + setting});
    expect_refused(words, 2, {part});
  };
  expect_split({"split=arity"}, "fold 0 (fields of 4 elements and more) has no field to be judged by");
  expect_split({"split=leave_element_out", "elements=[Xe]"}, "fold 0 (fields with Xe) has no field to be judged by");
  expect_split({"split=leave_element_out", "elements=[Q]"},
               "validation.elements must list symbols of elements, which 'Q' is not");
}

TEST_F(BadOptions, TwoOutputsOfOneName) {
  write_file(folder() / "table.csv", "formula,Tc\nNaCl,1\nXx,2\n");
  expect_refused({"aggregate", "table.csv", "-o", "new.csv", "--rejects", "new.csv"}, 2, {"new.csv", "two outputs"});
  expect_refused({"aggregate", "table.csv", "-o", "new.csv", "--rejects", "./run/../new.csv"}, 2, {"two outputs"});
  expect_refused({"aggregate", "table.csv", "-o", "-", "--rejects", "-"}, 2, {"two outputs", "standard output"});
  expect_refused({"aggregate", "table.csv", "-o", "-", "--rejects", "/dev/stdout"}, 2, {"two outputs"});
  expect_refused({"aggregate", "table.csv", "-o", "new.csv", "--rejects", "-", "--json"}, 2, {"--json"});
  EXPECT_EQ(call({"aggregate", "table.csv", "-o", "aggregated.csv", "--rejects", "-"}).code, 0);
}

TEST_F(BadOptions, OutputsThatAreRead) {
  write_file(folder() / "table.csv", "formula,Tc\nNaCl,1\nXx,2\n");
  std::filesystem::create_symlink("table.csv", folder() / "link.csv");
  for (const char* same : {"table.csv", "./table.csv", "run/../table.csv", "link.csv"}) {
    expect_kept({"aggregate", "table.csv", "-o", same}, {"is read"}, "table.csv");
    expect_kept({"aggregate", "table.csv", "-o", "new.csv", "--rejects", same}, {"is read"}, "table.csv");
  }
  expect_kept({"predict", "run", "fields.csv", "-o", "fields.csv"}, {"fields.csv", "is read"}, "fields.csv");
  expect_kept({"screen", "run", "-o", "fields.csv", "--known", "fields.csv"}, {"fields.csv", "is read"}, "fields.csv");
}

TEST_F(BadOptions, OutputsInsideTheRun) {
  const Words parts{"is inside the run"};
  expect_kept({"predict", "run", "fields.csv", "-o", "run/fields.csv"}, parts, "run/fields.csv");
  expect_kept({"screen", "run", "-o", "run/members.safetensors"}, parts, "run/members.safetensors");
  expect_kept({"export", "./run/", "--embeddings", "run/run.json"}, parts, "run/run.json");
  expect_refused({"export", "run", "--embeddings", "run/new.csv"}, 2, parts);
  expect_refused({"screen", (folder() / "run").string(), "-o", "run/new.csv"}, 2, parts);
  std::filesystem::create_directory_symlink("run", folder() / "alias");
  expect_refused({"predict", "run", "fields.csv", "-o", "alias/new.csv"}, 2, parts);
  EXPECT_EQ(call({"export", "run", "--embeddings", "run_embeddings.csv", "--quiet"}).code, 0);  // beside it
}

}  // namespace
}  // namespace phaseselect
