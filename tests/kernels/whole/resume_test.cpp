// A run's bytes do not depend on how it came about: interrupted, killed, in waves, in ranges, under another schedule.
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/pipeline/checkpoint.hpp"
#include "tests/kernels/whole/whole.hpp"

namespace phaseselect::whole {
namespace {

const std::string plenty = "4000000000";
const std::string room_for_two = "95000";

class Bytes : public Whole {
 protected:
  // Members leave at different times, in both phases.
  static Words command(const std::string& run) {
    return joined(training(run, "cuda",
                           {"model.slot_order=random", "model.prediction_orders=2", "training.monitor=loss",
                            "training.patience=2", "training.epochs=10", "training.learning_rate=0.03",
                            "ranking.patience=2", "ranking.epochs=6", "ensemble.members=5"}),
                  {"--quiet"});
  }
  // With plenty of memory, without a stop.
  static std::string uninterrupted() {
    const std::string run = "uninterrupted";
    if (!std::filesystem::exists(folder() / run)) expect_done(command(run));
    return run;
  }

  struct Seen {
    int stops = 0;
    std::set<std::uint32_t> phases;
    std::size_t most_in_training = 0;
    bool best = false;
  };
  static ino_t identity(const std::filesystem::path& file) {
    struct stat status {};
    return stat(file.c_str(), &status) == 0 ? status.st_ino : 0;
  }
  // Waits for the checkpoint to be replaced so many times, or for the end of the program.
  static void await_checkpoints(const Program& program, const std::filesystem::path& file, ino_t last, int times) {
    while (times > 0 && program.running()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const ino_t now = identity(file);
      if (now == last || now == 0) continue;
      last = now;
      --times;
    }
  }
  static void look(const std::filesystem::path& checkpoint, Seen& seen) {
    const SafetensorsReader file(checkpoint);
    const auto rows = file.read_all<std::uint32_t>("progress.members");
    std::size_t in_training = 0;
    for (std::size_t i = 0; i + 8 <= rows.size(); i += 8) {
      seen.phases.insert(rows[i + 1]);
      in_training += rows[i + 1] != static_cast<std::uint32_t>(Phase::finished) ? 1 : 0;
      seen.best = seen.best || file.contains("member." + std::to_string(rows[i]) + ".classifier.best");
    }
    seen.most_in_training = std::max(seen.most_in_training, in_training);
  }

  // Stops the training again and again, and lets it end.
  static Seen stop_often(const std::string& run, int signal) {
    const std::filesystem::path checkpoint = folder() / run / "checkpoint.safetensors";
    Seen seen;
    for (int leg = 0; leg < 12; ++leg) {
      Words words = joined(command(run), {"--checkpoint-seconds", "0"});
      if (leg > 0) words.push_back("--resume");
      const ino_t last = identity(checkpoint);
      Program program(folder().path(), words);
      await_checkpoints(program, checkpoint, last, leg == 0 ? 2 : 1 + leg % 3);
      program.send(signal);
      const Outcome outcome = program.finish();
      if (outcome.code == 0) return seen;
      const int expected = signal == SIGKILL ? 128 + SIGKILL : 130;
      EXPECT_EQ(outcome.code, expected) << outcome.err;
      if (outcome.code != expected) return seen;
      if (!std::filesystem::exists(checkpoint)) break;  // ended between its last files
      look(checkpoint, seen);
      ++seen.stops;
    }
    expect_done(joined(command(run), {"--resume"}));
    return seen;
  }

  static void expect_stops_change_nothing(int signal, const std::string& memory, std::size_t most_in_training) {
    const Variable limit(memory_variable, memory);
    const Seen seen = stop_often("stopped", signal);
    EXPECT_GE(seen.stops, 2) << "the training was not interrupted";
    EXPECT_LE(seen.most_in_training, most_in_training);
    EXPECT_TRUE(seen.best) << "no checkpoint with best weights";
    std::printf("%d stops, phases%s\n", seen.stops, testing::PrintToString(seen.phases).c_str());
    EXPECT_FALSE(std::filesystem::exists(folder() / "stopped/checkpoint.safetensors"));
    const Variable enough(memory_variable, plenty);
    expect_same_run("stopped", uninterrupted());
  }

  static int members_at_once() {
    Words words = command("none");
    words.erase(words.begin() + 2, words.begin() + 4);  // -o RUN
    words.front() = "inspect";
    words.push_back("--json");
    return nlohmann::json::parse(expect_done(words).out).at("estimate").at("members_at_once");
  }
};

TEST_F(Bytes, InterruptedAgainAndAgain) { expect_stops_change_nothing(SIGINT, plenty, 5); }

TEST_F(Bytes, KilledAgainAndAgain) { expect_stops_change_nothing(SIGKILL, plenty, 5); }

TEST_F(Bytes, InterruptedInWaves) { expect_stops_change_nothing(SIGINT, room_for_two, 2); }

TEST_F(Bytes, KilledInWaves) { expect_stops_change_nothing(SIGKILL, room_for_two, 2); }

// Members that are in training in the checkpoint and have no room now stay in it until they have.
TEST_F(Bytes, ResumedWithLessMemory) {
  const std::filesystem::path checkpoint = folder() / "shrunk/checkpoint.safetensors";
  Program program(folder().path(), joined(command("shrunk"), {"--checkpoint-seconds", "0"}));
  await_checkpoints(program, checkpoint, 0, 3);
  program.send(SIGINT);
  EXPECT_EQ(program.finish().code, 130);
  Seen seen;
  look(checkpoint, seen);
  EXPECT_EQ(seen.most_in_training, 5u);
  {
    const Variable limit(memory_variable, room_for_two);
    const ino_t last = identity(checkpoint);
    Program again(folder().path(), joined(command("shrunk"), {"--checkpoint-seconds", "0", "--resume"}));
    await_checkpoints(again, checkpoint, last, 1);
    again.send(SIGKILL);
    again.finish();
    expect_done(joined(command("shrunk"), {"--resume"}));
  }
  expect_same_run("shrunk", uninterrupted());
}

TEST_F(Bytes, WavesChangeNothing) {
  {
    const Variable limit(memory_variable, room_for_two);
    EXPECT_EQ(members_at_once(), 2);
    expect_done(command("waves"));
  }
  expect_same_run("waves", uninterrupted());
}

TEST_F(Bytes, RangesMergeToTheWholeRun) {
  expect_done(joined(command("first"), {"--member-range", "0:2"}));
  expect_done(joined(command("second"), {"--member-range", "2:5"}));
  expect_done({"merge", "second", "first", "-o", "merged", "--quiet"});
  expect_same_run("merged", uninterrupted());
}

TEST_F(Bytes, ValidationInterrupted) {
  const Words whole = joined({"validate", "config.yaml", "-o", "cv", "--device", "cuda", "--quiet"},
                             settings({"training.patience=3", "training.epochs=8"}));
  Words stopped = whole;
  stopped[3] = "stopped_cv";
  Program program(folder().path(), joined(stopped, {"--checkpoint-seconds", "0"}));
  await_checkpoints(program, folder() / "stopped_cv/checkpoint.safetensors", 0, 3);
  program.send(SIGINT);
  EXPECT_EQ(program.finish().code, 130);
  expect_done(joined(stopped, {"--resume"}));
  expect_done(whole);
  for (const char* file : {"predictions.csv", "roc.csv"}) {
    expect_same_file(folder() / "stopped_cv" / file, folder() / "cv" / file);
  }
}

// The order in which threads and blocks run.
TEST_F(Bytes, SchedulesChangeNothing) {
  const auto evaluate = [](const std::string& run) {
    const Words engine{"--device", "cuda", "--quiet"};
    expect_done(joined({"predict", run, "fields.csv", "-o", run + "_predict.csv"}, engine));
    expect_done(joined({"screen", run, "-o", run + "_screen.csv", "--top", "50"}, engine));
    expect_done(joined({"export", run, "--embeddings", run + "_export.csv"}, engine));
  };
  evaluate(uninterrupted());
  for (const std::string seed : {"2", "77"}) {
    const Variable schedule(seed_variable, seed);
    const std::string run = "seed" + seed;
    expect_done(command(run));
    evaluate(run);
    expect_same_run(run, uninterrupted());
    for (const std::string file : {"_predict.csv", "_screen.csv", "_export.csv"}) {
      expect_same_file(folder() / (run + file), folder() / (uninterrupted() + file));
    }
  }
}

}  // namespace
}  // namespace phaseselect::whole
