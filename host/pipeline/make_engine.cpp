// Which engine computes.
#include <fmt/format.h>

#include "host/pipeline/checkpoint.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/resumed_execution.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

std::unique_ptr<Engine> cuda_engine(const Problem& problem, const Execution& execution, Work work) {
  std::unique_ptr<Engine> engine = execution.cuda.make(problem);
  if (work == Work::training) engine->preferred_slots(1);  // throws where not even one member has room
  return engine;
}

// `reason`: why it is not the CUDA engine.
std::unique_ptr<Engine> cpu_engine(const Problem& problem, const Execution& execution, Work work,
                                   const std::string& reason) {
  if (work == Work::training && problem.precision != Precision::fp32) {
    throw UsageError(
        fmt::format("training.precision: tf32 needs the CUDA engine ({}): use fp32 or --device cuda", reason));
  }
  return make_cpu_engine(problem, {execution.threads});
}

const char* device_name(Device device) { return device == Device::cpu ? "cpu" : "cuda"; }

}  // namespace

std::string without_advice(const std::string& sentence) { return sentence.substr(0, sentence.rfind(": ")); }

std::unique_ptr<Engine> make_engine(const Problem& problem, const Execution& execution, Work work) {
  if (execution.device == Device::cpu) return cpu_engine(problem, execution, work, "this is --device cpu");
  std::string obstacle = execution.cuda.obstacle();
  if (obstacle.empty()) {
    try {
      std::unique_ptr<Engine> engine = cuda_engine(problem, execution, work);
      if (execution.device == Device::automatic) execution.note("using " + engine->description());
      return engine;
    } catch (const UsageError& error) {
      obstacle = error.what();
    } catch (const OutOfMemory& error) {
      if (execution.device == Device::cuda) throw;
      obstacle = error.what();
    }
  }
  if (execution.device == Device::cuda) throw UsageError(obstacle);
  const std::string reason = without_advice(obstacle);
  std::unique_ptr<Engine> engine = cpu_engine(problem, execution, work, reason);
  execution.note(fmt::format("no GPU engine: {}; using {}", reason, engine->description()));
  return engine;
}

Execution resumed_execution(const std::filesystem::path& checkpoint, const Execution& execution) {
  const std::string begun = engine_of_checkpoint(checkpoint);
  const std::string folder = checkpoint.parent_path().string();
  if (begun != "cpu" && begun != "cuda") return execution;  // read_checkpoint says what is wrong with it
  if (execution.device != Device::automatic && begun != device_name(execution.device)) {
    throw UsageError(
        fmt::format("{} was begun with --device {}, and another engine gives other bits: resume with "
                    "--device {}, or start afresh in a new folder",
                    folder, begun, begun));
  }
  Execution resumed = execution;
  resumed.device = begun == "cpu" ? Device::cpu : Device::cuda;
  const std::string obstacle = resumed.device == Device::cuda ? execution.cuda.obstacle() : "";
  if (!obstacle.empty()) {
    throw UsageError(
        fmt::format("{} was begun with --device cuda, which cannot be used here ({}): resume where it "
                    "can, or start afresh in a new folder",
                    folder, without_advice(obstacle)));
  }
  return resumed;
}

}  // namespace phaseselect
