// A run with its members in an engine.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "host/engine/ensemble.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/run_directory.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

class LoadedRun {
 public:
  LoadedRun(const std::filesystem::path& directory, const Execution& execution);
  LoadedRun(const LoadedRun&) = delete;
  LoadedRun& operator=(const LoadedRun&) = delete;

  const Run& run() const { return run_; }
  const RunContents& contents() const { return run_.contents(); }
  const std::vector<Slot>& slots() const { return slots_; }  // of all members
  Engine& engine() { return *engine_; }

 private:
  Run run_;
  std::vector<Slot> slots_;
  std::unique_ptr<Engine> engine_;  // refers to the problem in run_
};

}  // namespace phaseselect
