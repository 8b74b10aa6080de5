// The data path at full size: formulas parsed, compositions aggregated, the environment matrix built and grouped. The
// label says which file was read (tables.hpp). Peer: peers/environment_matrix.py.
#include <filesystem>
#include <span>
#include <string>

#include "bench/counters.hpp"
#include "bench/tables.hpp"
#include "phaseselect/chemistry/composition.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/data/property_table.hpp"

namespace phaseselect {
namespace {

std::filesystem::path formulas_path() { return bench_table("mp_formulas.csv", "formulas.csv"); }

std::filesystem::path compositions_path() { return bench_table("supercon_compositions.csv", "superconductors.csv"); }

// Bytes: those of the text or of the arrays that are read.
void count_formulas(benchmark::State& state, std::size_t formulas, double bytes) {
  state.counters["formulas"] = static_cast<double>(formulas);
  report_rate(state, "formulas", static_cast<double>(formulas));
  report_work(state, {bytes, 0}, 1);
}

double size_of(const std::filesystem::path& path) { return static_cast<double>(std::filesystem::file_size(path)); }

void parse(benchmark::State& state) {
  const CsvTable table = read_csv(formulas_path());
  const std::size_t column = table.column("formula");
  for (auto _ : state) {
    for (const CsvRow& row : table.rows()) benchmark::DoNotOptimize(parse_composition(row.cells[column]));
  }
  double bytes = 0;
  for (const CsvRow& row : table.rows()) bytes += static_cast<double>(row.cells[column].size());
  state.SetLabel(formulas_path().filename().string());
  count_formulas(state, table.rows().size(), bytes);
}

void aggregate(benchmark::State& state) {
  std::size_t rows = 0;
  for (auto _ : state) {
    const PropertyTable table = read_property_table(compositions_path());
    rows = table.rows;
  }
  state.SetLabel(compositions_path().filename().string());
  count_formulas(state, rows, size_of(compositions_path()));
}

// Reading the file included.
void matrix(benchmark::State& state) {
  std::size_t formulas = 0;
  for (auto _ : state) formulas = read_environment_matrix(formulas_path()).formulas;
  state.SetLabel(formulas_path().filename().string());
  count_formulas(state, formulas, size_of(formulas_path()));
}

void group(benchmark::State& state) {
  const EnvironmentMatrix built = read_environment_matrix(formulas_path());
  int found = 0;
  for (auto _ : state) found = group_columns(built, Grouping::exact).groups();
  state.SetLabel(formulas_path().filename().string());
  count_formulas(
      state, built.formulas,
      static_cast<double>(std::span(built.column_rows).size_bytes() + std::span(built.column_offsets).size_bytes()));
  state.counters["groups"] = found;
}

// Everything the peer script does: both files read, compositions aggregated, matrix and groups built.
void whole(benchmark::State& state) {
  std::size_t rows = 0;
  for (auto _ : state) {
    const EnvironmentMatrix built = read_environment_matrix(formulas_path());
    const EnvironmentGroups grouped = group_columns(built, Grouping::exact);
    const PropertyTable table = read_property_table(compositions_path());
    benchmark::DoNotOptimize(grouped.groups());
    rows = built.formulas + table.rows;
  }
  state.SetLabel(formulas_path().filename().string() + ", " + compositions_path().filename().string());
  count_formulas(state, rows, size_of(formulas_path()) + size_of(compositions_path()));
}

BENCHMARK(checked<parse>)->Name("parse")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(checked<aggregate>)->Name("aggregate")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(checked<matrix>)->Name("matrix")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(checked<group>)->Name("group")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(checked<whole>)->Name("whole")->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace phaseselect

BENCHMARK_MAIN();
