#include "bench/epochs.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "bench/counters.hpp"
#include "bench/machine.hpp"

namespace phaseselect {

void time_epochs(benchmark::State& state, const Problem& problem, const EpochShape& shape) {
  const auto rows = static_cast<std::size_t>(shape.steps * problem.classifier.batch);
  if (rows > problem.fields.size()) {
    state.SkipWithError("the table has fewer fields than an epoch needs");
    return;
  }
  const auto engine = make_cpu_engine(problem, {.threads = shape.threads});
  std::vector<std::uint32_t> training(rows);
  std::iota(training.begin(), training.end(), 0u);
  std::vector<EpochTask> tasks;
  for (int slot = 0; slot < shape.members; ++slot) {
    engine->open(slot, MemberPlan{static_cast<std::uint32_t>(slot), training, {0}});
    tasks.push_back({slot, 0});
  }
  state.SetLabel(engine->description());
  for (auto _ : state) {
    benchmark::DoNotOptimize(engine->run_epoch(Network::classifier, tasks));
    for (EpochTask& task : tasks) ++task.epoch;
  }
  const int working = std::min(shape.threads, shape.members);
  const double steps = static_cast<double>(shape.members) * shape.steps;
  report_work(state, steps * classifier_step(work_shape(problem)), working);
  report_rate(state, "member_steps", steps);
  state.counters["step_seconds"] =
      benchmark::Counter(steps / working, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  const std::size_t slab = 3 * sizeof(float) * classifier_layout(problem.architecture).size();
  state.counters["slab_in_cache"] = slab * static_cast<std::size_t>(working) <= last_level_cache(working) ? 1 : 0;
}

}  // namespace phaseselect
