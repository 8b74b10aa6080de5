// The engines under test: one row each. Every test of this folder that takes an engine takes all of them.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "phaseselect/engine/engine.hpp"
#include "phaseselect/error.hpp"
#ifdef PHASESELECT_TEST_EXECUTOR
#include "tests/simt/executor.hpp"
#endif

namespace phaseselect::oracle {

struct EngineKind {
  std::string name;
  std::unique_ptr<Engine> (*make)(const Problem&);
};

inline void PrintTo(const EngineKind& kind, std::ostream* out) { *out << kind.name; }

#if defined(PHASESELECT_TEST_EXECUTOR) || defined(PHASESELECT_TEST_GPU)

// As little shared memory as the problem can do with: arrays move to scratch memory, tiles get smaller.
inline std::unique_ptr<Engine> cramped_cuda_engine(const Problem& problem) {
  for (std::size_t bytes = 4096;; bytes += 1024) {
    try {
      return make_cuda_engine(problem, CudaOptions{.shared_limit = bytes});
    } catch (const UsageError&) {
      if (bytes > 232448) throw;
    }
  }
}

#endif

#ifdef PHASESELECT_TEST_EXECUTOR

template <std::uint64_t seed>
std::unique_ptr<Engine> cuda_engine(const Problem& problem) {
  simt::set_schedule_seed(seed);
  return make_cuda_engine(problem);
}

// The CUDA engine on the SIMT test executor, once per seed of the order in which threads run.
inline std::vector<EngineKind> engine_kinds() {
  return {{"cuda_schedule_1", cuda_engine<1>},
          {"cuda_schedule_2", cuda_engine<2>},
          {"cuda_schedule_3", cuda_engine<3>},
          {"cuda_cramped", cramped_cuda_engine}};
}

#elif defined(PHASESELECT_TEST_GPU)

// The CUDA engine on this machine's GPU. Where there is none, tests/gpu/main.cpp skips every test before it gets here.
inline std::vector<EngineKind> engine_kinds() {
  return {{"cuda", [](const Problem& problem) { return make_cuda_engine(problem); }},
          {"cuda_cramped", cramped_cuda_engine}};
}

#else

template <InstructionSet instructions>
std::unique_ptr<Engine> cpu_engine(const Problem& problem) {
  return make_cpu_engine(problem, CpuOptions{2, instructions});
}

// The CPU engine once per set of vector instructions that this machine has.
inline std::vector<EngineKind> engine_kinds() {
  std::vector<EngineKind> kinds{{"cpu_baseline", cpu_engine<InstructionSet::baseline>}};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kinds.push_back({"cpu_avx2", cpu_engine<InstructionSet::avx2>});
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    kinds.push_back({"cpu_avx512", cpu_engine<InstructionSet::avx512>});
  }
  return kinds;
}

#endif

inline std::vector<float> read(const Engine& engine, const ParameterLayout& layout, Network network, Role role,
                               Slot slot) {
  std::vector<float> slab(layout.size());
  engine.read(network, role, slot, slab);
  return slab;
}

}  // namespace phaseselect::oracle
