// A run with its members in an engine.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "host/engine/ensemble.hpp"
#include "host/pipeline/accessibility.hpp"
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
  const std::vector<Slot>& slots() const { return slots_; }  // of all members of the ensemble
  const AccessibilityMembers& accessibility() const { return accessibility_; }
  Engine& engine() { return *engine_; }

 private:
  Run run_;
  std::vector<Slot> slots_;
  AccessibilityMembers accessibility_;
  std::unique_ptr<Engine> engine_;  // refers to the problem in run_
};

// Adds the members that the run goes without, if there are such: "damaged_members", "damaged_accessibility_members".
void add_damaged_members(nlohmann::json& result, const RunContents& contents);

// The same as a comment above the header of a table that is written; empty where the run has all its members.
std::string damaged_comment(const RunContents& contents);

// Says so where the run cannot judge accessibility, and why.
void note_accessibility(const LoadedRun& loaded, const Execution& execution);

}  // namespace phaseselect
