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
  std::function<void(const PopulationProgress&)> progress;  // after each round of epochs
  std::function<bool()> stop_requested;                     // asked after each round
};

// Trains every plan to its end, in the order given. Throws Interrupted after writing a checkpoint when stop_requested
// says so; Error for a checkpoint that is missing, damaged or of another run.
std::vector<TrainedMember> train_population(Engine& engine, const Problem& problem, const Config& config,
                                            const std::vector<MemberPlan>& plans, const PopulationOptions& options);

}  // namespace phaseselect
