// Which engine the program takes, and what it says where it cannot.
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/pipeline/checkpoint.hpp"
#include "phaseselect/error.hpp"
#include "tests/kernels/whole/whole.hpp"

namespace phaseselect::whole {
namespace {

class ChosenDevice : public Whole {
 protected:
  static std::string engine_of(const std::string& run) {
    return nlohmann::json::parse(small_data::read_file(folder() / run / "run.json")).at("engine");
  }
  static bool has_begun(const std::filesystem::path& checkpoint) {
    try {
      return has_progress(checkpoint);
    } catch (const Error&) {
      return false;  // not there yet
    }
  }
  // Leaves a checkpoint of that device in `run`.
  static void leave_checkpoint(const std::string& run, const std::string& device) {
    const Words long_training = training(run, device, {"training.epochs=100000"});
    Program program(folder().path(), joined(long_training, {"--checkpoint-seconds", "0"}));
    const std::filesystem::path checkpoint = folder() / run / "checkpoint.safetensors";
    while (program.running() && !has_begun(checkpoint)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    program.send(SIGINT);
    EXPECT_EQ(program.finish().code, 130);
  }
  static Words resumption(const std::string& run, const std::string& device) {
    return joined(training(run, device, {"training.epochs=100000"}), {"--resume"});
  }
};

TEST_F(ChosenDevice, AutomaticTakesTheGpuAndSaysSo) {
  const Outcome trained = expect_done(training("run", "auto"));
  EXPECT_PRED2(contains, trained.err, "\nusing " + device_name + "\nthe run is in run\n");
  EXPECT_EQ(engine_of("run"), "cuda");
  EXPECT_PRED2(contains, expect_done({"predict", "run", "fields.csv", "-o", "out.csv"}).err, "using " + device_name);
}

TEST_F(ChosenDevice, WithoutAGpu) {
  const Variable none(no_gpu_variable, "1");
  const std::string reason =
      "the NVIDIA driver finds no GPU: check nvidia-smi and CUDA_VISIBLE_DEVICES or use --device cpu";
  expect_refused(training("new", "cuda"), 2, {reason});
  expect_refused({"validate", "config.yaml", "-o", "new", "--device", "cuda"}, 2, {reason});
  expect_refused({"inspect", "config.yaml", "--device", "cuda"}, 2, {reason});
  const Outcome trained = expect_done(training("run", "auto"));
  EXPECT_PRED2(contains, trained.err, "no GPU engine: the NVIDIA driver finds no GPU; using CPU, ");
  EXPECT_EQ(engine_of("run"), "cpu");
  expect_refused({"screen", "run", "-o", "new.csv", "--device", "cuda"}, 2, {reason});
}

TEST_F(ChosenDevice, WithTooLittleMemory) {
  const Variable little(memory_variable, "30000");
  expect_refused(training("new", "cuda"), 2, {"a member needs", "lower model.features from 5", "--device cpu"});
  const Outcome trained = expect_done(training("run", "auto"));
  EXPECT_PRED2(contains, trained.err, "no GPU engine: a member needs");
  EXPECT_EQ(engine_of("run"), "cpu");
}

TEST_F(ChosenDevice, WithoutMemoryToEvaluate) {
  expect_done(training("run", "cuda"));
  const Variable little(memory_variable, "20000");
  expect_refused({"predict", "run", "fields.csv", "-o", "new.csv", "--device", "cuda"}, 1,
                 {"out of GPU memory", "for a member's weights", "--device cpu"});
  const Outcome predicted = expect_done({"predict", "run", "fields.csv", "-o", "out.csv"});
  EXPECT_PRED2(contains, predicted.err, "for a member's weights");
  EXPECT_PRED2(contains, predicted.err, "; using CPU, ");
}

// Not even what all members share has room.
TEST_F(ChosenDevice, WithoutMemoryForTheProblem) {
  const Variable little(memory_variable, "100");
  expect_refused(training("new", "cuda"), 1, {"out of GPU memory", "--device cpu"});
  expect_done(training("run", "auto"));
  EXPECT_EQ(engine_of("run"), "cpu");
}

TEST_F(ChosenDevice, WorkBegunOnTheCpuStaysThere) {
  leave_checkpoint("stopped", "cpu");
  expect_refused(resumption("stopped", "cuda"), 2, {"stopped was begun with --device cpu", "resume with --device cpu"});
}

TEST_F(ChosenDevice, WorkBegunOnTheGpuStaysThere) {
  leave_checkpoint("stopped", "cuda");
  expect_refused(resumption("stopped", "cpu"), 2,
                 {"stopped was begun with --device cuda", "resume with --device cuda"});
  const Variable none(no_gpu_variable, "1");
  expect_refused(resumption("stopped", "auto"), 2,
                 {"was begun with --device cuda, which cannot be used here (the NVIDIA driver finds no GPU)"});
}

}  // namespace
}  // namespace phaseselect::whole
