// Training at the paper's shape (paper.hpp): one step of one member against the three bare matrix products that it
// contains (E x k x G forward, two backward) by single-threaded BLAS; an epoch of each network; peak memory.
#include <algorithm>
#include <memory>
#include <vector>

#include "bench/counters.hpp"
#include "bench/epochs.hpp"
#include "bench/machine.hpp"
#include "bench/paper.hpp"
#include "host/engine/ensemble.hpp"
#include "host/pipeline/population.hpp"
#include "host/pipeline/problem.hpp"

#ifdef PHASESELECT_HAS_BLAS
#include <cblas.h>
#endif

namespace phaseselect {
namespace {

void member_step(benchmark::State& state) { time_epochs(state, paper().problem, {.steps = 64}); }

// One member a core, with the rows that it has in training.
struct Members {
  std::unique_ptr<Engine> engine = make_cpu_engine(paper().problem, {.threads = cores()});
  std::vector<MemberPlan> plans =
      ensemble_plans(paper().config, paper().problem, 0, static_cast<std::uint32_t>(cores()));
  std::vector<EpochTask> tasks;

  Members() {
    for (const Slot slot : all_slots(cores())) {
      engine->open(slot, plans[static_cast<std::size_t>(slot)]);
      tasks.push_back({slot, 0});
    }
  }
};

// Steps of training, then the held-out rows.
void epoch(benchmark::State& state, Network network, const OptimiserPlan& optimiser, const Work& step,
           const Work& held_out_row) {
  Members members;
  if (network == Network::ranking) members.engine->begin_ranking(all_slots(cores()));
  for (auto _ : state) {
    benchmark::DoNotOptimize(members.engine->run_epoch(network, members.tasks));
    for (EpochTask& task : members.tasks) ++task.epoch;
  }
  state.SetLabel(members.engine->description());
  const MemberPlan& plan = members.plans.front();
  const double steps = steps_of(plan, optimiser);
  const auto held_out = static_cast<double>(plan.held_out.size());
  report_work(state, cores() * (steps * step + held_out * held_out_row), cores());
  report_rate(state, "member_steps", cores() * steps);
}

void classifier_epoch(benchmark::State& state) {
  const WorkShape shape = work_shape(paper().problem);
  epoch(state, Network::classifier, paper().problem.classifier, classifier_step(shape), field_probability(shape));
}

void ranking_epoch(benchmark::State& state) {
  WorkShape shape = work_shape(paper().problem);
  shape.batch = paper().problem.ranking.batch;
  epoch(state, Network::ranking, paper().problem.ranking, ranking_step(shape), field_reconstruction(shape));
}

// Peak memory of training n members through both networks, beside 1.3 times their weights and moments plus 200 MB.
void training_memory(benchmark::State& state) {
  const auto members = static_cast<std::uint32_t>(state.range(0));
  Config config = paper().config;
  config.ensemble.members = static_cast<int>(members);
  config.training.epochs = config.ranking.epochs = 1;
  Problem problem = paper().problem;
  problem.classifier = classifier_plan(config);
  problem.ranking = ranking_plan(config);
  reset_peak_memory();
  for (auto _ : state) {
    const auto engine = make_cpu_engine(problem);
    const auto plans = ensemble_plans(config, problem, 0, members);
    benchmark::DoNotOptimize(train_population(*engine, problem, config, plans, {}));
  }
  report_peak_memory(state);
  const double floats = 3.0 * members * static_cast<double>(classifier_layout(problem.architecture).size());
  state.counters["limit_MB"] = 1.3 * floats * sizeof(float) / (1024 * 1024) + 200;
}

#ifdef PHASESELECT_HAS_BLAS
void three_bare_products(benchmark::State& state) {
  const Architecture& a = paper().problem.architecture;
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
  const double floats = 2.0 * (static_cast<double>(E) * k + static_cast<double>(k) * G + static_cast<double>(E) * G);
  report_work(state, {sizeof(float) * floats, 6.0 * E * G * k}, 1);
  state.counters["step_seconds"] =
      benchmark::Counter(1, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(three_bare_products)->Unit(benchmark::kMillisecond)->UseRealTime();
#endif

BENCHMARK(checked<member_step>)->Name("member_step")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(checked<classifier_epoch>)->Name("epoch")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(checked<ranking_epoch>)->Name("ranking_epoch")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(checked<training_memory>)
    ->Name("training_memory")
    ->Arg(16)
    ->Arg(64)
    ->ArgName("members")
    ->Iterations(1)
    ->Unit(benchmark::kSecond)
    ->UseRealTime();

}  // namespace
}  // namespace phaseselect

BENCHMARK_MAIN();
