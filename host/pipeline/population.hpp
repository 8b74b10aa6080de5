// Trains a population of members through any engine: epochs, early stopping, best weights, ranking, checkpoints.
// As many members are open at once as the engine prefers; a member that finishes leaves and the next one enters. Which
// members share the engine never changes a member's bits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "phaseselect/config/config.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

// One line of history.csv.
struct HistoryRow {
  std::uint32_t member = 0;
  Network network = Network::classifier;
  std::uint32_t epoch = 0;
  EpochStatistics statistics;
};

// Early stopping of one network of one member. best: the monitored value, larger is better.
struct StoppingState {
  std::uint32_t epochs_done = 0;
  std::uint32_t best_epoch = 0;
  double best = 0;
  bool finished = false;
};

// What is left of a member when its training has ended.
struct TrainedMember {
  std::uint32_t id = 0;
  std::vector<float> classifier;        // [classifier_layout.size()]
  std::vector<float> ranking;           // [ranking_layout.size()]; empty when ranking was not asked for
  std::vector<std::uint32_t> held_out;  // rows of Problem::fields
  std::vector<float> held_out_errors;   // their reconstruction errors; empty without ranking
  std::vector<HistoryRow> history;
  StoppingState classifier_stop, ranking_stop;
  // Its loss or weights became infinite or no numbers: it was set aside, and only `id` and `held_out` are left of it.
  bool diverged = false;
};

struct PopulationProgress {
  std::size_t members_done = 0;
  std::size_t members = 0;
  std::size_t epochs_done = 0;  // member-epochs of both networks, those of finished members rounded up to their budget
  std::size_t epochs_total = 0;
  double fraction = 0;  // of the work, by samples visited
};

struct PopulationOptions {
  bool ranking = true;
  std::string section = "training";                        // of the configuration: whose learning rate it is
  std::filesystem::path checkpoint;                        // empty: none is written
  std::map<std::string, std::string> checkpoint_identity;  // must match on resume: configuration, data, members, engine
  double checkpoint_seconds = 60;                          // time between checkpoints
  bool resume = false;                                     // start from `checkpoint`, which must exist
  // More than a tenth of the members diverged: an error. false: the plans are a part of an ensemble, whose whole is
  // judged when the parts are merged.
  bool judge_divergence = true;
  std::function<void(std::uint32_t member)> diverged;       // a member was set aside
  std::function<void(const PopulationProgress&)> progress;  // after each round of epochs
  std::function<bool()> stop_requested;                     // asked after each round
  std::function<bool()> stopping;                           // asked within epochs, by several threads
};

// More than a tenth.
bool too_many_diverged(std::size_t diverged, std::size_t members);

// Ids of those that diverged, ascending.
std::vector<std::uint32_t> diverged_ids(const std::vector<TrainedMember>& members);

// Trains every plan to its end, in the order given. A member that diverges is set aside, and the others' bits do not
// depend on it: once a weight is infinite or no number it stays so, whether it is seen at a checkpoint, by a loss or at
// the end. Throws Interrupted after writing a checkpoint when stop_requested says so; Error for a checkpoint that is
// missing, damaged or of another run, and where all members or too many diverged. `stopping` ends it likewise, within
// an epoch: the checkpoint is of whole epochs.
std::vector<TrainedMember> train_population(Engine& engine, const Problem& problem, const Config& config,
                                            const std::vector<MemberPlan>& plans, const PopulationOptions& options);

}  // namespace phaseselect
