// One training step of one member at the paper's shape (k 20, batch 16, hidden 80,80,80,20), against the three bare
// matrix products that it contains (E x k x G forward, two backward) by single-threaded BLAS, in the same run; and one
// epoch of several members. With the real tables (PHASESELECT_DATA) E x G is 87 x 10,423; without them the bundled ones
// are used.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <memory>
#include <numeric>

#include "bench/tables.hpp"
#include "host/pipeline/population.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/config/config.hpp"

#ifdef PHASESELECT_HAS_BLAS
#include <cblas.h>
#endif

namespace phaseselect {
namespace {

Config configuration() {
  Config config;
  config.data.properties = bench_table("superconductors.csv", "superconductors.csv");
  config.environments.formulas = bench_table("mp_formulas.csv", "formulas.csv");
  config.data.threshold = 10;
  config.training.learning_rate = 1e-3;
  return config;
}

const PreparedData& data() {
  static const PreparedData prepared = prepare(configuration());
  return prepared;
}

std::vector<std::uint32_t> first_rows(std::size_t count) {
  std::vector<std::uint32_t> rows(std::min(count, data().problem.labels.size()));
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

// 64 steps of batch 16 an iteration.
void member_step(benchmark::State& state) {
  const auto engine = make_cpu_engine(data().problem, {1, static_cast<InstructionSet>(state.range(0))});
  engine->open(0, MemberPlan{0, first_rows(64 * 16), first_rows(1)});
  state.SetLabel(engine->description());
  std::uint32_t epoch = 0;
  for (auto _ : state) {
    const EpochTask task{0, epoch++ % 100};
    benchmark::DoNotOptimize(engine->run_epoch(Network::classifier, {&task, 1}));
  }
  const double steps = 64;
  state.counters["step_seconds"] =
      benchmark::Counter(steps, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  const auto groups = static_cast<double>(data().problem.architecture.groups);
  state.counters["groups"] = groups;
}
BENCHMARK(member_step)->Arg(static_cast<int>(InstructionSet::best))->Unit(benchmark::kMillisecond)->MinTime(2);

// One epoch of `members` members on every core: time per member-step should not depend on how many there are.
void epoch_of_members(benchmark::State& state) {
  const auto members = static_cast<int>(state.range(0));
  const auto engine = make_cpu_engine(data().problem);
  std::vector<EpochTask> tasks;
  for (int slot = 0; slot < members; ++slot) {
    engine->open(slot, MemberPlan{static_cast<std::uint32_t>(slot), first_rows(16 * 16), first_rows(1)});
    tasks.push_back(EpochTask{slot, 0});
  }
  state.SetLabel(engine->description());
  for (auto _ : state) benchmark::DoNotOptimize(engine->run_epoch(Network::classifier, tasks));
  state.counters["member_steps_per_second"] =
      benchmark::Counter(16.0 * members, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(epoch_of_members)->Arg(2)->Arg(8)->Arg(32)->Unit(benchmark::kMillisecond)->UseRealTime();

// Peak memory of training n members through both networks, beside 1.3 times their weights and moments plus 200 MB. The
// peak is the process's so far: smaller populations first, and nothing else in the same process (--benchmark_filter).
void training_memory(benchmark::State& state) {
  const auto members = static_cast<std::uint32_t>(state.range(0));
  Config config = configuration();
  config.ensemble.members = static_cast<int>(members);
  config.training.epochs = 1;
  config.ranking.epochs = 1;
  const PreparedData prepared = prepare(config);
  for (auto _ : state) {
    const auto engine = make_cpu_engine(prepared.problem);
    const auto plans = ensemble_plans(config, prepared.problem, 0, members);
    benchmark::DoNotOptimize(train_population(*engine, prepared.problem, config, plans, {}));
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double floats = 3.0 * members * static_cast<double>(classifier_layout(prepared.problem.architecture).size());
  state.counters["peak_MB"] = static_cast<double>(usage.ru_maxrss) / 1024;
  state.counters["limit_MB"] = 1.3 * floats * sizeof(float) / (1024 * 1024) + 200;
}
BENCHMARK(training_memory)->Arg(4)->Arg(16)->Arg(64)->Iterations(1)->Unit(benchmark::kSecond)->UseRealTime();

#ifdef PHASESELECT_HAS_BLAS
void three_bare_products(benchmark::State& state) {
  const Architecture& a = data().problem.architecture;
  const int E = a.elements, G = a.groups, k = a.features;
  const auto size = [](int rows, int columns) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  };
  std::vector<float> h(size(E, k), 0.1f), decoder(size(k, G), 0.1f), logits(size(E, G)), gradient(size(k, G)),
      dh(size(E, k));
  openblas_set_num_threads(1);
  for (auto _ : state) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, E, G, k, 1, h.data(), k, decoder.data(), G, 0, logits.data(),
                G);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, k, G, E, 1, h.data(), k, logits.data(), G, 0, gradient.data(),
                G);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, E, k, G, 1, logits.data(), G, decoder.data(), G, 0, dh.data(),
                k);
    benchmark::ClobberMemory();
  }
  state.counters["step_seconds"] =
      benchmark::Counter(1, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(three_bare_products)->Unit(benchmark::kMillisecond)->MinTime(2);
#endif

}  // namespace
}  // namespace phaseselect

BENCHMARK_MAIN();
