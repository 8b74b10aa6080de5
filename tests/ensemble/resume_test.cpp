// Interrupted, killed and resumed trainings end in the bytes of an uninterrupted one; what cannot be resumed says why.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "host/io/sha256.hpp"
#include "host/pipeline/run_directory.hpp"
#include "phaseselect/error.hpp"
#include "tests/ensemble/stand_in.hpp"
#include "tests/ensemble/training.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

class ResumeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    config_ = synthetic_config(folder_);
    train_small(config_, folder_ / "expected");
    expected_ = result_bytes(folder_ / "expected");
  }

  // Trains a few rounds and stops: leaves a checkpoint.
  void interrupt(const fs::path& run, int rounds = 4) {
    EXPECT_THROW(train_small(config_, run, {.stop_after = rounds}), Interrupted);
    ASSERT_TRUE(fs::exists(run / "checkpoint.safetensors"));
  }
  std::string resume_error(const Config& config, const fs::path& run) {
    try {
      train_small(config, run, {.resume = true});
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
  bool says(const std::string& message, const std::string& part) {
    if (message.find(part) != std::string::npos) return true;
    ADD_FAILURE() << "'" << message << "' does not say '" << part << "'";
    return false;
  }

  TemporaryFolder folder_;
  Config config_;
  std::string expected_;
};

TEST_F(ResumeTest, AnInterruptionAtAnyRoundChangesNothing) {
  int stopped = 0;
  for (int rounds = 1; rounds < 60; ++rounds) {
    const fs::path run = folder_ / ("run" + std::to_string(rounds));
    try {
      train_small(config_, run, {.stop_after = rounds});
      break;  // ran to its end before that round
    } catch (const Interrupted& interrupted) {
      ++stopped;
      EXPECT_TRUE(says(interrupted.what(),
                       "phaseselect train " + (run / "config.yaml").string() + " -o " + run.string() + " --resume"));
    }
    EXPECT_FALSE(fs::exists(run / "members.safetensors"));
    const nlohmann::json result = train_small(config_, run, {.threads = 1 + rounds % 2, .resume = true});
    EXPECT_EQ(result.at("resumed"), true);
    EXPECT_EQ(result_bytes(run), expected_) << "stopped after round " << rounds;
    EXPECT_FALSE(fs::exists(run / "checkpoint.safetensors"));
    fs::remove_all(run);
  }
  EXPECT_GT(stopped, 10);
}

// The checkpoint is of whole epochs, though the members' may be different ones.
TEST_F(ResumeTest, AStopWithinAnEpochChangesNothing) {
  train_small(config_, folder_ / "on_stand_in", {.cuda = with_gpu()});
  const std::string expected = result_bytes(folder_ / "on_stand_in");
  int stopped = 0;
  for (int last = 0; last < 260; last += 13) {
    const fs::path run = folder_ / ("run" + std::to_string(last));
    std::atomic<int> asked{0};
    EXPECT_THROW(train_small(config_, run, {.stopping = [&] { return asked++ >= last; }, .cuda = with_gpu()}),
                 Interrupted)
        << last;
    ++stopped;
    train_small(config_, run, {.resume = true, .cuda = with_gpu()});
    EXPECT_EQ(result_bytes(run), expected) << "asked " << last << " times";
  }
  EXPECT_EQ(stopped, 20);
}

TEST_F(ResumeTest, OneWriterAtATime) {
  const fs::path run = folder_ / "run";
  std::string refused, beside;
  const auto start_another = [&] {
    if (!refused.empty()) return;
    try {
      train_small(config_, run, {.resume = true});
    } catch (const Error& error) {
      refused = error.what();
    }
    try {
      train_small(config_, run);
    } catch (const Error& error) {
      beside = error.what();
    }
  };
  train_small(config_, run, {.each_round = start_another});
  says(refused, "is in use by process " + std::to_string(::getpid()));
  says(beside, "is in use by process " + std::to_string(::getpid()));
  EXPECT_EQ(result_bytes(run), expected_);
  EXPECT_FALSE(fs::exists(run / "phaseselect.partial-lock"));
}

// One process after the other is killed without warning, each a little later in its life, until one reaches the end.
TEST_F(ResumeTest, KillsAtAnyMomentChangeNothing) {
  const fs::path run = folder_ / "run";
  int killed = 0;
  for (int attempt = 0; !fs::exists(run / "members.safetensors"); ++attempt) {
    ASSERT_LT(attempt, 400);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto slowly = [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
      try {
        train_small(config_, run,
                    {.threads = 2, .resume = fs::exists(run), .checkpoint_seconds = 0, .each_round = slowly});
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(3 + attempt * 3));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "a resumed training failed";
    killed += WIFSIGNALED(status) ? 1 : 0;
  }
  train_small(config_, run, {.resume = true});  // finished or not, this is fine
  EXPECT_GE(killed, 3);
  EXPECT_EQ(result_bytes(run), expected_);
  EXPECT_FALSE(has_partial_files(run));
}

TEST_F(ResumeTest, AFullDiskKeepsTheLastCheckpoint) {
  const fs::path run = folder_ / "run";
  interrupt(run);
  const std::string checkpoint = read_bytes(run / "checkpoint.safetensors");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};  // bytes a file may have
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      train_small(config_, run, {.resume = true, .checkpoint_seconds = 0});
    } catch (const Error& error) {
      const std::string message = error.what();
      ::_exit(message.find("cannot write " + (run / "checkpoint.safetensors").string()) == 0 &&
                      message.find("free some space") != std::string::npos
                  ? 0
                  : 2);
    } catch (...) {
      ::_exit(4);
    }
    ::_exit(3);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(read_bytes(run / "checkpoint.safetensors"), checkpoint);
  EXPECT_FALSE(has_partial_files(run));
  train_small(config_, run, {.resume = true});
  EXPECT_EQ(result_bytes(run), expected_);
}

TEST_F(ResumeTest, DamagedCheckpointsAreRefused) {
  const fs::path run = folder_ / "run";
  interrupt(run);
  const std::string good = read_bytes(run / "checkpoint.safetensors");
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{300}, good.size() / 2, good.size() - 1}) {
    write_bytes(run / "checkpoint.safetensors", good.substr(0, size));
    says(resume_error(config_, run), "checkpoint.safetensors is damaged");
  }
  for (std::size_t position = 0; position < good.size(); position += good.size() / 23) {
    std::string edited = good;
    edited[position] = static_cast<char>(edited[position] ^ 4);
    write_bytes(run / "checkpoint.safetensors", edited);
    says(resume_error(config_, run), "checkpoint.safetensors is damaged");
  }
  fs::copy_file(folder_ / "expected/members.safetensors", run / "checkpoint.safetensors",
                fs::copy_options::overwrite_existing);
  says(resume_error(config_, run), "is not a checkpoint of a training");
}

TEST_F(ResumeTest, AnotherConfigurationOrOtherDataAreRefused) {
  const fs::path run = folder_ / "run";
  interrupt(run);
  Config other = config_;
  other.training.batch = 9;
  says(resume_error(other, run),
       "belongs to another run, its configuration differs (it says 'batch: 8', this run says 'batch: 9')");
  other = config_;
  other.training.encoder_rate = 0;
  says(resume_error(other, run), "(it says 'encoder_rate: 1', this run says 'encoder_rate: 0')");
  other = config_;
  other.model.attention.weight = 0;
  says(resume_error(other, run), "(it says 'weight: 1', this run says 'weight: 0')");
  other = config_;
  other.model.attention.mask = false;
  says(resume_error(other, run), "(it says 'mask: true', this run says 'mask: false')");
  const std::string table = read_bytes(folder_ / "fields.csv");
  write_bytes(folder_ / "fields.csv", table + "BaO,3\n");
  says(resume_error(config_, run), "was begun with another property table, whose bytes differ");
  write_bytes(folder_ / "fields.csv", table);
  try {
    train_small(config_, run, {.members = std::pair(0u, 2u), .resume = true});
    ADD_FAILURE() << "another range of members was accepted";
  } catch (const Error& error) {
    says(error.what(), "members differs (it says '0:4', this run says '0:2')");
  }
  train_small(config_, run, {.resume = true});
  EXPECT_EQ(result_bytes(run), expected_);
}

// A resumed run is not left without the calibration that it was begun with.
TEST_F(ResumeTest, TheCalibrationIsNotForgotten) {
  ValidateRequest validation;
  validation.config = config_;
  validation.directory = folder_ / "validation";
  validate(validation, Execution{});
  const fs::path run = folder_ / "run";
  EXPECT_THROW(train_small(config_, run, {.stop_after = 4, .calibration = folder_ / "validation"}), Interrupted);
  says(resume_error(config_, run), "its calibration differs");
  const nlohmann::json result = train_small(config_, run, {.resume = true, .calibration = folder_ / "validation"});
  EXPECT_TRUE(result.at("calibration").contains("slope"));
  says(resume_error(config_, run), "is finished and calibrated otherwise");
  train_small(config_, run, {.resume = true, .calibration = folder_ / "validation"});
  EXPECT_EQ(result_bytes(run), expected_);
}

// What a finished run holds is compared with what is asked for.
TEST_F(ResumeTest, AFinishedRunIsNotPassedOffAsAnother) {
  const auto error_of = [&](const fs::path& run, std::optional<std::pair<std::uint32_t, std::uint32_t>> members) {
    try {
      train_small(config_, run, {.members = members, .resume = true});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  const fs::path part = folder_ / "part";
  train_small(config_, part, {.members = std::pair(1u, 3u)});
  EXPECT_EQ(error_of(part, std::pair(1u, 3u)), "nothing was thrown");
  says(error_of(part, std::pair(0u, 2u)), "holds the members 1-2 of the ensemble, not 0-1");
  says(error_of(part, std::nullopt), "holds the members 1-2 of the ensemble, not 0-3");
  says(error_of(folder_ / "expected", std::pair(0u, 1u)), "holds the members 0-3 of the ensemble, not 0");
  const std::string table = read_bytes(folder_ / "fields.csv");
  write_bytes(folder_ / "fields.csv", table + "BaO,3\n");
  says(error_of(folder_ / "expected", std::nullopt), "was trained with another table than");
  fs::remove(folder_ / "fields.csv");
  EXPECT_EQ(error_of(folder_ / "expected", std::nullopt), "nothing was thrown");
}

// Nothing that is worth keeping exists before the first checkpoint with progress.
TEST_F(ResumeTest, AFailureBeforeAnyProgressLeavesNothing) {
  config_.training.learning_rate = 1e30;  // diverges
  EXPECT_THROW(train_small(config_, folder_ / "run"), Error);
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  fs::create_directory(folder_ / "started");  // killed before its first checkpoint
  write_bytes(folder_ / "started/config.yaml", to_yaml(config_));
  EXPECT_THROW(train_small(config_, folder_ / "started", {.resume = true}), Error);
  EXPECT_TRUE(fs::exists(folder_ / "started/config.yaml"));
  EXPECT_FALSE(fs::exists(folder_ / "started/checkpoint.safetensors"));
}

TEST_F(ResumeTest, RunFoldersThatExist) {
  const auto error_of = [&](const fs::path& run, bool resume) -> std::string {
    try {
      train_small(config_, run, {.resume = resume});
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no UsageError";
  };
  says(error_of(folder_ / "expected", false), "exists: name a folder that does not");
  interrupt(folder_ / "stopped");
  says(error_of(folder_ / "stopped", false), "holds an unfinished training: continue it with phaseselect train");
  says(error_of(folder_ / "config.yaml", false), "is a file");
  fs::create_directory(folder_ / "mine");
  write_bytes(folder_ / "mine/thesis.tex", "text");
  says(error_of(folder_ / "mine", true), "holds other files");
  EXPECT_EQ(train_small(config_, folder_ / "expected", {.resume = true}).at("members"), 4);  // already finished
  for (const bool resume : {false, true}) {  // nothing there, and a folder with nothing in it
    const fs::path begun = folder_ / (resume ? "resumed" : "begun");
    if (!resume) fs::create_directory(begun);
    train_small(config_, begun, {.resume = resume});
    EXPECT_EQ(result_bytes(begun), expected_);
  }
  EXPECT_EQ(result_bytes(folder_ / "expected"), expected_);
  Config other = config_;
  other.ensemble.members = 5;
  says(resume_error(other, folder_ / "expected"), "was started with another configuration");
}

TEST_F(ResumeTest, AFolderBelowAFile) {
  try {
    train_small(config_, folder_ / "config.yaml/run");  // its parent is a file
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    says(error.what(), "cannot create the folder");
  }
}

TEST_F(ResumeTest, AFolderWithoutPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere: needs another user";
  fs::create_directory(folder_ / "locked");
  fs::permissions(folder_ / "locked", fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THROW(train_small(config_, folder_ / "locked/run"), Error);
}

// The run speaks of the bytes that were parsed, whatever has become of the file since.
TEST_F(ResumeTest, ATableThatChangesMeanwhileIsNotCertified) {
  const std::string table = read_bytes(folder_ / "fields.csv");
  const std::string before = sha256_file(folder_ / "fields.csv");
  const auto edit = [&] { write_bytes(folder_ / "fields.csv", table + "Ba O,17\n"); };
  const nlohmann::json run = train_small(config_, folder_ / "edited", {.each_round = edit});
  ASSERT_NE(sha256_file(folder_ / "fields.csv"), before);
  EXPECT_EQ(run.at("data").at("properties").at("sha256"), before);
  EXPECT_EQ(phaseselect::Run(folder_ / "edited").file().metadata().at("properties_sha256"), before);

  for (const char* name : {"fields.csv", "formulas.csv"}) {
    write_bytes(folder_ / "fields.csv", table);
    const std::string good = read_bytes(folder_ / name);
    const fs::path stopped = folder_ / ("stopped_" + std::string(name));
    EXPECT_THROW(train_small(config_, stopped,
                             {.stop_after = 3, .each_round = [&] { write_bytes(folder_ / name, good + "\n"); }}),
                 Interrupted);
    says(resume_error(config_, stopped), name == std::string("fields.csv")
                                             ? "was begun with another property table, whose bytes differ"
                                             : "was begun with another table of formulas, whose bytes differ");
    write_bytes(folder_ / name, good);
    train_small(config_, stopped, {.resume = true});
  }
  EXPECT_EQ(result_bytes(folder_ / "stopped_fields.csv"), result_bytes(folder_ / "edited"));
}

}  // namespace
}  // namespace phaseselect
