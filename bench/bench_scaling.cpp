// How the time of a member-step depends on members, features, batch, environments and threads: the paper's shape
// (paper.hpp) with one of them changed. The environments are synthetic at every size (synthetic.hpp).
#include <map>

#include "bench/counters.hpp"
#include "bench/epochs.hpp"
#include "bench/paper.hpp"
#include "bench/synthetic.hpp"

namespace phaseselect {
namespace {

int argument(const benchmark::State& state) { return static_cast<int>(state.range(0)); }

void members(benchmark::State& state) {
  time_epochs(state, paper().problem, {.members = argument(state), .threads = cores()});
}

void threads(benchmark::State& state) {
  time_epochs(state, paper().problem, {.members = 2 * cores(), .threads = argument(state)});
}

void features(benchmark::State& state) {
  Problem problem = paper().problem;
  problem.architecture.features = argument(state);
  time_epochs(state, problem, {.members = cores(), .threads = cores()});
}

void batch(benchmark::State& state) {
  Problem problem = paper().problem;
  problem.classifier.batch = argument(state);
  time_epochs(state, problem, {.members = cores(), .threads = cores()});
}

void environments(benchmark::State& state) {
  static std::map<int, Problem> made;
  const int scale = argument(state);
  if (!made.contains(scale)) made.emplace(scale, synthetic_problem(paper().config, scale));
  const Problem& problem = made.at(scale);
  time_epochs(state, problem, {.members = cores(), .threads = cores()});
  state.counters["environments"] = problem.groups.environments;
  state.counters["groups"] = problem.groups.groups();
  state.counters["ones"] = static_cast<double>(problem.groups.rows.size());
}

void powers_of_two_and_all_cores(benchmark::internal::Benchmark* bench) {
  for (int count = 1; count < cores(); count *= 2) bench->Arg(count);
  bench->Arg(cores());
}

benchmark::internal::Benchmark* scaling(const char* name, benchmark::internal::Function* measured) {
  return benchmark::RegisterBenchmark(name, measured)->UseRealTime()->Unit(benchmark::kMillisecond);
}

void register_all() {
  for (const int count : {1, 2, 8, 32, 64, 300}) scaling("members", checked<members>)->Arg(count)->ArgName("members");
  for (const int k : {10, 20, 40, 80}) scaling("features", checked<features>)->Arg(k)->ArgName("k");
  for (const int size : {16, 64, 256}) scaling("batch", checked<batch>)->Arg(size)->ArgName("batch");
  for (const int scale : {1, 2, 5, 10}) scaling("environments", checked<environments>)->Arg(scale)->ArgName("times");
  scaling("threads", checked<threads>)->Apply(powers_of_two_and_all_cores)->ArgName("threads");
}

}  // namespace
}  // namespace phaseselect

int main(int argc, char** argv) {
  phaseselect::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
