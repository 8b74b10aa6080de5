// The main program of benchmarks that needs a GPU: without one it says why nothing is measured, and succeeds.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>

#include "bench/cuda/kernel_times.hpp"
#include "host/io/readable.hpp"
#include "host/pipeline/version.hpp"

namespace phaseselect {

// Runs `program`; what it throws becomes a sentence and exit code 1.
inline int guarded_main(const char* name, int argc, char** argv, int (*program)(int argc, char** argv)) {
  try {
    return program(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, one_line(error.what()).c_str());
    return 1;
  }
}

// False, after a sentence, where there is no GPU.
inline bool has_device(const char* program) {
  const std::string obstacle = cuda_engine_obstacle();
  if (!obstacle.empty()) std::printf("%s: nothing was measured: %s\n", program, obstacle.c_str());
  return obstacle.empty();
}

inline int run_benchmarks(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("gpu", cuda::select_device().name);
  benchmark::AddCustomContext("commit", program_commit());
  benchmark::AddCustomContext("data", paper().source);
  benchmark::AddCustomContext("copy_GB_per_second", std::to_string(measured_bandwidth() * 1e-9));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace phaseselect
