// Which engine computes.
#include "host/pipeline/commands.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {

std::unique_ptr<Engine> make_engine(const Problem& problem, const Execution& execution) {
  if (execution.device == Device::cuda) throw UsageError("this build has no CUDA engine: use --device cpu");
  std::unique_ptr<Engine> engine = make_cpu_engine(problem, {execution.threads});
  if (execution.device == Device::automatic) {
    execution.note("no GPU engine in this build: using " + engine->description());
  }
  return engine;
}

}  // namespace phaseselect
