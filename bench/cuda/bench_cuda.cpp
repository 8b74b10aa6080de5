// The CUDA engine at the paper's shape: each kernel by itself, whole epochs, screening. Times are the device's own, of
// one launch for all members. Shares: of the bandwidth that a copy on this device reaches, and of an H100's 3.35 TB/s.
// --kernel_table=FILE writes the kernels' times for 300 members as kernels/report/resources.py --measured reads them.
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "bench/cuda/device_main.hpp"
#include "bench/random_weights.hpp"
#include "host/engine/ensemble.hpp"
#include "host/io/stopwatch.hpp"
#include "host/pipeline/problem.hpp"
#include "kernels/engine/costs.hpp"

namespace phaseselect {
namespace {

using cuda::DeviceEnsemble;

constexpr int paper_members = 300;

// ---- kernels ----

const std::vector<cuda::KernelCost>& costs() {
  static const std::vector<cuda::KernelCost> list =
      cuda::kernel_costs(work_shape(paper().problem), cuda::select_device().shared_per_block);
  return list;
}

// `prefix` of a kernel's name, as the cost table has it.
const cuda::KernelCost* cost_of(const std::string& prefix) {
  for (const cuda::KernelCost& cost : costs()) {
    if (cost.kernel.starts_with(prefix)) return &cost;
  }
  return nullptr;
}

using Choose = DeviceEnsemble::Launch (*)(DeviceEnsemble&);

void kernel(benchmark::State& state, const char* name, Choose choose) {
  DeviceEnsemble ensemble(static_cast<int>(state.range(0)));
  const double members = ensemble.members();
  const cuda::KernelCost* cost = cost_of(name);
  const Work work = cost == nullptr ? Work{} : members * Work{cost->bytes, cost->operations};
  const double seconds = time_launches(state, ensemble.stream(), choose(ensemble), work);
  state.counters["member_us"] = seconds / members * 1e6;
  if (ensemble.members() == paper_members) {
    kernel_microseconds()[cost == nullptr ? name : cost->kernel] = seconds * 1e6;
  }
}

void register_kernels() {
  const std::pair<const char*, Choose> kernels[] = {
      {"features_kernel", [](DeviceEnsemble& e) { return e.features(); }},
      {"decode_step_kernel", [](DeviceEnsemble& e) { return e.decode(Precision::fp32); }},
      {"decode_step_tensor_kernel", [](DeviceEnsemble& e) { return e.decode(Precision::tf32); }},
      {"field_step_kernel", [](DeviceEnsemble& e) { return e.field_step(); }},
      {"encode_step_kernel", [](DeviceEnsemble& e) { return e.encode(); }},
      {"ranking_step_kernel", [](DeviceEnsemble& e) { return e.ranking_step(); }},
      {"evaluate_kernel", [](DeviceEnsemble& e) { return e.evaluate(); }},
      {"reconstruction_kernel", [](DeviceEnsemble& e) { return e.reconstruction(); }},
      {"ensemble_statistics_kernel", [](DeviceEnsemble& e) { return e.ensemble_statistics(); }}};
  for (const auto& [name, choose] : kernels) {
    benchmark::RegisterBenchmark(name, kernel, name, choose)
        ->Arg(1)
        ->Arg(32)
        ->Arg(paper_members)
        ->ArgName("members")
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond)
        ->MinTime(0.05);
  }
}

// ---- through the engine ----

// Members in training; the first epoch, which records the graph, is done.
struct Training {
  Training(const Problem& problem, int members)
      : engine(make_cuda_engine(problem)),
        plans(ensemble_plans(paper().config, problem, 0, static_cast<std::uint32_t>(members))) {
    for (const Slot slot : all_slots(members)) {
      engine->open(slot, plans[static_cast<std::size_t>(slot)]);
      tasks.push_back({slot, 0});
    }
    engine->run_epoch(Network::classifier, tasks);
  }
  std::unique_ptr<Engine> engine;
  std::vector<MemberPlan> plans;
  std::vector<EpochTask> tasks;
};

// One epoch of the classifier, from the call to the statistics on the host.
void epoch(benchmark::State& state, Precision precision) {
  const int members = static_cast<int>(state.range(0));
  Problem problem = paper().problem;
  problem.precision = precision;
  Training training(problem, members);
  const Stopwatch stopwatch;
  for (auto _ : state) {
    for (EpochTask& task : training.tasks) ++task.epoch;
    benchmark::DoNotOptimize(training.engine->run_epoch(Network::classifier, training.tasks));
  }
  const double seconds = stopwatch.seconds() / static_cast<double>(state.iterations());
  const double steps = members * steps_of(training.plans[0], problem.classifier);
  report(state, seconds, {steps * floor_bytes(problem.architecture), 0});
  state.counters["member_steps_per_second"] = steps / seconds;
}

void register_epochs() {
  for (const auto& [name, precision] : {std::pair{"epoch/fp32", Precision::fp32}, {"epoch/tf32", Precision::tf32}}) {
    auto* bench = benchmark::RegisterBenchmark(name, epoch, precision);
    for (const int members : {1, 8, 32, 100, paper_members}) bench->Arg(members);
    bench->ArgName("members")->UseRealTime()->Unit(benchmark::kMillisecond)->MinTime(1);
  }
}

std::unique_ptr<Engine> trained_engine() {
  const Problem& problem = paper().problem;
  std::unique_ptr<Engine> engine = make_cuda_engine(problem);
  for (const Slot slot : all_slots(paper_members)) {
    const auto member = static_cast<std::uint32_t>(slot);
    engine->open_trained(slot, random_weights(classifier_layout(problem.architecture), member),
                         random_weights(ranking_layout(problem.architecture), member));
  }
  return engine;
}

// All candidates of 87 elements by 300 members, in the chunks of `screen`: statistics of all, or the best thousand.
void screening(benchmark::State& state, bool best) {
  const std::unique_ptr<Engine> engine = trained_engine();
  const int arity = static_cast<int>(state.range(0));
  const std::vector<std::int16_t> rows = all_candidates(paper().problem.architecture.elements, arity);
  const std::vector<Slot> slots = all_slots(paper_members);
  const auto width = static_cast<std::size_t>(arity);
  const std::size_t candidates = rows.size() / width;
  const Stopwatch stopwatch;
  for (auto _ : state) {
    for (std::size_t first = 0; first < candidates; first += evaluation_chunk) {
      const std::size_t count = std::min(evaluation_chunk, candidates - first);
      const FieldView fields(arity, std::span(rows).subspan(first * width, count * width));
      if (best) {
        benchmark::DoNotOptimize(engine->best_fields(slots, fields, 1000));
      } else {
        benchmark::DoNotOptimize(engine->ensemble_statistics(slots, fields));
      }
    }
  }
  state.counters["candidates"] = static_cast<double>(candidates);
  state.counters["field_members_per_second"] =
      static_cast<double>(state.iterations()) * static_cast<double>(candidates) * paper_members / stopwatch.seconds();
}

void register_screening() {
  for (const auto& [name, best] : {std::pair{"screening/all", false}, {"screening/best", true}}) {
    benchmark::RegisterBenchmark(name, screening, best)
        ->Arg(3)
        ->Arg(4)
        ->ArgName("arity")
        ->Iterations(1)
        ->Repetitions(2)
        ->UseRealTime()
        ->Unit(benchmark::kSecond);
  }
}

// Takes --kernel_table=FILE out of the arguments.
std::string take_kernel_table(int& argc, char** argv) {
  const std::string option = "--kernel_table=";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (!argument.starts_with(option)) continue;
    std::copy(argv + i + 1, argv + argc + 1, argv + i);
    --argc;
    return argument.substr(option.size());
  }
  return "";
}

bool write_kernel_table(const std::string& path) {
  nlohmann::json table = {{"device", cuda::select_device().name}, {"kernels", kernel_microseconds()}};
  std::ofstream file(path);
  file << table.dump(2) << '\n';
  return file.good();
}

int bench_main(int argc, char** argv) {
  const std::string table = take_kernel_table(argc, argv);
  if (!has_device("bench_cuda")) return 0;
  register_kernels();
  register_epochs();
  register_screening();
  if (const int code = run_benchmarks(argc, argv); code != 0) return code;
  if (!table.empty() && !write_kernel_table(table)) {
    std::fprintf(stderr, "bench_cuda: %s cannot be written\n", table.c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace phaseselect

int main(int argc, char** argv) { return phaseselect::guarded_main("bench_cuda", argc, argv, phaseselect::bench_main); }
