// From member outputs to ensemble means and spreads.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "host/pipeline/commands.hpp"
#include "host/pipeline/run_directory.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

// Mean and population standard deviation over members, for each of `count` values; `values` is [members][count].
// Accumulated in double in the order of the members: the bits depend on the values alone.
struct OverMembers {
  std::vector<float> mean;
  std::vector<float> deviation;
};
OverMembers over_members(std::span<const float> values, std::size_t count);

// Slots 0 .. members-1.
std::vector<Slot> all_slots(int members);

// What the ensemble says of one field.
struct FieldStatistics {
  float probability = 0;  // mean over members
  float deviation = 0;    // population standard deviation over members
  float error = 0;        // mean over members of the ranking reconstruction error
};

// Fields evaluated in one go: bounds the [members][fields] buffers, 20 MB for 300 members.
inline constexpr std::size_t evaluation_chunk = 8192;

std::vector<FieldStatistics> evaluate(Engine& engine, int members, FieldView fields);

// A run with its members in slots 0 .. members-1 of an engine.
class LoadedRun {
 public:
  LoadedRun(const std::filesystem::path& directory, const Execution& execution);
  LoadedRun(const LoadedRun&) = delete;
  LoadedRun& operator=(const LoadedRun&) = delete;

  const Run& run() const { return run_; }
  const RunContents& contents() const { return run_.contents(); }
  Engine& engine() { return *engine_; }

 private:
  Run run_;
  std::unique_ptr<Engine> engine_;  // refers to the problem in run_
};

}  // namespace phaseselect
