#include "bench/counters.hpp"

#include <string>

#include "bench/machine.hpp"
#include "host/engine/cpu/thread_pool.hpp"

namespace phaseselect {

int cores() { return cpu::usable_processors(); }

void report_rate(benchmark::State& state, const char* name, double count) {
  state.counters[std::string(name) + "_per_second"] =
      benchmark::Counter(count, benchmark::Counter::kIsIterationInvariantRate);
}

void report_work(benchmark::State& state, const Work& work, int threads) {
  constexpr auto rate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["threads"] = threads;
  state.counters["bytes"] = work.bytes;
  state.counters["operations"] = work.operations;
  if (work.bytes > 0) {
    report_rate(state, "bytes", work.bytes);
    state.counters["share_of_bandwidth"] = benchmark::Counter(work.bytes / memory_bandwidth(threads), rate);
  }
  if (work.operations > 0) {
    report_rate(state, "operations", work.operations);
    state.counters["share_of_peak"] = benchmark::Counter(work.operations / peak_operations(threads), rate);
  }
}

void report_peak_memory(benchmark::State& state) { state.counters["peak_MB"] = peak_memory() / (1024 * 1024); }

}  // namespace phaseselect
