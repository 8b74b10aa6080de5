// A run with its members in an engine.
#include "host/pipeline/loaded_run.hpp"

namespace phaseselect {

LoadedRun::LoadedRun(const std::filesystem::path& directory, const Execution& execution)
    : run_(directory),
      slots_(all_slots(run_.members())),
      engine_(make_engine(run_.contents().problem, execution, Work::evaluation)) {
  run_.load(*engine_);
}

}  // namespace phaseselect
