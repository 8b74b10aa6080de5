// Which engine computes.
#include <fmt/format.h>

#include "host/engine/cpu/vector/vector_kernels.hpp"
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
  return make_cpu_engine(problem, {execution.threads, execution.instructions});
}

// Those that the work was begun with, which this processor must have.
InstructionSet instructions_of(const BegunOn& begun) {
  const std::optional<InstructionSet> instructions = instruction_set_named(begun.instruction_set);
  if (!instructions) return InstructionSet::best;  // the identity of the work says what is wrong with it
  try {
    cpu::select_vector_kernels(*instructions);
  } catch (const UsageError&) {
    throw UsageError(
        fmt::format("{} was begun with {}, which this processor lacks, and other instructions give other bits: resume "
                    "on a machine that has it, or start afresh in a new folder",
                    begun.folder.string(), begun.instruction_set));
  }
  return *instructions;
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

BegunOn begun_on(const std::filesystem::path& checkpoint) {
  return {checkpoint.parent_path(), engine_of_checkpoint(checkpoint), instruction_set_of_checkpoint(checkpoint)};
}

Execution resumed_execution(const BegunOn& begun, const Execution& execution) {
  const std::string folder = begun.folder.string();
  if (begun.engine != "cpu" && begun.engine != "cuda") return execution;  // its identity says what is wrong with it
  if (execution.device != Device::automatic && begun.engine != device_name(execution.device)) {
    throw UsageError(
        fmt::format("{} was begun with --device {}, and another engine gives other bits: resume with "
                    "--device {}, or start afresh in a new folder",
                    folder, begun.engine, begun.engine));
  }
  Execution resumed = execution;
  resumed.device = begun.engine == "cpu" ? Device::cpu : Device::cuda;
  if (resumed.device == Device::cpu) resumed.instructions = instructions_of(begun);
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
