// An engine, the oracle and the naive float evaluations on the same member, side by side.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "tests/gradients/cases.hpp"
#include "tests/gradients/comparison.hpp"
#include "tests/gradients/engines.hpp"
#include "tests/oracle/member.hpp"

namespace phaseselect::oracle {

class Trio {
 public:
  static constexpr Slot slot = 0;

  Trio(const EngineKind& kind, const Problem& problem, std::uint32_t id)
      : problem_(problem), engine_(kind.make(problem)), reference_(problem, make_plan(problem, id)) {
    for (const Summation order : summations) {
      naive_.emplace_back(problem, make_plan(problem, id), order);
    }
    engine_->open(slot, make_plan(problem, id));
  }

  Engine& engine() { return *engine_; }
  Member<double>& reference() { return reference_; }
  std::vector<Member<float>>& naive() { return naive_; }
  const ParameterLayout& layout(Network network) const { return reference_.layout(network); }
  std::vector<float> read(Network network, Role role) const {
    return oracle::read(*engine_, layout(network), network, role, slot);
  }

  // Gives the oracle and the naive evaluations the engine's own state, so that what follows is compared by itself.
  void adopt(Network network) {
    const auto copy = [&](auto& member) {
      auto& slab = member.slab(network);
      const auto assign = [&](auto& to, Role role) {
        const std::vector<float> from = read(network, role);
        to.assign(from.begin(), from.end());
      };
      assign(slab.weights, Role::weights);
      assign(slab.first_moment, Role::first_moment);
      assign(slab.second_moment, Role::second_moment);
    };
    copy(reference_);
    for (auto& member : naive_) copy(member);
  }

  // Draws positive biases on all three. Fresh biases are 0, which leaves small networks with dead layers (nothing to
  // compare) and units exactly on the kink of ReLU.
  void enliven(Network network) { enliven_all_but(network, ""); }
  void enliven_all_but(Network network, const std::string& spared) {
    std::vector<float> weights = read(network, Role::weights);
    std::mt19937_64 random(17);
    for (const ParameterBlock& block : layout(network).blocks()) {
      for (std::size_t i = 0; block.name.ends_with(".bias") && block.name != spared && i < block.size(); ++i) {
        weights[block.offset + i] = 0.1f + 0.001f * static_cast<float>(below(random, 300));
      }
    }
    engine_->write(network, Role::weights, slot, weights);
    adopt(network);
  }

  void begin_ranking() {
    reference_.begin_ranking();
    for (auto& member : naive_) member.begin_ranking();
    engine_->begin_ranking(std::vector<Slot>{slot});
  }

  // One epoch on all three; the statistics must agree.
  void run_epoch(Network network, std::uint32_t epoch, Comparison& comparison) {
    const EpochStatistics expected = reference_.run_epoch(network, epoch);
    std::vector<EpochStatistics> naive;
    for (auto& member : naive_) naive.push_back(member.run_epoch(network, epoch));
    const std::vector<EpochTask> task{{slot, epoch}};
    const EpochStatistics actual = engine_->run_epoch(network, task).at(0);
    const auto compare = [&](const char* name, double EpochStatistics::*member) {
      std::vector<std::vector<float>> plain;
      for (const EpochStatistics& statistics : naive) plain.push_back({static_cast<float>(statistics.*member)});
      const double reference = expected.*member;
      const float engine = static_cast<float>(actual.*member);
      if (reference == 0) return comparison.check_zero(name, {&reference, 1}, {&engine, 1});
      comparison.check(name, {&reference, 1}, plain, {&engine, 1});
    };
    compare("training loss", &EpochStatistics::training_loss);
    compare("autoencoder loss", &EpochStatistics::autoencoder_loss);
    compare("penalty", &EpochStatistics::penalty);
    compare("held-out loss", &EpochStatistics::held_out_loss);
    EXPECT_EQ(actual.held_out, expected.held_out);
    EXPECT_EQ(actual.held_out_correct, expected.held_out_correct);
  }

  void compare_state(Network network, Comparison& comparison, double largest_move) {
    compare_role(network, Role::first_moment, "first moment", comparison, largest_move);
    compare_role(network, Role::second_moment, "second moment", comparison, largest_move);
    compare_role(network, Role::weights, "weights", comparison, largest_move);
  }

 private:
  template <typename T>
  static const std::vector<T>& part(Slab<T>& slab, Role role) {
    return role == Role::weights ? slab.weights : role == Role::first_moment ? slab.first_moment : slab.second_moment;
  }

  bool without_attention() const {  // fields of one element: P = 1 whatever the weights
    const FieldSet& fields = problem_.fields;
    for (std::size_t i = 0; i < fields.rows.size(); ++i) {
      if (i % static_cast<std::size_t>(fields.slots) != 0 && fields.rows[i] >= 0) return false;
    }
    return true;
  }

  void compare_role(Network network, Role role, const char* what, Comparison& comparison, double largest_move) {
    const std::vector<float> engine = read(network, role);
    const std::vector<double>& reference = part(reference_.slab(network), role);
    for (const ParameterBlock& block : layout(network).blocks()) {
      const auto of = [&](const auto& slab) { return std::span(slab).subspan(block.offset, block.size()); };
      const std::string name = block.name + ", " + what;
      std::vector<std::vector<float>> naive;
      for (auto& member : naive_) {
        const auto values = of(part(member.slab(network), role));
        naive.emplace_back(values.begin(), values.end());
      }
      const bool softmax = block.name.starts_with("attention.query") || block.name.starts_with("attention.key");
      const bool no_gradient =
          !block.trained || (problem_.architecture.attention_weight == 0 && block.name.starts_with("attention."));
      if (no_gradient && role != Role::weights) {
        comparison.check_zero(name, of(reference), of(engine));
      } else if (softmax && without_attention()) {
        expect_small(name, of(engine), role, largest_move + std::max(0.4, static_cast<double>(block.initial_limit)));
      } else if (block.name == "attention.key.bias") {
        compare_cancelling(network, name, role, comparison, engine, naive, largest_move);
      } else {
        comparison.check(name, of(reference), naive, of(engine));
      }
    }
  }

  // Without attention the gradient is zero but for rounding; Adam may turn rounding into steps of up to the rate.
  static void expect_small(const std::string& name, std::span<const float> engine, Role role, double largest_weight) {
    const double limit = role == Role::weights ? largest_weight : 1e-7;
    for (const float value : engine) EXPECT_LE(std::abs(value), limit) << name;
  }

  // A constant added to all keys cancels in the softmax: the gradient of the key bias is zero, what an engine finds is
  // the rounding of terms of the size of the query bias' gradient.
  void compare_cancelling(Network network, const std::string& name, Role role, Comparison& comparison,
                          const std::vector<float>& engine, const std::vector<std::vector<float>>& naive,
                          double largest_move) {
    const ParameterBlock& block = layout(network)["attention.key.bias"];
    const ParameterBlock& query = layout(network)["attention.query.bias"];
    const std::span<const float> values = std::span(engine).subspan(block.offset, block.size());
    if (role == Role::weights) {
      for (const float value : values)
        EXPECT_LE(std::abs(value), 0.4 + largest_move) << name;  // enliven gave up to 0.4
      return;
    }
    const std::vector<double>& reference = part(reference_.slab(network), role);
    const Size scale = size_of(std::span(reference).subspan(query.offset, query.size()));
    comparison.check(name, std::span(reference).subspan(block.offset, block.size()), naive, values, &scale);
  }

  const Problem& problem_;
  std::unique_ptr<Engine> engine_;
  Member<double> reference_;
  std::vector<Member<float>> naive_;
};

// Every engine on every case.
class EngineTest : public ::testing::TestWithParam<std::tuple<EngineKind, Case>> {
 protected:
  const EngineKind& kind() const { return std::get<0>(GetParam()); }
  const Case& example() const { return std::get<1>(GetParam()); }
  std::string heading(const char* what) const { return kind().name + " " + example().name + ", " + what; }
};

inline std::string engine_test_name(const ::testing::TestParamInfo<std::tuple<EngineKind, Case>>& info) {
  return std::get<0>(info.param).name + "_" + std::get<1>(info.param).name;
}

}  // namespace phaseselect::oracle
