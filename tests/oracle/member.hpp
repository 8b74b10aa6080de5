// One member of the ensemble, trained and evaluated by the oracle: Member<double> is the reference, Member<float> the
// naive evaluation in single precision whose error sets the tolerance for engines.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "phaseselect/engine/engine.hpp"
#include "tests/oracle/initial_weights.hpp"
#include "tests/oracle/network.hpp"
#include "tests/oracle/optimiser.hpp"
#include "tests/oracle/sampling.hpp"

namespace phaseselect::oracle {

template <typename T>
class Member {
 public:
  Member(const Problem& problem, MemberPlan plan, Summation summation = Summation::ascending)
      : problem_(problem),
        plan_(std::move(plan)),
        summation_(summation),
        classifier_layout_(phaseselect::classifier_layout(problem.architecture)),
        ranking_layout_(phaseselect::ranking_layout(problem.architecture)) {
    classifier_ = fresh(initial_classifier(classifier_layout_, problem.groups, problem.seed, plan_.id,
                                           problem.architecture.normalisation));
  }

  const ParameterLayout& layout(Network network) const {
    return network == Network::classifier ? classifier_layout_ : ranking_layout_;
  }
  Slab<T>& slab(Network network) { return network == Network::classifier ? classifier_ : ranking_; }

  EpochStatistics run_epoch(Network network, std::uint32_t epoch) {
    return network == Network::classifier ? classifier_epoch(epoch) : ranking_epoch(epoch);
  }

  struct Differentiated {
    T loss = 0;
    std::vector<T> gradient;  // [layout.size()]
  };

  // The loss that one training step descends, and its gradient, at these weights. batch: positions in the training
  // list.
  Differentiated differentiate(Network network, const std::vector<T>& weights, const std::vector<std::size_t>& batch,
                               std::uint32_t epoch, std::uint32_t step) const {
    Tape<T> tape(summation_);
    const Parameters<T> parameters(layout(network), tape, weights);
    const Variable<T> loss = network == Network::classifier ? classifier_loss(parameters, batch, epoch, step).total
                                                            : ranking_loss(parameters, batch, epoch, step);
    std::vector<T> gradient = tape.adjoints(loss);
    gradient.resize(weights.size());  // the parameters are the tape's first variables
    return {loss.value, std::move(gradient)};
  }

  // Mean and population deviation (0 becomes 1) of the training rows' field vectors; ranking weights drawn anew.
  void begin_ranking() {
    ranking_ = fresh(initial_ranking(ranking_layout_, problem_.seed, plan_.id));
    const std::vector<std::vector<T>> vectors = representations(selected(plan_.training));
    const ParameterBlock& mean = ranking_layout_["ranking.input_mean"];
    const ParameterBlock& deviation = ranking_layout_["ranking.input_deviation"];
    for (std::size_t i = 0; i < mean.size(); ++i) {
      T total = 0, squares = 0;
      for (const auto& vector : vectors) total += vector[i];
      const T centre = total / T(vectors.size());
      for (const auto& vector : vectors) squares += (vector[i] - centre) * (vector[i] - centre);
      const T spread = std::sqrt(squares / T(vectors.size()));
      ranking_.weights[mean.offset + i] = centre;
      ranking_.weights[deviation.offset + i] = spread == T(0) ? T(1) : spread;
    }
  }

  std::vector<T> probabilities(FieldView fields) const {
    Tape<T> tape(summation_);
    const Parameters<T> parameters(classifier_layout_, tape, classifier_.weights);
    const auto features = encoded(parameters);
    std::vector<T> result;
    for (std::size_t field = 0; field < fields.size(); ++field) {
      result.push_back(probability(parameters, features, field_elements(fields, field)));
    }
    return result;
  }

  std::vector<std::vector<T>> representations(FieldView fields) const {
    Tape<T> tape(summation_);
    const Parameters<T> parameters(classifier_layout_, tape, classifier_.weights);
    const auto features = encoded(parameters);
    std::vector<std::vector<T>> result;
    for (std::size_t field = 0; field < fields.size(); ++field) {
      result.push_back(
          values(field_vector(problem_.architecture, parameters, features, field_elements(fields, field))));
    }
    return result;
  }

  // [fields][fields.slots], padding 0.
  std::vector<std::vector<T>> attention(FieldView fields) const {
    Tape<T> tape(summation_);
    const Parameters<T> parameters(classifier_layout_, tape, classifier_.weights);
    const auto features = encoded(parameters);
    std::vector<std::vector<T>> result;
    for (std::size_t field = 0; field < fields.size(); ++field) {
      const std::vector<int> elements = field_elements(fields, field);
      const auto x = attending(problem_.architecture, features, elements);
      result.push_back(values(attend(problem_.architecture, parameters, x).received));
      result.back().resize(elements.size());
      result.back().resize(static_cast<std::size_t>(fields.slots), T(0));
    }
    return result;
  }

  std::vector<T> reconstruction_errors(FieldView fields) const {
    Tape<T> tape(summation_);
    const Parameters<T> parameters(ranking_layout_, tape, ranking_.weights);
    std::vector<T> result;
    for (const Vector<T>& x : standardised(fields)) {
      result.push_back(std::sqrt(squared_distance(reconstruct(parameters, x, {}), x).value));
    }
    return result;
  }

  std::vector<std::vector<T>> element_features() const {
    Tape<T> tape(summation_);
    const Parameters<T> parameters(classifier_layout_, tape, classifier_.weights);
    std::vector<std::vector<T>> result;
    for (const Vector<T>& h : encoded(parameters)) result.push_back(values(h));
    return result;
  }

 private:
  struct ClassifierLoss {
    Variable<T> total, classification, autoencoder;
  };

  static Slab<T> fresh(const std::vector<float>& initial) {
    return Slab<T>{std::vector<T>(initial.begin(), initial.end()), std::vector<T>(initial.size(), T(0)),
                   std::vector<T>(initial.size(), T(0))};
  }

  static std::vector<T> values(const Vector<T>& variables) {
    std::vector<T> result;
    for (const auto& variable : variables) result.push_back(variable.value);
    return result;
  }

  std::vector<Vector<T>> encoded(const Parameters<T>& parameters) const {
    return encode(problem_.architecture.normalisation, problem_.groups, parameters);
  }

  FieldSet selected(const std::vector<std::uint32_t>& rows) const {
    FieldSet set{problem_.fields.slots, {}};
    for (const std::uint32_t row : rows) {
      const auto begin = problem_.fields.rows.begin() + static_cast<std::ptrdiff_t>(row) * set.slots;
      set.rows.insert(set.rows.end(), begin, begin + set.slots);
    }
    return set;
  }

  T class_weight(bool positive) const {
    if (problem_.architecture.class_weights == ClassWeights::none) return T(1);
    std::size_t count = 0;
    for (const std::uint32_t row : plan_.training) count += (problem_.labels[row] != 0) == positive ? 1 : 0;
    return T(plan_.training.size()) / (T(2) * T(count));
  }

  T probability(const Parameters<T>& parameters, const std::vector<Vector<T>>& features,
                const std::vector<int>& elements) const {
    T total = 0;
    for (int order = 0; order < problem_.architecture.prediction_orders; ++order) {
      const RandomStream stream{problem_.seed, 0, Stream::prediction_order, 0, static_cast<std::uint32_t>(order)};
      const std::vector<int> ordered = order == 0 ? elements : shuffled(elements, stream, 0);
      const Vector<T> x = field_vector(problem_.architecture, parameters, features, ordered);
      total += sigmoid(classifier_logit(problem_.architecture, parameters, x, {}).value);
    }
    return total / T(problem_.architecture.prediction_orders);
  }

  ClassifierLoss classifier_loss(const Parameters<T>& parameters, const std::vector<std::size_t>& batch,
                                 std::uint32_t epoch, std::uint32_t step) const {
    const Architecture& architecture = problem_.architecture;
    const auto features = encoded(parameters);
    const RandomStream slots{problem_.seed, plan_.id, Stream::slot_order, epoch, step};
    const RandomStream dropout{problem_.seed, plan_.id, Stream::classifier_dropout, epoch, step};
    Vector<T> losses;
    for (std::size_t sample = 0; sample < batch.size(); ++sample) {
      const std::uint32_t row = plan_.training[batch[sample]];
      std::vector<int> elements = field_elements(problem_.fields, row);
      if (architecture.slot_order == SlotOrder::random) elements = shuffled(elements, slots, sample);
      const auto masks = dropout_masks<T>(dropout, 1, sample, architecture.hidden, architecture.dropout);
      const Vector<T> x = field_vector(architecture, parameters, features, elements);
      const bool positive = problem_.labels[row] != 0;
      losses.push_back(class_weight(positive) *
                       cross_entropy(classifier_logit(architecture, parameters, x, masks), positive));
    }
    ClassifierLoss loss;
    loss.classification = (T(1) / T(batch.size())) * sum(losses);
    loss.autoencoder = autoencoder_loss(problem_.groups, parameters, features);
    loss.total =
        loss.classification + T(architecture.autoencoder_weight) * loss.autoencoder + penalty(architecture, parameters);
    return loss;
  }

  EpochStatistics classifier_epoch(std::uint32_t epoch) {
    const auto steps =
        batches(problem_.seed, plan_.id, Stream::sample_order, epoch, plan_.training.size(), problem_.classifier.batch);
    EpochStatistics statistics;
    for (std::uint32_t step = 0; step < steps.size(); ++step) {
      Tape<T> tape(summation_);
      const Parameters<T> parameters(classifier_layout_, tape, classifier_.weights);
      const ClassifierLoss loss = classifier_loss(parameters, steps[step], epoch, step);
      statistics.training_loss += static_cast<double>(loss.classification.value) *
                                  static_cast<double>(steps[step].size()) / static_cast<double>(plan_.training.size());
      statistics.autoencoder_loss = static_cast<double>(loss.autoencoder.value);
      update(Network::classifier, problem_.classifier, epoch, step, steps.size(), tape.adjoints(loss.total));
    }
    Tape<T> tape(summation_);
    statistics.penalty = static_cast<double>(
        penalty(problem_.architecture, Parameters<T>(classifier_layout_, tape, classifier_.weights)).value);
    const std::vector<T> held_out = probabilities(selected(plan_.held_out));
    statistics.held_out = static_cast<std::uint32_t>(held_out.size());
    for (std::size_t i = 0; i < held_out.size(); ++i) {
      const bool positive = problem_.labels[plan_.held_out[i]] != 0;
      statistics.held_out_loss -= static_cast<double>(std::log(positive ? held_out[i] : T(1) - held_out[i])) /
                                  static_cast<double>(held_out.size());
      statistics.held_out_correct += (held_out[i] >= T(0.5)) == positive ? 1 : 0;
    }
    return statistics;
  }

  std::vector<Vector<T>> standardised(FieldView fields) const {
    const ParameterBlock& mean = ranking_layout_["ranking.input_mean"];
    const ParameterBlock& deviation = ranking_layout_["ranking.input_deviation"];
    std::vector<Vector<T>> result;
    for (const std::vector<T>& vector : representations(fields)) {
      result.emplace_back();
      for (std::size_t i = 0; i < vector.size(); ++i) {
        result.back().push_back(
            Variable<T>((vector[i] - ranking_.weights[mean.offset + i]) / ranking_.weights[deviation.offset + i]));
      }
    }
    return result;
  }

  // Squared error, mean over dimensions, of each row.
  Vector<T> ranking_losses(const Parameters<T>& parameters, const std::vector<Vector<T>>& rows,
                           const std::vector<std::vector<DropoutMask<T>>>& masks) const {
    Vector<T> losses;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      losses.push_back((T(1) / T(rows[i].size())) *
                       squared_distance(reconstruct(parameters, rows[i], masks[i]), rows[i]));
    }
    return losses;
  }

  Variable<T> ranking_loss(const Parameters<T>& parameters, const std::vector<std::size_t>& batch, std::uint32_t epoch,
                           std::uint32_t step) const {
    const RandomStream dropout{problem_.seed, plan_.id, Stream::ranking_dropout, epoch, step};
    std::vector<int> widths;
    for (const ParameterBlock& block : ranking_layout_.blocks()) {
      if (is_kernel(block)) widths.push_back(static_cast<int>(block.rows));
    }
    std::vector<std::uint32_t> chosen;
    std::vector<std::vector<DropoutMask<T>>> masks;
    for (std::size_t sample = 0; sample < batch.size(); ++sample) {
      chosen.push_back(plan_.training[batch[sample]]);
      masks.push_back(dropout_masks<T>(dropout, 0, sample, widths, problem_.architecture.ranking_dropout));
    }
    return (T(1) / T(batch.size())) * sum(ranking_losses(parameters, standardised(selected(chosen)), masks));
  }

  EpochStatistics ranking_epoch(std::uint32_t epoch) {
    const auto steps = batches(problem_.seed, plan_.id, Stream::ranking_sample_order, epoch, plan_.training.size(),
                               problem_.ranking.batch);
    EpochStatistics statistics;
    for (std::uint32_t step = 0; step < steps.size(); ++step) {
      const Differentiated result = differentiate(Network::ranking, ranking_.weights, steps[step], epoch, step);
      statistics.training_loss += static_cast<double>(result.loss) * static_cast<double>(steps[step].size()) /
                                  static_cast<double>(plan_.training.size());
      update(Network::ranking, problem_.ranking, epoch, step, steps.size(), result.gradient);
    }
    Tape<T> tape(summation_);
    const auto rows = standardised(selected(plan_.held_out));
    const Parameters<T> parameters(ranking_layout_, tape, ranking_.weights);
    for (const auto& loss : ranking_losses(parameters, rows, std::vector<std::vector<DropoutMask<T>>>(rows.size()))) {
      statistics.held_out_loss += static_cast<double>(loss.value) / static_cast<double>(rows.size());
    }
    statistics.held_out = static_cast<std::uint32_t>(rows.size());
    return statistics;
  }

  // adjoints: of a tape whose first variables are the parameters.
  void update(Network network, const OptimiserPlan& plan, std::uint32_t epoch, std::uint32_t step, std::size_t steps,
              std::vector<T> adjoints) {
    adjoints.resize(layout(network).size());
    const std::uint64_t done = std::uint64_t{epoch} * steps + step;
    adam_step(layout(network), problem_.groups, plan, scheduled_rate(plan, done, steps), done + 1, adjoints,
              slab(network));
  }

  const Problem& problem_;
  MemberPlan plan_;
  Summation summation_;
  ParameterLayout classifier_layout_, ranking_layout_;
  Slab<T> classifier_, ranking_;
};

}  // namespace phaseselect::oracle
