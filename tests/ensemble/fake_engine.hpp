// An engine whose members learn by rote: after epoch n the first weight is n + 1 and the moments count epochs, and the
// held-out results are read from a script. It checks the order in which the trainer calls it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <stdexcept>

#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

class FakeEngine final : public Engine {
 public:
  using Script = std::function<EpochStatistics(Network, std::uint32_t member, std::uint32_t epoch)>;

  FakeEngine(const Problem& problem, int slots, Script script)
      : sizes_{classifier_layout(problem.architecture).size(), ranking_layout(problem.architecture).size()},
        slots_(slots),
        script_(std::move(script)) {}

  // What the member in a slot says of a field, given by its rows; for tests of the evaluation.
  using Answer = std::function<float(Slot, std::span<const std::int16_t>)>;
  Answer probability, error;
  std::size_t most_fields = 0;  // asked for at once

  std::size_t most_open = 0;
  std::map<std::uint32_t, int> opened;  // times each member was opened

  std::string kind() const override { return "fake"; }
  std::string instruction_set() const override { return "none"; }
  std::string description() const override { return "fake"; }
  int preferred_slots(int members) const override { return std::min(slots_, members); }

  void open(Slot slot, MemberPlan plan) override {
    if (members_.count(slot) != 0) throw std::logic_error("open of a slot in use");
    ++opened[plan.id];
    members_[slot].id = plan.id;
    start(members_[slot], Network::classifier);
    most_open = std::max(most_open, members_.size());
  }
  void open_trained(Slot, std::span<const float>, std::span<const float>) override {}
  void close(Slot slot) override {
    if (members_.erase(slot) != 1) throw std::logic_error("close of a closed slot");
  }

  std::vector<EpochStatistics> run_epoch(Network network, std::span<const EpochTask> tasks) override {
    std::vector<EpochStatistics> statistics;
    for (const EpochTask& task : tasks) {
      Member& member = members_.at(task.slot);
      auto& weights = slab(member, network, Role::weights);
      auto& moment = slab(member, network, Role::first_moment);
      if (moment[0] != static_cast<float>(task.epoch)) throw std::logic_error("the moments are not of this epoch");
      weights[0] = static_cast<float>(task.epoch + 1);
      weights[1] += static_cast<float>(member.id + 1) * weights[0];  // remembers every epoch
      moment[0] += 1;
      statistics.push_back(script_(network, member.id, task.epoch));
    }
    return statistics;
  }

  void keep_best(Network network, Slot slot) override {
    Member& member = members_.at(slot);
    slab(member, network, Role::best) = slab(member, network, Role::weights);
  }
  void restore_best(Network network, Slot slot) override {
    Member& member = members_.at(slot);
    slab(member, network, Role::weights) = member.slabs.at({network, Role::best});
  }
  void begin_ranking(std::span<const Slot> slots) override {
    for (const Slot slot : slots) start(members_.at(slot), Network::ranking);
  }

  void probabilities(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    if (probability) answer(probability, slots, fields, out);
  }
  void representations(std::span<const Slot>, FieldView, std::span<float>) override {}
  void attention(std::span<const Slot>, FieldView, std::span<float>) override {}
  void reconstruction_errors(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    if (error) return answer(error, slots, fields, out);
    const Member& member = members_.at(slots.front());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      out[i] = member.slabs.at({Network::ranking, Role::weights})[0] + static_cast<float>(i);
    }
  }
  void element_features(std::span<const Slot>, std::span<float>) override {}

  void read(Network network, Role role, Slot slot, std::span<float> out) const override {
    const std::vector<float>& source = members_.at(slot).slabs.at({network, role});
    if (out.size() != source.size()) throw std::logic_error("read of a wrong size");
    std::copy(source.begin(), source.end(), out.begin());
  }
  void write(Network network, Role role, Slot slot, std::span<const float> in) override {
    std::vector<float>& target = members_.at(slot).slabs.at({network, role});
    if (in.size() != target.size()) throw std::logic_error("write of a wrong size");
    std::copy(in.begin(), in.end(), target.begin());
  }

 private:
  void answer(const Answer& each, std::span<const Slot> slots, FieldView fields, std::span<float> out) {
    most_fields = std::max(most_fields, fields.size());
    if (out.size() != slots.size() * fields.size()) throw std::logic_error("answers of a wrong size");
    const auto width = static_cast<std::size_t>(fields.slots);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = each(slots[i / fields.size()], fields.rows.subspan(i % fields.size() * width, width));
    }
  }

  struct Member {
    std::uint32_t id = 0;
    std::map<std::pair<Network, Role>, std::vector<float>> slabs;
  };
  void start(Member& member, Network network) {
    for (const Role role : {Role::weights, Role::first_moment, Role::second_moment}) {
      slab(member, network, role).assign(sizes_[network == Network::classifier ? 0 : 1], 0.0f);
    }
  }
  static std::vector<float>& slab(Member& member, Network network, Role role) { return member.slabs[{network, role}]; }

  std::size_t sizes_[2];
  int slots_;
  Script script_;
  std::map<Slot, Member> members_;
};

}  // namespace phaseselect
