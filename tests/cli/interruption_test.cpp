// Signals: state is saved, commands say how to go on, and the resumed run has the bits of an uninterrupted one.
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "host/io/partial_name.hpp"
#include "host/pipeline/checkpoint.hpp"
#include "phaseselect/error.hpp"
#include "tests/cli/fixture.hpp"

namespace phaseselect {
namespace {

class Interruption : public CommandLine {
 protected:
  // Long enough to be interrupted while a checkpoint is written after every epoch.
  static Words training(const std::string& run) {
    return {"train", "config.yaml", "-o", run, "--quiet", "--set", "training.epochs=1500"};
  }
  // The first checkpoint is written before the first epoch: some member must have begun.
  static bool has_begun(const std::filesystem::path& checkpoint) {
    try {
      return has_progress(checkpoint);
    } catch (const Error&) {
      return false;  // not there yet
    }
  }
  static void wait_until_begun(const std::filesystem::path& checkpoint) {
    bool begun = false;
    for (int i = 0; i < 2000 && !begun; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      begun = has_begun(checkpoint);
    }
    EXPECT_TRUE(begun) << "no epoch within ten seconds";
  }
  static Outcome interrupt(Words arguments, const std::filesystem::path& checkpoint, int signal) {
    arguments.insert(arguments.end(), {"--checkpoint-seconds", "0"});
    Program program(folder().path(), arguments);
    wait_until_begun(checkpoint);
    program.send(signal);
    return program.finish();
  }
  static void expect_resumes(const std::string& run) {
    Words resume = training(run);
    resume.push_back("--resume");
    const Outcome resumed = call(resume);
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    if (!std::filesystem::exists(folder() / "uninterrupted")) {
      EXPECT_EQ(call(training("uninterrupted")).code, 0);
    }
    for (const char* file : {"members.safetensors", "history.csv"}) {
      expect_same_file(folder() / run / file, folder() / "uninterrupted" / file);
    }
    EXPECT_FALSE(std::filesystem::exists(folder() / run / "checkpoint.safetensors"));
  }
};

TEST_F(Interruption, InterruptSavesAndResumes) {
  const Outcome stopped = interrupt(training("stopped"), folder() / "stopped/checkpoint.safetensors", SIGINT);
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_EQ(std::count(stopped.err.begin(), stopped.err.end(), '\n'), 1) << stopped.err;
  EXPECT_PRED2(contains, stopped.err, "--resume");
  expect_refused({"predict", "stopped", "fields.csv", "-o", "new.csv"}, 1, {"stopped", "--resume"});
  expect_refused({"train", "config.yaml", "-o", "stopped"}, 2, {"stopped", "--resume"});
  const std::string begun = engine_of_checkpoint(folder() / "stopped/checkpoint.safetensors");
  const std::string other = begun == "cpu" ? "cuda" : "cpu";
  expect_refused({"train", "config.yaml", "-o", "stopped", "--resume", "--device", other}, 2,
                 {"stopped was begun with --device " + begun, "resume with --device " + begun});
  expect_resumes("stopped");
}

TEST_F(Interruption, TerminationSavesAndResumes) {
  const Outcome stopped = interrupt(training("terminated"), folder() / "terminated/checkpoint.safetensors", SIGTERM);
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  expect_resumes("terminated");
}

TEST_F(Interruption, HangUpSavesAndResumes) {
  const Outcome stopped = interrupt(training("hung_up"), folder() / "hung_up/checkpoint.safetensors", SIGHUP);
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_PRED2(contains, stopped.err, "--resume");
  expect_resumes("hung_up");
}

TEST_F(Interruption, AnIgnoredHangUpStaysIgnored) {
  std::signal(SIGHUP, SIG_IGN);  // inherited, as from nohup
  Words arguments = training("nohup");
  arguments.insert(arguments.end(), {"--checkpoint-seconds", "0"});
  Program program(folder().path(), arguments);
  std::signal(SIGHUP, SIG_DFL);
  wait_until_begun(folder() / "nohup/checkpoint.safetensors");
  program.send(SIGHUP);
  const Outcome done = program.finish();
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(std::filesystem::exists(folder() / "nohup/members.safetensors"));
}

TEST_F(Interruption, ASecondSignalEndsAtOnce) {
  Words arguments = training("twice");
  arguments.insert(arguments.end(), {"--checkpoint-seconds", "0"});
  Program program(folder().path(), arguments);
  wait_until_begun(folder() / "twice/checkpoint.safetensors");
  program.send(SIGSTOP);  // so that it meets both at once
  program.send(SIGHUP);
  program.send(SIGTERM);
  program.send(SIGCONT);
  const Outcome ended = program.finish();
  EXPECT_EQ(ended.code, 130);
  EXPECT_EQ(ended.err, "") << "it had no time for a message";
  expect_resumes("twice");
}

TEST_F(Interruption, KilledOutrightAndResumed) {
  const Outcome killed = interrupt(training("killed"), folder() / "killed/checkpoint.safetensors", SIGKILL);
  EXPECT_EQ(killed.code, 128 + SIGKILL);
  small_data::write_file(folder() / "killed/history.csv.partial-4194304", "half");  // whatever the moment was
  expect_resumes("killed");
  for (const auto& entry : std::filesystem::directory_iterator(folder() / "killed")) {
    EXPECT_FALSE(is_partial_file(entry.path())) << entry.path() << " was left behind";
  }
}

// Within the first epoch, which takes seconds.
TEST_F(Interruption, AnEpochOfALargeModelIsLeft) {
  Words arguments{"train", "config.yaml", "-o", "slow", "--quiet", "--members", "1", "--threads", "1"};
  for (const char* setting :
       {"model.hidden=[2500,2500]", "training.batch=1", "training.epochs=1", "ranking.epochs=1"}) {
    arguments.insert(arguments.end(), {"--set", setting});
  }
  Program program(folder().path(), arguments);
  for (int i = 0; i < 2000 && !std::filesystem::exists(folder() / "slow/checkpoint.safetensors"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto start = std::chrono::steady_clock::now();
  program.send(SIGINT);
  const Outcome stopped = program.finish();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_PRED2(contains, stopped.err, "(0 % of the work), state saved");
  EXPECT_FALSE(std::filesystem::exists(folder() / "slow/phaseselect.partial-lock"));
  arguments.push_back("--resume");
  EXPECT_EQ(call(arguments).code, 0);
  arguments[3] = "slow_whole";
  EXPECT_EQ(call(arguments).code, 0);
  expect_same_file(folder() / "slow/members.safetensors", folder() / "slow_whole/members.safetensors");
  for (const char* run : {"slow", "slow_whole"}) std::filesystem::remove_all(folder() / run);  // large
}

// Before there is anything to save: a table that does not come.
TEST_F(Interruption, WaitingForATableLeavesNothing) {
  ASSERT_EQ(::mkfifo((folder() / "pipe.csv").c_str(), 0666), 0);
  for (const Words& command : std::vector<Words>{{"train", "config.yaml", "-o", "deep/early"},
                                                 {"validate", "config.yaml", "-o", "early"},
                                                 {"aggregate", "pipe.csv", "-o", "early.csv"}}) {
    Words arguments = command;
    if (command[0] != "aggregate") arguments.insert(arguments.end(), {"--set", "environments.formulas=pipe.csv"});
    Program program(folder().path(), arguments);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const auto start = std::chrono::steady_clock::now();
    program.send(SIGTERM);
    const Outcome stopped = program.finish();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3)) << command[0];
    EXPECT_EQ(stopped.code, 130) << command[0] << stopped.err;
    EXPECT_PRED2(contains, stopped.err, "phaseselect: interrupted before the end\n");
    EXPECT_FALSE(std::filesystem::exists(folder() / command[3])) << command[0];
    for (const std::string& file : files()) EXPECT_FALSE(is_partial_file(file)) << file;
  }
  std::filesystem::remove(folder() / "pipe.csv");
}

TEST_F(Interruption, OneWriterAtATime) {
  Words arguments = training("shared");
  arguments.insert(arguments.end(), {"--checkpoint-seconds", "0"});
  Program program(folder().path(), arguments);
  wait_until_begun(folder() / "shared/checkpoint.safetensors");
  Words second = training("shared");
  for (const bool resume : {false, true}) {
    if (resume) second.push_back("--resume");
    const Outcome refused = call(second);
    EXPECT_EQ(refused.code, 1) << refused.err;
    EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
    EXPECT_PRED2(contains, refused.err, "shared is in use by process ");
  }
  program.send(SIGINT);
  const Outcome stopped = program.finish();
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  expect_resumes("shared");
}

TEST_F(Interruption, ValidationResumes) {
  const Words arguments{"validate", "config.yaml", "-o", "stopped_cv", "--quiet", "--set", "training.epochs=500"};
  const Outcome stopped = interrupt(arguments, folder() / "stopped_cv/checkpoint.safetensors", SIGINT);
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_PRED2(contains, stopped.err, "--resume");
  Words resume = arguments;
  resume.push_back("--resume");
  EXPECT_EQ(call(resume).code, 0);
  Words whole = arguments;
  whole[3] = "whole_cv";
  EXPECT_EQ(call(whole).code, 0);
  for (const char* file : {"predictions.csv", "roc.csv"}) {
    expect_same_file(folder() / "stopped_cv" / file, folder() / "whole_cv" / file);
  }
}

}  // namespace
}  // namespace phaseselect
