// A run with its members in an engine.
#include "host/pipeline/loaded_run.hpp"

#include <fmt/format.h>

#include "phaseselect/error.hpp"

namespace phaseselect {

LoadedRun::LoadedRun(const std::filesystem::path& directory, const Execution& execution)
    : run_(directory),
      slots_(all_slots(run_.members())),
      engine_(make_engine(run_.contents().problem, execution, Work::evaluation)) {
  try {
    run_.load(*engine_);
  } catch (const OutOfMemory& error) {
    if (execution.device != Device::automatic) throw;
    engine_.reset();
    Execution on_cpu = execution;
    on_cpu.device = Device::cpu;
    engine_ = make_engine(run_.contents().problem, on_cpu, Work::evaluation);
    execution.note(fmt::format("{}; using {}", without_advice(error.what()), engine_->description()));
    run_.load(*engine_);
  }
}

}  // namespace phaseselect
