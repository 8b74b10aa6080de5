// The engines under test: one row each. Every test of this folder that takes an engine takes all of them.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "phaseselect/engine/engine.hpp"

namespace phaseselect::oracle {

struct EngineKind {
  std::string name;
  std::unique_ptr<Engine> (*make)(const Problem&);
};

inline void PrintTo(const EngineKind& kind, std::ostream* out) { *out << kind.name; }

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

inline std::vector<float> read(const Engine& engine, const ParameterLayout& layout, Network network, Role role,
                               Slot slot) {
  std::vector<float> slab(layout.size());
  engine.read(network, role, slot, slab);
  return slab;
}

}  // namespace phaseselect::oracle
