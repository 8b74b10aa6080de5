// Every kind of bad input through the binary: the exit code, one clear sentence, nothing half-written.
#include "tests/cli/fixture.hpp"

namespace phaseselect {
namespace {

using small_data::read_file;
using small_data::write_file;

class BadInput : public CommandLine {};

TEST_F(BadInput, Usage) {
  expect_refused({}, 2, {"subcommand"});
  expect_refused({"tarin"}, 2, {"--help"});
  expect_refused({"train", "config.yaml"}, 2, {"--output"});
  expect_refused({"train", "config.yaml", "-o", "new", "--folds", "3"}, 2, {"--folds"});
  expect_refused({"train", "config.yaml", "-o", "new", "--device", "tpu"}, 2, {"tpu"});
  expect_refused({"train", "config.yaml", "-o", "new", "--member-range", "2:1"}, 2, {"--member-range", "2:1"});
  expect_refused({"train", "config.yaml", "-o", "new", "--member-range", "0:9"}, 2, {"0:9"});
  expect_refused({"train", "config.yaml", "-o", "new", "--members", "0"}, 2, {"ensemble.members"});
  expect_refused({"train", "config.yaml", "-o", "new", "--threads", "-1"}, 2, {"--threads"});
  expect_refused({"predict", "run", "fields.csv", "-o", "-", "--json"}, 2, {"--json", "-o -"});
}

TEST_F(BadInput, Configuration) {
  expect_refused({"train", "missing.yaml", "-o", "new"}, 2, {"missing.yaml"});
  expect_untrainable("model.attention.heads=0", 2, {"model.attention.heads"});
  expect_untrainable("model.features=0", 2, {"model.features"});
  expect_untrainable("model.heads=4", 2, {"model.heads"});
  expect_untrainable("ensemble.members=many", 2, {"ensemble.members", "many"});
  expect_untrainable("data.threshold=1000", 2, {"threshold", "1000", "one class"});
  expect_refused({"validate", "config.yaml", "-o", "new", "--folds", "200"}, 2, {"200", "folds"});

  write_file(folder() / "typo.yaml", small_data::config_yaml() + "enviroments: {grouping: none}\n");
  expect_refused({"train", "typo.yaml", "-o", "new"}, 2, {"typo.yaml:15", "enviroments"});
  write_file(folder() / "type.yaml", "data: {properties: fields.csv, threshold: warm}\n");
  expect_refused({"train", "type.yaml", "-o", "new"}, 2, {"type.yaml:1", "data.threshold", "warm"});
  write_file(folder() / "broken.yaml", "data: {properties: [\n");
  expect_refused({"inspect", "broken.yaml"}, 2, {"broken.yaml"});
}

TEST_F(BadInput, Tables) {
  write_file(folder() / "empty.csv", "");
  write_file(folder() / "columns.csv", "substance,Tc\nNaCl,1\n");
  write_file(folder() / "words.csv", "phases,Tc\nNa Cl,high\nK Cl,nan\nLi F,inf\n");
  write_file(folder() / "ragged.csv", "phases,Tc\nNa Cl,1,2\nNa Cl\n");
  write_file(folder() / "open.csv", "phases,Tc\nNa Cl,1\n\"Na Cl,2\n");
  expect_untrainable("data.properties=nowhere.csv", 1, {"nowhere.csv"});
  expect_untrainable("data.properties=empty.csv", 1, {"empty.csv", "empty"});
  expect_untrainable("data.properties=columns.csv", 1, {"columns.csv", "phases", "'substance', 'Tc'", "data.formula"});
  expect_untrainable("data.properties=words.csv", 1, {"words.csv"});
  expect_untrainable("data.properties=ragged.csv", 1,
                     {"ragged.csv", "line 2", "the row has 3 cells where the header has 2"});
  expect_untrainable("data.properties=open.csv", 1, {"open.csv, line 3", "not closed"});
  expect_untrainable("data.formula=stuff", 2, {"'stuff'", "data.formula", "'phases', 'Tc'"});
  expect_untrainable("data.decimal=;", 2, {"data.decimal", ";"});
  expect_untrainable("data.property=Curie", 2, {"Curie"});
  expect_untrainable("environments.formulas=nowhere.csv", 1, {"nowhere.csv"});
  expect_untrainable("environments.formulas=fields.csv", 1, {"fields.csv", "formula"});
  expect_refused({"aggregate", "nowhere.csv", "-o", "new.csv"}, 1, {"nowhere.csv"});
  expect_refused({"aggregate", "empty.csv", "-o", "new.csv", "--rejects", "new2.csv"}, 1, {"empty.csv"});
  expect_refused({"predict", "run", "nowhere.csv", "-o", "new.csv"}, 1, {"nowhere.csv"});
  expect_refused({"screen", "run", "-o", "new.csv", "--known", "nowhere.csv"}, 1, {"nowhere.csv"});
}

TEST_F(BadInput, BadRowsAreCountedAndListed) {
  write_file(folder() / "dirty.csv", "formula,Tc\nYBa2Cu3O7,92\nYBa2Cu3O7,nan\nXx2O,3\nBa-1O2,4\nNaCl,cold\n(NaCl,1\n");
  const Outcome outcome =
      call({"aggregate", "dirty.csv", "--property", "Tc", "-o", "clean.csv", "--rejects", "rejects.csv", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_PRED2(contains, outcome.out, "\"rejects\": 5");
  EXPECT_PRED2(contains, outcome.out, "\"property\": \"Tc\"");
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 7)
      << outcome.err;  // and the property, and how many
  for (const char* part :
       {"dirty.csv:3", "dirty.csv:4: 'Xx2O'", "dirty.csv:5: 'Ba-1O2'", "dirty.csv:6", "dirty.csv:7"}) {
    EXPECT_PRED2(contains, outcome.err, part);
  }
  const Outcome quiet = call({"aggregate", "dirty.csv", "--property", "Tc", "-o", "clean.csv", "--quiet"});
  EXPECT_EQ(quiet.err.rfind("dirty.csv: 5 of 6 rows were not used, the first in line 3: 'YBa2Cu3O7': ", 0), 0u)
      << quiet.err;
  EXPECT_EQ(std::count(quiet.err.begin(), quiet.err.end(), '\n'), 1) << quiet.err;
  const std::string rejects = read_file(folder() / "rejects.csv");
  EXPECT_EQ(std::count(rejects.begin(), rejects.end(), '\n'), 6);
  EXPECT_EQ(small_data::read_cells(folder() / "clean.csv").size(), 2u);
}

TEST_F(BadInput, ExistingAndMissingRuns) {
  expect_refused({"train", "config.yaml", "-o", "run"}, 2, {"run", "exists"});
  expect_refused({"validate", "config.yaml", "-o", "run"}, 2, {"run", "exists"});
  expect_refused({"merge", "run", "-o", "run"}, 2, {"run", "exists"});
  expect_refused({"predict", "nowhere", "fields.csv", "-o", "new.csv"}, 1, {"nowhere"});
  expect_refused({"explain", "config.yaml", "Li O"}, 1, {"config.yaml"});
}

TEST_F(BadInput, DamagedRuns) {
  const std::string whole = read_file(folder() / "run/members.safetensors");
  std::filesystem::copy(folder() / "run", folder() / "damaged");
  const auto refused = [](const std::string& contents) {
    write_file(folder() / "damaged/members.safetensors", contents);
    expect_refused({"predict", "damaged", "fields.csv", "-o", "new.csv"}, 1, {"damaged/members.safetensors"});
    expect_refused({"screen", "damaged", "-o", "new.csv"}, 1, {"damaged/members.safetensors"});
  };
  refused(whole.substr(0, whole.size() - 100));
  refused(whole.substr(0, 100));
  refused("");
  std::string edited = whole;
  edited[edited.size() - 77] = static_cast<char>(edited[edited.size() - 77] ^ 1);
  refused(edited);
  edited = whole;
  const std::size_t seed = edited.find("elements");
  ASSERT_NE(seed, std::string::npos);
  edited[seed + 12] = edited[seed + 12] == 'X' ? 'Y' : 'X';
  refused(edited);
  write_file(folder() / "damaged/members.safetensors", whole);
  for (const char* file : {"fields.csv", "config.yaml"}) {
    std::filesystem::remove(folder() / "damaged" / file);
    expect_refused({"predict", "damaged", "fields.csv", "-o", "new.csv"}, 1, {"damaged is damaged", file});
  }
}

TEST_F(BadInput, FullDisk) {
  expect_refused({"aggregate", "fields.csv", "-o", "new.csv"}, 1, {"new.csv"}, 200);
  expect_refused({"screen", "run", "-o", "new.csv"}, 1, {"new.csv"}, 1000);
  expect_refused({"predict", "run", "fields.csv", "-o", "new.csv"}, 1, {"new.csv"}, 1000);
  expect_refused({"export", "run", "--embeddings", "new.csv"}, 1, {"new.csv"}, 500);
  for (const char* command : {"train", "validate"}) {  // what begins a folder; the next call may begin it again
    expect_refused({command, "config.yaml", "-o", "new"}, 1, {"new/config.yaml"}, 200);
    expect_refused({command, "config.yaml", "-o", "new"}, 1, {"new/checkpoint.safetensors"}, 1500);
  }
}

// Room for a checkpoint but not for the results: the work can be finished later.
TEST_F(BadInput, FullDiskAfterTheWorkLosesNothing) {
  for (const char* command : {"train", "validate"}) {
    const std::string directory = std::string("cramped_") + command;
    const Outcome full = call({command, "config.yaml", "-o", directory, "--quiet"}, 2000);
    EXPECT_EQ(full.code, 1) << full.err;
    EXPECT_EQ(std::count(full.err.begin(), full.err.end(), '\n'), 1) << full.err;
    EXPECT_PRED2(contains, full.err, "cannot write " + directory);
    EXPECT_FALSE(std::filesystem::exists(folder() / directory / "members.safetensors"));
    EXPECT_FALSE(std::filesystem::exists(folder() / directory / "predictions.csv"));
    const Outcome resumed = call({command, "config.yaml", "-o", directory, "--quiet", "--resume"});
    EXPECT_EQ(resumed.code, 0) << resumed.err;
  }
  expect_same_file(folder() / "cramped_train/members.safetensors", folder() / "run/members.safetensors");
  EXPECT_TRUE(std::filesystem::exists(folder() / "cramped_validate/metrics.json"));
}

TEST_F(BadInput, UnwritableFolders) {
  expect_refused({"aggregate", "fields.csv", "-o", "nowhere/new.csv"}, 1, {"nowhere"});
  expect_refused({"predict", "run", "fields.csv", "-o", "/proc/new.csv"}, 1, {"/proc"});
  expect_refused({"screen", "run", "-o", "fields.csv/new.csv"}, 1, {"fields.csv"});
  expect_refused({"export", "run", "--embeddings", "/proc/new.csv"}, 1, {"/proc"});
  expect_refused({"train", "config.yaml", "-o", "/proc/new"}, 1, {"/proc/new"});
  expect_refused({"validate", "config.yaml", "-o", "fields.csv/new"}, 1, {"fields.csv/new"});
}

TEST_F(BadInput, Candidates) {
  expect_refused({"screen", "run", "-o", "new.csv", "--elements", "Li,O"}, 2, {"no candidate"});
  expect_refused({"screen", "run", "-o", "new.csv", "--elements", "Li,Qq,O"}, 2, {"--elements", "Qq"});
  expect_refused({"screen", "run", "-o", "new.csv", "--elements", "Li,Xe,O"}, 2, {"--elements", "Xe"});
  expect_refused({"screen", "run", "-o", "new.csv", "--exclude", "@rare"}, 2, {"--exclude", "@rare", "@lanthanides"});
  expect_refused({"screen", "run", "-o", "new.csv", "--elements", ""}, 2, {"--elements", "no element"});
  expect_refused({"screen", "run", "-o", "new.csv", "--arity", "7"}, 2, {"--arity", "7"});
  expect_refused({"screen", "run", "-o", "new.csv", "--elements", "Ba", "Ca", "O", "--unknown-only"}, 2, {"known"});
  expect_refused({"explain", "run", "Li Qq"}, 2, {"Qq"});
  expect_refused({"explain", "run", "Li Xe"}, 2, {"Xe"});
}

}  // namespace
}  // namespace phaseselect
