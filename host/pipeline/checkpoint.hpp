// The state of a population on its way, in one file: finished members, and weights, moments and best weights of those
// in training. Reading a slab back gives the bits that were there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/pipeline/population.hpp"
#include "phaseselect/model/safetensors.hpp"

namespace phaseselect {

inline constexpr const char* checkpoint_file_name = "checkpoint.safetensors";

// Values are part of the file format.
enum class Phase : std::uint32_t { waiting = 0, classifier = 1, ranking = 2, finished = 3, diverged = 4 };

// A member of the population while it trains. Of one that diverged the identity alone is kept. `trained` holds
// identity, history and early stopping from the start, weights and errors once the phase is finished.
struct PopulationMember {
  Phase phase = Phase::waiting;
  Slot slot = -1;         // -1 and in training: its state is still in the checkpoint it was resumed from
  bool has_best = false;  // best weights of the network in training exist
  TrainedMember trained;
};

// Replaces `path` in one step. `parked` is the checkpoint that holds members without a slot; it may be null.
// Holds one slab in memory at a time.
void write_checkpoint(const std::filesystem::path& path, const std::map<std::string, std::string>& identity,
                      const Engine& engine, const Architecture& architecture,
                      const std::vector<PopulationMember>& members, const SafetensorsReader* parked);

// Fills phases, histories and the results of finished members; returns the file, which still holds the state of those
// in training. Throws Error: no checkpoint, damaged, other identity, members that are not in the population, or
// weights that are infinite or no numbers.
std::unique_ptr<SafetensorsReader> read_checkpoint(const std::filesystem::path& path,
                                                   const std::map<std::string, std::string>& identity,
                                                   std::vector<PopulationMember>& members);

// The entry "command" of a checkpoint's identity; empty when it has none. Throws Error when the file is no checkpoint.
std::string command_of_checkpoint(const std::filesystem::path& path);

// The kind of engine it was begun on; "cpu" where it does not say, as before there were others. Throws Error as above.
std::string engine_of_checkpoint(const std::filesystem::path& path);

// Its Engine::instruction_set(); empty where it does not say. Throws Error as above.
std::string instruction_set_of_checkpoint(const std::filesystem::path& path);

// Whether some member has begun: the first checkpoint is written before the first epoch. Throws Error as above.
bool has_progress(const std::filesystem::path& checkpoint);

// Puts a member in training from the file into its (closed) slot. Throws Error for weights that are infinite or no
// numbers.
void restore_member(const SafetensorsReader& file, Engine& engine, const Architecture& architecture,
                    const MemberPlan& plan, const PopulationMember& member);

}  // namespace phaseselect
