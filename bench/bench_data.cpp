// The data path at full size: formulas parsed, compositions aggregated, the environment matrix built and grouped. The
// label says which file was read (tables.hpp). Peer: peers/environment_matrix.py.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>

#include "bench/tables.hpp"
#include "phaseselect/chemistry/composition.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/data/property_table.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

std::filesystem::path formulas_path() { return bench_table("mp_formulas.csv", "formulas.csv"); }

std::filesystem::path compositions_path() { return bench_table("supercon_compositions.csv", "superconductors.csv"); }

void count_formulas(benchmark::State& state, const std::filesystem::path& path, std::size_t formulas) {
  state.SetLabel(path.filename().string());
  state.counters["formulas"] = static_cast<double>(formulas);
  state.counters["formulas/s"] =
      benchmark::Counter(static_cast<double>(formulas), benchmark::Counter::kIsIterationInvariantRate);
}

void parse(benchmark::State& state) {
  const CsvTable table = read_csv(formulas_path());
  const std::size_t column = table.column("formula");
  for (auto _ : state) {
    for (const CsvRow& row : table.rows()) benchmark::DoNotOptimize(parse_composition(row.cells[column]));
  }
  count_formulas(state, formulas_path(), table.rows().size());
}

void aggregate(benchmark::State& state) {
  std::size_t rows = 0;
  for (auto _ : state) {
    const PropertyTable table = read_property_table(compositions_path(), "");
    rows = table.rows;
  }
  count_formulas(state, compositions_path(), rows);
}

// Reading the file included.
void matrix(benchmark::State& state) {
  std::size_t formulas = 0;
  for (auto _ : state) formulas = read_environment_matrix(formulas_path()).formulas;
  count_formulas(state, formulas_path(), formulas);
}

void groups(benchmark::State& state) {
  const EnvironmentMatrix built = read_environment_matrix(formulas_path());
  int found = 0;
  for (auto _ : state) found = group_columns(built, Grouping::exact).groups();
  count_formulas(state, formulas_path(), built.formulas);
  state.counters["groups"] = found;
}

// Everything the peer script does: both files read, compositions aggregated, matrix and groups built.
void whole(benchmark::State& state) {
  std::size_t rows = 0;
  for (auto _ : state) {
    const EnvironmentMatrix built = read_environment_matrix(formulas_path());
    const EnvironmentGroups grouped = group_columns(built, Grouping::exact);
    const PropertyTable table = read_property_table(compositions_path(), "");
    benchmark::DoNotOptimize(grouped.groups());
    rows = built.formulas + table.rows;
  }
  count_formulas(state, formulas_path(), rows);
}

// A table that cannot be read fails its benchmark by name; the others still run.
template <void measured(benchmark::State&)>
void checked(benchmark::State& state) {
  try {
    measured(state);
  } catch (const Error& error) {
    state.SkipWithError(error.what());
  }
}

BENCHMARK(checked<parse>)->Name("parse")->Unit(benchmark::kMillisecond);
BENCHMARK(checked<aggregate>)->Name("aggregate")->Unit(benchmark::kMillisecond);
BENCHMARK(checked<matrix>)->Name("matrix")->Unit(benchmark::kMillisecond);
BENCHMARK(checked<groups>)->Name("groups")->Unit(benchmark::kMillisecond);
BENCHMARK(checked<whole>)->Name("whole")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace phaseselect

BENCHMARK_MAIN();
