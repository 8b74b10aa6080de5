// One flipped bit in each byte of what a run and a validation are read from: an error, or the same numbers.
#include <algorithm>
#include <cstdio>

#include "host/io/sealed_json.hpp"
#include "host/pipeline/cross_validation.hpp"
#include "host/pipeline/loaded_run.hpp"
#include "phaseselect/error.hpp"
#include "tests/pipeline/commands_fixture.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

// A run with everything that one can have: a calibration with neighbours, accessibility members.
class Damage : public testing::Test {
 protected:
  static const small_data::Folder& folder() {
    static const small_data::Folder folder_;
    return folder_;
  }
  static fs::path run() { return folder() / "run"; }
  static fs::path validation() { return folder() / "cv"; }
  static Config config() {
    Config result = read_config(folder() / "config.yaml");
    result.accessibility.members = 2;
    result.accessibility.folds = 2;
    result.accessibility.epochs = 1;
    result.calibration.neighbours = true;
    return result;
  }

  static void SetUpTestSuite() {
    if (fs::exists(run())) return;
    small_data::write_tables(folder());
    ValidateRequest validating;
    validating.config = config();
    validating.directory = validation();
    validating.member_predictions = true;
    validate(validating, Execution{});
    TrainRequest training;
    training.config = config();
    training.run = run();
    training.calibration = validation();
    train(training, Execution{});
  }

  static fs::path copy_of(const fs::path& original, const std::string& name) {
    fs::remove_all(folder() / name);
    fs::copy(original, folder() / name);
    return folder() / name;
  }

  // What a run says of a field, in every number there is.
  static std::string opinion(const fs::path& directory) {
    Execution execution;
    execution.device = Device::cpu;
    execution.threads = 1;
    return explain(directory, "Ba Li O", execution).dump();
  }
};

struct Tally {
  std::size_t detected = 0, harmless = 0;
  std::vector<std::size_t> believed;  // bytes whose change nobody saw
};

// Flips one bit of every `step`th byte; `numbers` reads the file and throws Error where it is damaged.
template <typename Numbers>
Tally flip_bits(const fs::path& file, std::size_t step, const std::string& right, const Numbers& numbers) {
  const std::string good = small_data::read_file(file);
  Tally tally;
  for (std::size_t byte = 0; byte < good.size(); byte += step) {
    std::string bad = good;
    bad[byte] = static_cast<char>(bad[byte] ^ 1 << byte / step % 8);
    small_data::write_file(file, bad);
    try {
      if (numbers() == right) {
        ++tally.harmless;
      } else {
        tally.believed.push_back(byte);
      }
    } catch (const Error&) {
      ++tally.detected;
    }
  }
  small_data::write_file(file, good);
  EXPECT_EQ(numbers(), right);
  std::printf("%s: %zu of %zu bytes changed: %zu detected, %zu harmless, %zu believed\n", file.filename().c_str(),
              tally.detected + tally.harmless + tally.believed.size(), good.size(), tally.detected, tally.harmless,
              tally.believed.size());
  return tally;
}

TEST_F(Damage, EveryByteOfARun) {
  const fs::path damaged = copy_of(run(), "flipped");
  const std::string right = opinion(damaged);
  for (const auto& [name, step] : {std::pair("run.json", 1),
                                   {"config.yaml", 3},
                                   {"fields.csv", 7},
                                   {"environment_fields.csv", 7},
                                   {"members.safetensors", 97},
                                   {"accessibility.safetensors", 97}}) {
    const Tally tally =
        flip_bits(damaged / name, static_cast<std::size_t>(step), right, [&] { return opinion(damaged); });
    EXPECT_TRUE(tally.believed.empty()) << name << ", byte " << tally.believed.front();
  }
  int number = 0;
  for (const char* name : {"history.csv", "accessibility_history.csv"}) {  // merge reads them
    const Tally tally = flip_bits(damaged / name, 41, "joined", [&] {
      const fs::path joined = folder() / ("joined" + std::to_string(number++));
      merge_runs({damaged}, joined);
      return "joined";
    });
    EXPECT_EQ(tally.harmless, 0u);
  }
}

TEST_F(Damage, EveryByteOfAValidation) {
  const fs::path damaged = copy_of(validation(), "flipped_cv");
  const Config calibrated = config();
  const DataIdentity identity = prepare(calibrated).identity;
  const auto calibration = [&] { return calibration_of_validation(damaged, calibrated, identity).dump(); };
  const std::string right = calibration();
  const Tally metrics = flip_bits(damaged / "metrics.json", 1, right, calibration);
  EXPECT_TRUE(metrics.believed.empty()) << "byte " << metrics.believed.front();
  const Tally configuration = flip_bits(damaged / "config.yaml", 1, right, calibration);
  EXPECT_TRUE(configuration.believed.empty()) << "byte " << configuration.believed.front();
}

// Files that are as they were written, in a run that they are not of.
TEST_F(Damage, FilesOfAnotherRun) {
  TrainRequest training;
  training.config = config();
  training.run = folder() / "part";
  training.members = std::pair(0u, 2u);
  train(training, Execution{});
  for (const char* name : {"run.json", "members.safetensors"}) {
    const fs::path mixed = copy_of(run(), "mixed");
    fs::copy_file(training.run / name, mixed / name, fs::copy_options::overwrite_existing);
    EXPECT_PRED2(contains, message_of<Error>([&] { LoadedRun(mixed, Execution{}); }),
                 "run.json is damaged (it was not written beside this members.safetensors)")
        << name;
  }
  const fs::path mixed = copy_of(run(), "mixed");
  fs::copy_file(training.run / "accessibility.safetensors", mixed / "accessibility.safetensors",
                fs::copy_options::overwrite_existing);
  EXPECT_PRED2(contains, message_of<Error>([&] { LoadedRun(mixed, Execution{}); }),
               "run.json is damaged (it was not written beside this accessibility.safetensors)");
  fs::remove(mixed / "accessibility.safetensors");
  EXPECT_PRED2(contains, message_of<Error>([&] { LoadedRun(mixed, Execution{}); }), "accessibility.safetensors");
  EXPECT_THROW(LoadedRun(mixed, Execution{}), Error);
}

TEST_F(Damage, MissingKeys) {
  const fs::path damaged = copy_of(run(), "keys");
  const nlohmann::json good = read_sealed(damaged / "run.json", "train again");
  const auto says = [&](const std::string& part) {
    EXPECT_PRED2(contains, message_of<Error>([&] { LoadedRun(damaged, Execution{}); }), part);
  };
  for (const char* key : {"calibration", "files"}) {
    nlohmann::json changed = good;
    changed.erase(key);
    small_data::write_file(damaged / "run.json", sealed_text(changed));
    says("run.json is damaged (it does not say");
  }
  small_data::write_file(damaged / "run.json", good.dump());
  says("run.json is damaged (it has no checksum");
  small_data::write_file(damaged / "run.json", "[1]");
  says("run.json is damaged (it is not a JSON object)");
}

}  // namespace
}  // namespace phaseselect
