// The trainer: rounds of one epoch for every open member, early stopping, ranking, checkpoints.
#include "host/pipeline/population.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <memory>
#include <utility>

#include "host/pipeline/checkpoint.hpp"
#include "host/pipeline/members_file.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

using Clock = std::chrono::steady_clock;

bool is_over(const PopulationMember& member) {
  return member.phase == Phase::finished || member.phase == Phase::diverged;
}

class Trainer {
 public:
  Trainer(Engine& engine, const Problem& problem, const Config& config, const std::vector<MemberPlan>& plans,
          const PopulationOptions& options);
  std::vector<TrainedMember> run();

 private:
  void admit();
  void train_epoch(Phase phase);
  void account(std::size_t index, Network network, const EpochStatistics& statistics);
  bool has_finite_weights(const PopulationMember& member, Network network);
  void set_aside(PopulationMember& member, Network network);
  void set_aside_diverged();
  void start_ranking();
  void collect_finished();
  void collect(std::size_t index);
  void save();
  void save_when_due();
  PopulationProgress progress() const;
  std::size_t epochs_done(const PopulationMember& member) const;
  std::size_t epochs_of_member() const;
  bool all_finished() const;

  Engine& engine_;
  const Problem& problem_;
  const std::vector<MemberPlan>& plans_;
  const PopulationOptions& options_;
  Monitor monitor_;
  std::uint32_t classifier_patience_;
  std::uint32_t ranking_patience_;
  std::vector<PopulationMember> members_;       // beside plans_
  std::vector<Slot> free_slots_;                // the next one to fill is the last
  std::vector<float> weights_;                  // of the member that is looked at
  std::unique_ptr<SafetensorsReader> resumed_;  // holds members in training that have no slot yet
  bool left_epoch_ = false;                     // some member did not end its epoch: it is to stop
  Clock::time_point saved_ = Clock::now();
};

Trainer::Trainer(Engine& engine, const Problem& problem, const Config& config, const std::vector<MemberPlan>& plans,
                 const PopulationOptions& options)
    : engine_(engine),
      problem_(problem),
      plans_(plans),
      options_(options),
      monitor_(config.training.monitor),
      classifier_patience_(static_cast<std::uint32_t>(config.training.patience)),
      ranking_patience_(static_cast<std::uint32_t>(config.ranking.patience)),
      members_(plans.size()) {
  for (std::size_t i = 0; i < plans.size(); ++i) {
    members_[i].trained.id = plans[i].id;
    members_[i].trained.held_out = plans[i].held_out;
  }
  const int slots = plans.empty() ? 0 : std::max(1, engine.preferred_slots(static_cast<int>(plans.size())));
  for (Slot slot = slots - 1; slot >= 0; --slot) free_slots_.push_back(slot);
  if (options.resume) {
    resumed_ = read_checkpoint(options.checkpoint, options.checkpoint_identity, members_);
  } else {
    save();  // from the first moment on there is something to resume from
  }
}

bool Trainer::all_finished() const {
  return std::all_of(members_.begin(), members_.end(), [](const auto& m) { return is_over(m); });
}

// Fills free slots in the order of the plans; members of the resumed checkpoint come first by their place in it.
void Trainer::admit() {
  bool waiting_in_file = false;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    PopulationMember& member = members_[i];
    if (is_over(member) || member.slot >= 0) continue;
    if (free_slots_.empty()) {
      waiting_in_file = waiting_in_file || member.phase != Phase::waiting;
      continue;
    }
    member.slot = free_slots_.back();
    free_slots_.pop_back();
    if (member.phase == Phase::waiting) {
      engine_.open(member.slot, plans_[i]);
      member.phase = Phase::classifier;
    } else {
      restore_member(*resumed_, engine_, problem_.architecture, plans_[i], member);
    }
  }
  if (!waiting_in_file) resumed_.reset();
}

// One epoch of one network for every open member in that phase.
void Trainer::train_epoch(Phase phase) {
  const Network network = phase == Phase::classifier ? Network::classifier : Network::ranking;
  std::vector<std::size_t> indices;
  std::vector<EpochTask> tasks;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const PopulationMember& member = members_[i];
    if (member.phase != phase || member.slot < 0) continue;
    const TrainedMember& trained = member.trained;
    const StoppingState& stop = network == Network::classifier ? trained.classifier_stop : trained.ranking_stop;
    indices.push_back(i);
    tasks.push_back({member.slot, stop.epochs_done});
  }
  if (tasks.empty()) return;
  const auto statistics = engine_.run_epoch_until(network, tasks, options_.stopping);
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    if (statistics[t]) {
      account(indices[t], network, *statistics[t]);
    } else {
      left_epoch_ = true;
    }
  }
}

// Early stopping. Equal is not better: the first of equal epochs is the best.
void Trainer::account(std::size_t index, Network network, const EpochStatistics& s) {
  PopulationMember& member = members_[index];
  const bool classifier = network == Network::classifier;
  StoppingState& stop = classifier ? member.trained.classifier_stop : member.trained.ranking_stop;
  const std::uint32_t patience = classifier ? classifier_patience_ : ranking_patience_;
  const int budget = classifier ? problem_.classifier.epochs : problem_.ranking.epochs;
  if (!std::isfinite(s.training_loss) || !std::isfinite(s.autoencoder_loss) || !std::isfinite(s.held_out_loss)) {
    set_aside(member, network);
    return;
  }
  const double value = classifier && monitor_ == Monitor::accuracy
                           ? static_cast<double>(s.held_out_correct) / std::max(1u, s.held_out)
                           : -s.held_out_loss;
  if (stop.epochs_done == 0 || value > stop.best) {
    stop.best = value;
    stop.best_epoch = stop.epochs_done;
    if (patience > 0) {
      engine_.keep_best(network, member.slot);
      member.has_best = true;
    }
  }
  member.trained.history.push_back({member.trained.id, network, stop.epochs_done, s});
  ++stop.epochs_done;
  const bool patience_ends = patience > 0 && stop.epochs_done - 1 - stop.best_epoch >= patience;
  stop.finished = patience_ends || stop.epochs_done >= static_cast<std::uint32_t>(budget);
  if (stop.finished && !has_finite_weights(member, network)) {
    set_aside(member, network);
    return;
  }
  if (stop.finished && patience > 0) {
    engine_.restore_best(network, member.slot);
    member.has_best = false;
  }
}

bool Trainer::has_finite_weights(const PopulationMember& member, Network network) {
  weights_.resize(network == Network::classifier ? classifier_layout(problem_.architecture).size()
                                                 : ranking_layout(problem_.architecture).size());
  engine_.read(network, Role::weights, member.slot, weights_);
  return all_finite(weights_);
}

// What is left of a member does not depend on when it was seen to have diverged.
void Trainer::set_aside(PopulationMember& member, Network network) {
  engine_.close(member.slot);
  free_slots_.push_back(member.slot);
  member.slot = -1;
  member.phase = Phase::diverged;
  member.has_best = false;
  TrainedMember left;
  left.id = member.trained.id;
  left.held_out = std::move(member.trained.held_out);
  left.diverged = true;
  member.trained = std::move(left);
  if (options_.diverged) options_.diverged(member.trained.id);
  std::vector<std::uint32_t> ids;
  for (const PopulationMember& other : members_) {
    if (other.phase == Phase::diverged) ids.push_back(other.trained.id);
  }
  const bool too_many = options_.judge_divergence && too_many_diverged(ids.size(), members_.size());
  if (!too_many && ids.size() < members_.size()) return;
  std::sort(ids.begin(), ids.end());
  const std::string members = fmt::format("member{} {} diverged (losses or weights that are not finite)",
                                          ids.size() == 1 ? "" : "s", list_members(ids));
  throw Error(fmt::format("{}, {} of {}: lower {}.learning_rate", members,
                          ids.size() < members_.size() ? "more than a tenth" : "all", members_.size(),
                          network == Network::classifier ? options_.section : "ranking"));
}

// A checkpoint has finite weights alone.
void Trainer::set_aside_diverged() {
  for (PopulationMember& member : members_) {
    if (member.slot < 0) continue;
    const Network network = member.phase == Phase::ranking ? Network::ranking : Network::classifier;
    if (!has_finite_weights(member, network)) set_aside(member, network);
  }
}

// Members whose classifier is final go on to the ranking network.
void Trainer::start_ranking() {
  std::vector<Slot> slots;
  for (PopulationMember& member : members_) {
    if (member.phase != Phase::classifier || !member.trained.classifier_stop.finished) continue;
    member.phase = Phase::ranking;
    slots.push_back(member.slot);
  }
  if (!slots.empty()) engine_.begin_ranking(slots);
}

// Takes a member's results out of the engine and frees its slot.
void Trainer::collect(std::size_t index) {
  PopulationMember& member = members_[index];
  TrainedMember& trained = member.trained;
  trained.classifier.resize(classifier_layout(problem_.architecture).size());
  engine_.read(Network::classifier, Role::weights, member.slot, trained.classifier);
  if (options_.ranking) {
    trained.ranking.resize(ranking_layout(problem_.architecture).size());
    engine_.read(Network::ranking, Role::weights, member.slot, trained.ranking);
    const FieldSet fields = gather(problem_.fields, trained.held_out);
    trained.held_out_errors.resize(trained.held_out.size());
    engine_.reconstruction_errors(std::span(&member.slot, 1), fields, trained.held_out_errors);
    if (!all_finite(trained.held_out_errors)) {
      set_aside(member, Network::ranking);
      return;
    }
  }
  engine_.close(member.slot);
  free_slots_.push_back(member.slot);
  member.slot = -1;
  member.phase = Phase::finished;
}

void Trainer::collect_finished() {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const PopulationMember& member = members_[i];
    if (member.slot < 0) continue;
    const bool done = options_.ranking ? member.phase == Phase::ranking && member.trained.ranking_stop.finished
                                       : member.trained.classifier_stop.finished;
    if (done) collect(i);
  }
}

std::size_t Trainer::epochs_of_member() const {
  return static_cast<std::size_t>(problem_.classifier.epochs) +
         (options_.ranking ? static_cast<std::size_t>(problem_.ranking.epochs) : 0);
}

std::size_t Trainer::epochs_done(const PopulationMember& member) const {
  if (is_over(member)) return epochs_of_member();
  const std::size_t classifier = member.trained.classifier_stop.finished
                                     ? static_cast<std::size_t>(problem_.classifier.epochs)
                                     : member.trained.classifier_stop.epochs_done;
  return classifier + member.trained.ranking_stop.epochs_done;
}

PopulationProgress Trainer::progress() const {
  PopulationProgress now;
  now.members = members_.size();
  double samples = 0;
  double all_samples = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    now.members_done += is_over(members_[i]) ? 1 : 0;
    now.epochs_done += epochs_done(members_[i]);
    const auto per_epoch = static_cast<double>(plans_[i].training.size());
    samples += per_epoch * static_cast<double>(epochs_done(members_[i]));
    all_samples += per_epoch * static_cast<double>(epochs_of_member());
  }
  now.epochs_total = members_.size() * epochs_of_member();
  now.fraction = all_samples > 0 ? samples / all_samples : 1.0;
  return now;
}

void Trainer::save() {
  if (options_.checkpoint.empty()) return;
  set_aside_diverged();
  write_checkpoint(options_.checkpoint, options_.checkpoint_identity, engine_, problem_.architecture, members_,
                   resumed_.get());
  saved_ = Clock::now();
}

void Trainer::save_when_due() {
  if (Clock::now() - saved_ >= std::chrono::duration<double>(options_.checkpoint_seconds)) save();
}

std::vector<TrainedMember> Trainer::run() {
  while (!all_finished()) {
    admit();
    train_epoch(Phase::classifier);
    train_epoch(Phase::ranking);
    if (options_.ranking) start_ranking();
    collect_finished();
    const PopulationProgress now = progress();
    if (options_.progress) options_.progress(now);
    if (all_finished()) break;
    if (left_epoch_ || (options_.stop_requested && options_.stop_requested())) {
      save();
      throw Interrupted(fmt::format("stopped with {} of {} members trained ({:.0f} % of the work){}", now.members_done,
                                    now.members, 100 * now.fraction,
                                    options_.checkpoint.empty() ? "" : ", state saved"));
    }
    save_when_due();
  }
  std::vector<TrainedMember> result;
  for (PopulationMember& member : members_) result.push_back(std::move(member.trained));
  return result;
}

}  // namespace

bool too_many_diverged(std::size_t diverged, std::size_t members) { return 10 * diverged > members; }

std::vector<std::uint32_t> diverged_ids(const std::vector<TrainedMember>& members) {
  std::vector<std::uint32_t> ids;
  for (const TrainedMember& member : members) {
    if (member.diverged) ids.push_back(member.id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<TrainedMember> train_population(Engine& engine, const Problem& problem, const Config& config,
                                            const std::vector<MemberPlan>& plans, const PopulationOptions& options) {
  return Trainer(engine, problem, config, plans, options).run();
}

}  // namespace phaseselect
