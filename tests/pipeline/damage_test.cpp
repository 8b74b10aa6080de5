// What a run, a validation and a checkpoint are read from, with one flipped bit or an end that is missing: an error, or
// the same numbers. Of the larger files some bytes are tried; with PHASESELECT_THOROUGH=1 every bit of a text, every
// byte of the others, and every length.
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "host/io/sealed_json.hpp"
#include "host/pipeline/cross_validation.hpp"
#include "host/pipeline/loaded_run.hpp"
#include "host/pipeline/study.hpp"
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

bool thorough() { return std::getenv("PHASESELECT_THOROUGH") != nullptr; }

// Damages a file in every way; `numbers` reads it and throws Error where it is damaged.
template <typename Numbers>
class Damager {
 public:
  // Every `step`th byte and length.
  Damager(fs::path file, std::size_t step, const Numbers& numbers)
      : file_(std::move(file)),
        good_(small_data::read_file(file_)),
        step_(thorough() ? 1 : step),
        numbers_(numbers),
        right_(numbers()) {}
  ~Damager() {
    small_data::write_file(file_, good_);
    EXPECT_EQ(numbers_(), right_);
    std::printf("%s: %zu flipped bits and %zu lengths of %zu bytes: %zu detected, %zu harmless, %zu believed\n",
                file_.filename().c_str(), flipped_, cut_, good_.size(), detected_, harmless_, believed_);
    EXPECT_EQ(believed_, 0u) << file_;
  }
  Damager(const Damager&) = delete;
  Damager& operator=(const Damager&) = delete;

  void flip() {
    const bool every_bit = thorough() && file_.extension() != ".safetensors";
    for (std::size_t byte = 0; byte < good_.size(); byte += step_) {
      const std::size_t first = every_bit ? 0 : byte / step_ % 8;
      for (std::size_t bit = first; bit <= (every_bit ? 7 : first); ++bit, ++flipped_) {
        std::string bad = good_;
        bad[byte] = static_cast<char>(bad[byte] ^ 1 << bit);
        judge(bad, byte);
      }
    }
  }
  void cut() {
    for (std::size_t length = 0; length < good_.size(); length += step_, ++cut_) {
      judge(good_.substr(0, length), length);
    }
    judge(good_.substr(0, good_.size() - 1), good_.size() - 1);
  }
  std::size_t harmless() const { return harmless_; }

 private:
  void judge(const std::string& bad, std::size_t place) {
    small_data::write_file(file_, bad);
    try {
      const bool same = numbers_() == right_;
      ++(same ? harmless_ : believed_);
      EXPECT_TRUE(same) << file_ << ", at byte " << place;
    } catch (const Error&) {
      ++detected_;
    }
  }

  fs::path file_;
  std::string good_;
  std::size_t step_;
  const Numbers& numbers_;
  std::string right_;
  std::size_t flipped_ = 0, cut_ = 0, detected_ = 0, harmless_ = 0, believed_ = 0;
};

TEST_F(Damage, EveryByteOfARun) {
  const fs::path damaged = copy_of(run(), "damaged");
  const auto numbers = [&] { return opinion(damaged); };
  for (const auto& [name, step] : {std::pair("run.json", 1),
                                   {"config.yaml", 3},
                                   {"fields.csv", 7},
                                   {"environment_fields.csv", 7},
                                   {"members.safetensors", 97},
                                   {"accessibility.safetensors", 97}}) {
    Damager damager(damaged / name, static_cast<std::size_t>(step), numbers);
    damager.flip();
    damager.cut();
  }
  int number = 0;
  const auto joined = [&] {
    const fs::path merged = folder() / ("joined" + std::to_string(number++));
    merge_runs({damaged}, merged);
    fs::remove_all(merged);
    return std::string("joined");
  };
  for (const char* name : {"history.csv", "accessibility_history.csv"}) {  // merge reads them
    Damager damager(damaged / name, 41, joined);
    damager.flip();
    damager.cut();
    EXPECT_EQ(damager.harmless(), 0u);
  }
}

TEST_F(Damage, EveryByteOfAValidation) {
  const fs::path damaged = copy_of(validation(), "damaged_cv");
  const Config calibrated = config();
  const DataIdentity identity = prepare(calibrated).identity;
  const auto calibration = [&] { return calibration_of_validation(damaged, calibrated, identity).dump(); };
  for (const auto& [name, step] : {std::pair("metrics.json", 5), {"config.yaml", 3}}) {
    Damager damager(damaged / name, static_cast<std::size_t>(step), calibration);
    damager.flip();
    damager.cut();
  }
  // What study --ensemble-sizes reads.
  const auto sizes = [&] { return to_csv(study_ensemble_sizes(damaged, {1, 2}, 1)); };
  Damager damager(damaged / member_predictions_file_name, 13, sizes);
  damager.flip();
  damager.cut();
}

// A training that is resumed from a damaged checkpoint refuses it, or ends with the same bits.
TEST_F(Damage, EveryByteOfACheckpoint) {
  TrainRequest training;
  training.config = config();
  training.run = folder() / "stopped";
  training.checkpoint_seconds = 0;
  Execution stopping;
  int asked = 0;
  stopping.stop_requested = [&] { return ++asked == 4; };
  EXPECT_THROW(train(training, stopping), Interrupted);
  training.run = folder() / "resumed";
  training.resume = true;
  const auto resumed = [&] {
    fs::remove_all(training.run);
    fs::copy(folder() / "stopped", training.run);
    train(training, Execution{});
    return small_data::read_file(training.run / "members.safetensors") +
           small_data::read_file(training.run / "accessibility.safetensors");
  };
  const fs::path checkpoint = folder() / "stopped/checkpoint.safetensors";
  Damager damager(checkpoint, std::max<std::size_t>(1, fs::file_size(checkpoint) / 100), resumed);
  damager.flip();
  damager.cut();
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

// Nothing waits for the writer of a FIFO, or reads a device without an end.
TEST_F(Damage, FilesThatAreNone) {
  const Config calibrated = config();
  const DataIdentity identity = prepare(calibrated).identity;
  for (const char* name : {"run.json", "config.yaml", "fields.csv", "environment_fields.csv", "members.safetensors",
                           "accessibility.safetensors"}) {
    const fs::path damaged = copy_of(run(), "special");
    fs::remove(damaged / name);
    ASSERT_EQ(::mkfifo((damaged / name).c_str(), 0600), 0);
    EXPECT_THROW(LoadedRun(damaged, Execution{}), Error) << name;
    fs::remove(damaged / name);
    fs::create_symlink("/dev/zero", damaged / name);
    EXPECT_THROW(LoadedRun(damaged, Execution{}), Error) << name;
  }
  for (const char* name : {"metrics.json", "config.yaml"}) {
    const fs::path damaged = copy_of(validation(), "special_cv");
    fs::remove(damaged / name);
    ASSERT_EQ(::mkfifo((damaged / name).c_str(), 0600), 0);
    EXPECT_THROW(calibration_of_validation(damaged, calibrated, identity), Error) << name;
  }
  const fs::path finished = copy_of(run(), "special");
  fs::remove(finished / "config.yaml");
  ASSERT_EQ(::mkfifo((finished / "config.yaml").c_str(), 0600), 0);
  TrainRequest resumed;
  resumed.config = calibrated;
  resumed.run = finished;
  resumed.resume = true;
  EXPECT_THROW(train(resumed, Execution{}), Error);
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
