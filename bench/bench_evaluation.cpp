// Evaluation at the paper's shape (paper.hpp) by 20 members with random weights: probabilities and ranking errors of
// the table's fields, and screening of ternaries in the chunks of `screen`, whose peak memory must not depend on how
// many candidates there are.
#include <algorithm>
#include <memory>
#include <vector>

#include "bench/counters.hpp"
#include "bench/machine.hpp"
#include "bench/paper.hpp"
#include "bench/random_weights.hpp"
#include "host/engine/ensemble.hpp"

namespace phaseselect {
namespace {

constexpr int members = 20;

std::unique_ptr<Engine> trained_engine(int threads) {
  const Problem& problem = paper().problem;
  std::unique_ptr<Engine> engine = make_cpu_engine(problem, {.threads = threads});
  for (const Slot slot : all_slots(members)) {
    const auto member = static_cast<std::uint32_t>(slot);
    engine->open_trained(slot, random_weights(classifier_layout(problem.architecture), member),
                         random_weights(ranking_layout(problem.architecture), member));
  }
  return engine;
}

void report_evaluation(benchmark::State& state, std::size_t fields, const Work& field, int threads) {
  const double field_members = static_cast<double>(fields) * members;
  report_work(state, field_members * field, threads);
  report_rate(state, "field_members", field_members);
  state.counters["field_members"] = field_members;
}

using Evaluate = void (Engine::*)(std::span<const Slot>, FieldView, std::span<float>);

void evaluate(benchmark::State& state, Evaluate values, const Work& field) {
  const FieldSet& fields = paper().problem.fields;
  const auto engine = trained_engine(cores());
  const std::vector<Slot> slots = all_slots(members);
  std::vector<float> out(fields.size() * slots.size());
  for (auto _ : state) {
    ((*engine).*values)(slots, fields, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetLabel(engine->description());
  report_evaluation(state, fields.size(), field, cores());
}

void prediction(benchmark::State& state) {
  evaluate(state, &Engine::probabilities, field_probability(work_shape(paper().problem)));
}

void ranking_errors(benchmark::State& state) {
  evaluate(state, &Engine::reconstruction_errors, field_reconstruction(work_shape(paper().problem)));
}

// The classifier's first kernel is cut to the slots that a ternary fills; the ranking network reads all of them.
Work work_of_ternary() {
  WorkShape ternary = work_shape(paper().problem);
  ternary.elements_of_field = 3;
  const Work error = field_reconstruction(ternary);
  ternary.architecture.slots = 3;
  return field_probability(ternary) + error;
}

void screening(benchmark::State& state) {
  const int threads = static_cast<int>(state.range(0));
  const std::vector<std::int16_t> ternaries = all_candidates(paper().problem.architecture.elements, 3);
  const std::size_t fields = std::min(static_cast<std::size_t>(state.range(1)), ternaries.size() / 3);
  const std::vector<Slot> slots = all_slots(members);
  reset_peak_memory();
  const auto engine = trained_engine(threads);
  for (auto _ : state) {
    for (std::size_t first = 0; first < fields; first += evaluation_chunk) {
      const std::size_t count = std::min(evaluation_chunk, fields - first);
      const FieldView chunk(3, std::span(ternaries).subspan(3 * first, 3 * count));
      benchmark::DoNotOptimize(engine->ensemble_statistics(slots, chunk).data());
    }
  }
  report_peak_memory(state);
  state.SetLabel(engine->description());
  report_evaluation(state, fields, work_of_ternary(), threads);
}

constexpr int all_ternaries = 105995;  // of 87 elements

BENCHMARK(checked<prediction>)->Name("prediction")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(checked<ranking_errors>)->Name("ranking_errors")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(checked<screening>)
    ->Name("screening")
    ->Args({1, evaluation_chunk})
    ->Args({1, all_ternaries})
    ->Args({cores(), all_ternaries})
    ->ArgNames({"threads", "fields"})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace phaseselect

BENCHMARK_MAIN();
