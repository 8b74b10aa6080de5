#include "bench/cuda/kernel_times.hpp"

namespace phaseselect {

double measured_bandwidth() {
  static const double bandwidth = [] {
    cuda::Stream stream;
    return cuda::copy_bandwidth(stream);
  }();
  return bandwidth;
}

void report(benchmark::State& state, double seconds, const Work& work) {
  if (work.bytes > 0) {
    const double rate = work.bytes / seconds;
    state.counters["GB_per_second"] = rate * 1e-9;
    state.counters["share_of_copy"] = rate / measured_bandwidth();
    state.counters["share_of_3.35TB/s"] = rate / h100_bandwidth;
  }
  if (work.operations > 0) state.counters["TFLOP_per_second"] = work.operations / seconds * 1e-12;
}

double time_launches(benchmark::State& state, cuda::Stream& stream, const cuda::DeviceEnsemble::Launch& launch,
                     const Work& work) {
  constexpr int launches = 10;  // of an iteration: what it costs to start one is spread
  for (int i = 0; i < launches; ++i) launch();
  stream.synchronise();
  cuda::Timer timer(stream);
  double total = 0;
  for (auto _ : state) {
    timer.start();
    for (int i = 0; i < launches; ++i) launch();
    const double seconds = timer.stop_seconds() / launches;
    state.SetIterationTime(seconds);
    total += seconds;
  }
  const double seconds = total / static_cast<double>(state.iterations());
  report(state, seconds, work);
  return seconds;
}

std::map<std::string, double>& kernel_microseconds() {
  static std::map<std::string, double> times;
  return times;
}

}  // namespace phaseselect
