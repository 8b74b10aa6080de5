// The problems on which engines are held to the oracle: each switch of the mathematics, and awkward sizes.
#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/oracle/small_problem.hpp"

namespace phaseselect::oracle {

struct Case {
  std::string name;
  SmallProblem problem;
};

inline void PrintTo(const Case& example, std::ostream* out) { *out << example.name; }

inline SmallProblem base_problem() {
  SmallProblem small;
  small.architecture = small_architecture();
  small.classifier = small_plan(4, 5, 2e-3);
  small.ranking = small_plan(4, 5, 2e-3);
  return small;
}

template <typename Change>
Case changed(std::string name, Change change) {
  Case result{std::move(name), base_problem()};
  change(result.problem);
  return result;
}

inline void add_switches(std::vector<Case>& cases) {
  cases.push_back(changed("values", [](SmallProblem&) {}));
  cases.push_back(changed("residual", [](SmallProblem& p) { p.architecture.combine = Combine::residual; }));
  cases.push_back(changed("scores", [](SmallProblem& p) { p.architecture.combine = Combine::scores; }));
  cases.push_back(changed("row", [](SmallProblem& p) { p.architecture.normalisation = Normalisation::row; }));
  cases.push_back(changed("pooled", [](SmallProblem& p) { p.architecture.combine = Combine::pooled; }));
  cases.push_back(changed("encoder_rate", [](SmallProblem& p) { p.classifier.encoder_rate = 0.2; }));
  cases.push_back(changed("frozen_encoder", [](SmallProblem& p) {
    p.classifier.encoder_rate = 0;
    p.classifier.weight_decay = 0.1;
  }));
  for (const auto& [name, weight] : {std::pair{"no_attention", 0.0}, std::pair{"weak_attention", 0.3}}) {
    for (const auto& [form, combine] :
         {std::pair{"residual", Combine::residual}, std::pair{"pooled", Combine::pooled}}) {
      cases.push_back(changed(std::string(name) + "_" + form, [weight = weight, combine = combine](SmallProblem& p) {
        p.architecture.combine = combine;
        p.architecture.attention_weight = weight;
        p.classifier.weight_decay = 0.1;
      }));
    }
  }
  for (const auto& [form, combine] : {std::pair{"values", Combine::values}, std::pair{"residual", Combine::residual},
                                      std::pair{"scores", Combine::scores}}) {
    cases.push_back(changed(std::string("no_mask_") + form, [combine = combine](SmallProblem& p) {
      p.architecture.combine = combine;
      p.architecture.attention_mask = false;
      p.architecture.slots = 5;  // one more than any field has elements
      p.largest_field = 4;
    }));
  }
  cases.push_back(changed("no_mask_random_slot_order", [](SmallProblem& p) {
    p.architecture.combine = Combine::residual;
    p.architecture.attention_mask = false;
    p.architecture.slot_order = SlotOrder::random;
    p.architecture.prediction_orders = 3;
  }));
  cases.push_back(
      changed("no_class_weights", [](SmallProblem& p) { p.architecture.class_weights = ClassWeights::none; }));
  cases.push_back(changed("pooled_rows", [](SmallProblem& p) {
    p.architecture.combine = Combine::pooled;
    p.architecture.normalisation = Normalisation::row;
    p.architecture.class_weights = ClassWeights::none;
    p.classifier.encoder_rate = 0.5;
    p.architecture.features = 33;
    p.architecture.hidden = {19, 9};
    p.architecture.dropout = 0.3;
  }));
  cases.push_back(changed("random_slot_order", [](SmallProblem& p) {
    p.architecture.combine = Combine::residual;
    p.architecture.slot_order = SlotOrder::random;
    p.architecture.prediction_orders = 3;
  }));
  cases.push_back(changed("dropout", [](SmallProblem& p) {
    p.architecture.hidden = {33, 17};
    p.architecture.dropout = 0.5;
    p.architecture.ranking_dropout = 0.1;
  }));
  cases.push_back(changed("penalties", [](SmallProblem& p) {
    p.architecture.l1 = 0.03;
    p.architecture.l2 = 0.01;
  }));
  cases.push_back(changed("cosine_decay", [](SmallProblem& p) {
    for (OptimiserPlan* plan : {&p.classifier, &p.ranking}) {
      plan->schedule = Schedule::cosine;
      plan->weight_decay = 0.1;
    }
  }));
  cases.push_back(changed("small_lambda", [](SmallProblem& p) { p.architecture.autoencoder_weight = 0.3; }));
  cases.push_back(changed("ungrouped", [](SmallProblem& p) { p.largest_multiplicity = 1; }));
  cases.push_back(changed("everything", [](SmallProblem& p) {
    p.architecture.normalisation = Normalisation::row;
    p.architecture.combine = Combine::residual;
    p.architecture.slot_order = SlotOrder::random;
    p.architecture.prediction_orders = 3;
    p.architecture.hidden = {19, 9, 5};
    p.architecture.dropout = 0.3;
    p.architecture.ranking_dropout = 0.1;
    p.architecture.l1 = 1e-3;
    p.architecture.l2 = 1e-3;
    p.classifier.schedule = Schedule::cosine;
    p.classifier.weight_decay = 0.05;
  }));
}

inline void add_sizes(std::vector<Case>& cases) {
  for (const int features : {1, 20, 33, 70}) {
    cases.push_back(changed("features_" + std::to_string(features), [&](SmallProblem& p) {
      p.architecture.features = features;
      p.architecture.combine = Combine::residual;
    }));
  }
  for (const auto& [heads, key_dim] : {std::pair{1, 1}, std::pair{5, 3}, std::pair{7, 1}}) {
    cases.push_back(changed("heads_" + std::to_string(heads) + "_by_" + std::to_string(key_dim),
                            [heads = heads, key_dim = key_dim](SmallProblem& p) {
                              p.architecture.heads = heads;
                              p.architecture.key_dim = key_dim;
                            }));
  }
  for (const int groups : {1, 31, 32, 33, 65, 129, 1100}) {
    cases.push_back(changed("groups_" + std::to_string(groups), [&](SmallProblem& p) {
      p.architecture.elements = groups > 1000 ? 15 : groups > 32 ? 11 : 9;
      p.architecture.groups = groups;
    }));
  }
  const std::vector<std::pair<std::string, std::vector<int>>> hidden{
      {"none", {}}, {"1", {1}}, {"7", {7}}, {"33", {33}}, {"33_1_7", {33, 1, 7}}};
  for (const auto& [name, widths] : hidden) {
    cases.push_back(changed("hidden_" + name, [widths = widths](SmallProblem& p) {
      p.architecture.hidden = widths;
      p.seed += 3;  // one in which a layer of one unit stays alive
    }));
  }
  for (const int batch : {1, 5, 100}) {
    cases.push_back(changed("batch_" + std::to_string(batch), [&](SmallProblem& p) {
      p.classifier.batch = p.ranking.batch = batch;
      p.architecture.dropout = p.architecture.ranking_dropout = 0.2;
    }));
  }
  cases.push_back(
      changed("fields_91", [](SmallProblem& p) {  // more training rows, and a larger batch, than a chunk of 64
        p.fields = 91;
        p.classifier.batch = p.ranking.batch = 65;
        p.architecture.prediction_orders = 2;
        p.architecture.slot_order = SlotOrder::random;
      }));
  cases.push_back(changed("one_element_fields", [](SmallProblem& p) { p.largest_field = 1; }));
  cases.push_back(changed("one_element_pooled", [](SmallProblem& p) {
    p.largest_field = 1;
    p.architecture.slots = 1;
    p.architecture.combine = Combine::pooled;
  }));
  cases.push_back(changed("full_fields", [](SmallProblem& p) { p.smallest_field = p.architecture.slots; }));
  cases.push_back(changed("one_slot", [](SmallProblem& p) {
    p.architecture.slots = 1;
    p.architecture.combine = Combine::scores;
  }));
}

inline std::vector<Case> all_cases() {
  std::vector<Case> cases;
  add_switches(cases);
  add_sizes(cases);
  return cases;
}

}  // namespace phaseselect::oracle
