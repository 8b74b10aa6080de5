// A run with its members in an engine.
#include "host/pipeline/loaded_run.hpp"

#include <fmt/format.h>

#include "phaseselect/error.hpp"

namespace phaseselect {

LoadedRun::LoadedRun(const std::filesystem::path& directory, const Execution& execution)
    : run_(directory),
      slots_(all_slots(run_.members())),
      accessibility_(run_),
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

void note_accessibility(const LoadedRun& loaded, const Execution& execution) {
  if (loaded.accessibility().complete()) return;
  const int wanted = loaded.contents().config.accessibility.members;
  if (wanted == 0) {
    execution.note(
        "the run has no accessibility members (accessibility.members: 0): the learned accessibility is empty");
    return;
  }
  execution.note(
      fmt::format("the run has {} of the ensemble's {} accessibility members, which do not cover every fold: "
                  "the learned accessibility is empty until the parts are merged",
                  loaded.run().accessibility_members(), wanted));
}

}  // namespace phaseselect
