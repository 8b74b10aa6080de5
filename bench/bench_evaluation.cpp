// Screening speed: field-members per minute of processor time of one core, classifier and ranking network, random
// weights at the paper's shape (k = 20, fields of up to 9 elements, hidden 80, 80, 80, 20, 87 elements, 20 members),
// through the engine interface in the chunks that `screen` uses. Peak memory is printed with the rate; it must not
// depend on the number of candidates.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/random_weights.hpp"
#include "host/engine/ensemble.hpp"
#include "phaseselect/data/candidates.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect {
namespace {

constexpr int members = 20;

// One environment per element suffices: screening reads the encoder once per member, whatever its number of columns.
Problem paper_problem() {
  Problem problem;
  Architecture& a = problem.architecture;
  a.elements = 87;
  a.groups = 87;
  a.environments = 87;
  a.slots = 9;
  a.features = 20;
  a.heads = 8;
  a.key_dim = 2;
  a.hidden = {80, 80, 80, 20};
  EnvironmentGroups& groups = problem.groups;
  groups.elements = a.elements;
  groups.environments = a.environments;
  groups.offsets.push_back(0);
  for (std::uint16_t element = 0; element < a.elements; ++element) {
    groups.rows.push_back(element);
    groups.offsets.push_back(element + 1u);
    groups.multiplicity.push_back(1);
    groups.column_group.push_back(element);
  }
  return problem;
}

// The next `count` of the C(87, 3) = 105,995 ternaries, over and over.
std::vector<std::int16_t> next_ternaries(std::size_t count, std::vector<int>& combination) {
  std::vector<std::int16_t> rows;
  rows.reserve(3 * count);
  while (rows.size() < 3 * count) {
    for (const int row : combination) rows.push_back(static_cast<std::int16_t>(row));
    if (!next_combination(combination, 87)) combination = {0, 1, 2};
  }
  return rows;
}

void screening(benchmark::State& state) {
  const Problem problem = paper_problem();
  const std::unique_ptr<Engine> engine = make_cpu_engine(problem, {static_cast<int>(state.range(0))});
  const ParameterLayout classifier = classifier_layout(problem.architecture);
  const ParameterLayout ranking = ranking_layout(problem.architecture);
  for (std::uint32_t member = 0; member < members; ++member) {
    engine->open_trained(static_cast<Slot>(member), random_weights(classifier, member),
                         random_weights(ranking, member));
  }
  const std::vector<Slot> slots = all_slots(members);
  const auto chunks = static_cast<std::size_t>(state.range(1));
  std::vector<int> combination{0, 1, 2};
  for (auto _ : state) {
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
      const std::vector<std::int16_t> rows = next_ternaries(evaluation_chunk, combination);
      benchmark::DoNotOptimize(engine->ensemble_statistics(slots, {3, rows}).data());
    }
  }
  const double fields = static_cast<double>(state.iterations() * chunks * evaluation_chunk);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["field_members_per_minute"] = benchmark::Counter(60 * fields * members, benchmark::Counter::kIsRate);
  state.counters["peak_MB"] = static_cast<double>(usage.ru_maxrss) / 1024;
}
BENCHMARK(screening)
    ->Args({1, 1})
    ->Args({1, 13})  // 13 chunks of 8,192 are all ternaries
    ->Args({2, 1})
    ->ArgNames({"threads", "chunks"})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->MinTime(2);

}  // namespace
}  // namespace phaseselect

BENCHMARK_MAIN();
