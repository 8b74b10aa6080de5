// A stand-in for the CUDA engine where there is no GPU: the CPU engine under the other name, which undoes the shortest
// epoch when it is to stop.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "host/pipeline/commands.hpp"
#include "phaseselect/error.hpp"
#include "phaseselect/model/parameter_layout.hpp"

namespace phaseselect {

class StandIn final : public Engine {
 public:
  // `room`: members that can be trained at once.
  explicit StandIn(const Problem& problem, int room = 2)
      : engine_(make_cpu_engine(problem, {.threads = 1, .short_epoch = 0})),
        size_(classifier_layout(problem.architecture).size()),
        room_(room) {}

  inline static int rankings = 0;  // calls of best_fields on any of them
  // Members whose first classifier weight is no number any more after their second epoch, on any of them.
  inline static std::set<std::uint32_t> poisoned;

  std::string kind() const override { return "cuda"; }
  std::string instruction_set() const override { return "sm_00"; }
  std::string description() const override { return "stand-in GPU"; }
  int preferred_slots(int members) const override {
    if (room_ == 0) throw UsageError("a member has no room: use --device cpu");
    return std::min(members, room_);
  }
  std::size_t device_bytes_of_member() const override { return 1000; }

  void open(Slot slot, MemberPlan plan) override {
    members_[slot] = plan.id;
    engine_->open(slot, std::move(plan));
  }
  void open_trained(Slot slot, std::span<const float> classifier, std::span<const float> ranking) override {
    engine_->open_trained(slot, classifier, ranking);
  }
  void close(Slot slot) override { engine_->close(slot); }

  std::vector<EpochStatistics> run_epoch(Network network, std::span<const EpochTask> tasks) override {
    std::vector<EpochStatistics> statistics = engine_->run_epoch(network, tasks);
    poison(network, tasks);
    return statistics;
  }
  std::vector<std::optional<EpochStatistics>> run_epoch_until(Network network, std::span<const EpochTask> tasks,
                                                              const std::function<bool()>& stop) override {
    auto statistics = engine_->run_epoch_until(network, tasks, stop);
    poison(network, tasks);
    return statistics;
  }
  void keep_best(Network network, Slot slot) override { engine_->keep_best(network, slot); }
  void restore_best(Network network, Slot slot) override { engine_->restore_best(network, slot); }
  void begin_ranking(std::span<const Slot> slots) override { engine_->begin_ranking(slots); }

  void probabilities(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    engine_->probabilities(slots, fields, out);
  }
  void representations(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    engine_->representations(slots, fields, out);
  }
  void attention(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    engine_->attention(slots, fields, out);
  }
  void reconstruction_errors(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    engine_->reconstruction_errors(slots, fields, out);
  }
  void element_features(std::span<const Slot> slots, std::span<float> out) override {
    engine_->element_features(slots, out);
  }
  BestFields best_fields(std::span<const Slot> slots, FieldView fields, std::size_t top) override {
    ++rankings;
    return Engine::best_fields(slots, fields, top);
  }

  void read(Network network, Role role, Slot slot, std::span<float> out) const override {
    engine_->read(network, role, slot, out);
  }
  void write(Network network, Role role, Slot slot, std::span<const float> in) override {
    engine_->write(network, role, slot, in);
  }

 private:
  void poison(Network network, std::span<const EpochTask> tasks) {
    if (network != Network::classifier) return;
    for (const EpochTask& task : tasks) {
      if (task.epoch != 1 || poisoned.count(members_.at(task.slot)) == 0) continue;
      std::vector<float> weights(size_);
      engine_->read(network, Role::weights, task.slot, weights);
      weights.front() = std::numeric_limits<float>::quiet_NaN();
      engine_->write(network, Role::weights, task.slot, weights);
    }
  }

  std::unique_ptr<Engine> engine_;
  std::map<Slot, std::uint32_t> members_;
  std::size_t size_;  // of a slab of classifier weights
  int room_;
};

inline const std::string no_gpu = "no GPU was found: install the driver of one, or use --device cpu";

// As on a machine with a GPU, or without.
inline CudaSource with_gpu() {
  return {[] { return std::string(); }, [](const Problem& problem) { return std::make_unique<StandIn>(problem); }};
}
inline CudaSource without_gpu() {
  return {[] { return no_gpu; },
          [](const Problem&) -> std::unique_ptr<Engine> {
            throw std::logic_error("a CUDA engine was made in spite of the obstacle");
          }};
}

}  // namespace phaseselect
