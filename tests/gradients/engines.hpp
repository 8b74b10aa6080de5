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

inline std::vector<EngineKind> engine_kinds() {
  return {{"cpu", [](const Problem& problem) { return make_cpu_engine(problem, CpuOptions{2}); }}};
}

inline std::vector<float> read(const Engine& engine, const ParameterLayout& layout, Network network, Role role,
                               Slot slot) {
  std::vector<float> slab(layout.size());
  engine.read(network, role, slot, slab);
  return slab;
}

}  // namespace phaseselect::oracle
