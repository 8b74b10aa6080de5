// The engines under test: one row each. Every test of this folder that takes an engine takes all of them.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "phaseselect/engine/engine.hpp"
#ifdef PHASESELECT_TEST_EXECUTOR
#include "phaseselect/error.hpp"
#include "tests/simt/executor.hpp"
#include "tests/simt/host_device.hpp"
#endif

namespace phaseselect::oracle {

struct EngineKind {
  std::string name;
  std::unique_ptr<Engine> (*make)(const Problem&);
};

inline void PrintTo(const EngineKind& kind, std::ostream* out) { *out << kind.name; }

#ifdef PHASESELECT_TEST_EXECUTOR

inline std::unique_ptr<Engine> engine_with_shared_memory(const Problem& problem, std::size_t bytes) {
  cuda::Device device = simt::device();
  device.shared_per_block = bytes;
  simt::set_device(device);
  return make_cuda_engine(problem);
}

template <std::uint64_t seed>
std::unique_ptr<Engine> cuda_engine(const Problem& problem) {
  simt::set_schedule_seed(seed);
  return engine_with_shared_memory(problem, 232448);
}

// As little shared memory as the problem can do with: arrays move to scratch memory, tiles get smaller.
inline std::unique_ptr<Engine> cramped_cuda_engine(const Problem& problem) {
  for (std::size_t bytes = 4096;; bytes += 1024) {
    try {
      return engine_with_shared_memory(problem, bytes);
    } catch (const UsageError&) {
      if (bytes > 232448) throw;
    }
  }
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
  return {{"cuda", [](const Problem& problem) { return make_cuda_engine(problem); }}};
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
