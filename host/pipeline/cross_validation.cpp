// Judging, out-of-fold calibration, measures.
#include "host/pipeline/cross_validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <limits>

#include "host/engine/ensemble.hpp"
#include "host/io/regular_file.hpp"
#include "host/io/sealed_json.hpp"
#include "host/pipeline/baselines.hpp"
#include "host/pipeline/members_file.hpp"
#include "host/pipeline/result_directory.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

// Of the fields that the fold judges, from those that it learned from.
std::vector<Evidence> evidence_of(const PreparedData& data, const ElementSimilarity& similarity,
                                  const SplitFold& fold) {
  Neighbourhood known(similarity);
  for (const std::uint32_t row : fold.training) known.add(data.kept[row].field, data.problem.labels[row] != 0);
  std::vector<Evidence> evidence;
  for (const std::uint32_t row : fold.judged) evidence.push_back(known.evidence(data.kept[row].field));
  return evidence;
}

// Without the members that diverged.
FoldPredictions judge(Engine& engine, const Problem& problem, const SplitFold& fold,
                      std::span<const TrainedMember> members) {
  std::vector<std::size_t> places;
  for (std::size_t m = 0; m < members.size(); ++m) {
    if (!members[m].diverged) places.push_back(m);
  }
  if (places.empty()) throw Error("all members of a fold diverged: lower training.learning_rate");
  const std::vector<Slot> slots = all_slots(static_cast<int>(places.size()));
  const std::vector<float> no_ranking(ranking_layout(problem.architecture).size(), 0.0f);
  for (const Slot slot : slots) {
    engine.open_trained(slot, members[places[static_cast<std::size_t>(slot)]].classifier, no_ranking);
  }
  const std::size_t judged = fold.judged.size();
  std::vector<float> probabilities(places.size() * judged);
  engine.probabilities(slots, gather(problem.fields, fold.judged), probabilities);
  for (const Slot slot : slots) engine.close(slot);
  FoldPredictions predictions;
  predictions.of_members.assign(members.size() * judged, std::numeric_limits<float>::quiet_NaN());
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::copy_n(probabilities.begin() + static_cast<std::ptrdiff_t>(i * judged), judged,
                predictions.of_members.begin() + static_cast<std::ptrdiff_t>(places[i] * judged));
  }
  OverMembers statistics = over_members(probabilities, judged);
  predictions.probability = std::move(statistics.mean);
  predictions.deviation = std::move(statistics.deviation);
  for (const std::uint32_t row : fold.judged) predictions.labels.push_back(problem.labels[row]);
  return predictions;
}

void append(std::vector<float>& all, const std::vector<float>& part) {
  all.insert(all.end(), part.begin(), part.end());
}

// No judgement of a field that fold `own` judges is fitted, although a field may be judged in several folds. The other
// folds' members and evidence have learned from these fields.
std::optional<Calibration> calibration_of_the_others(const FoldPlans& plans, const std::vector<FoldPredictions>& folds,
                                                     std::size_t own) {
  const std::vector<std::uint32_t>& judged = plans.folds[own].judged;
  std::vector<std::uint8_t> labels;
  std::vector<float> probabilities;
  std::vector<Evidence> evidence;
  for (std::size_t f = 0; f < folds.size(); ++f) {
    for (std::size_t i = 0; i < folds[f].labels.size(); ++i) {
      if (std::binary_search(judged.begin(), judged.end(), plans.folds[f].judged[i])) continue;
      labels.push_back(folds[f].labels[i]);
      probabilities.push_back(folds[f].probability[i]);
      if (!folds[f].evidence.empty()) evidence.push_back(folds[f].evidence[i]);
    }
  }
  if (labels.empty()) return std::nullopt;
  return fit_calibration(labels, probabilities, evidence);
}

void calibrate_folds(const FoldPlans& plans, HeldOutPredictions& predictions) {
  for (std::size_t f = 0; f < predictions.folds.size(); ++f) {
    FoldPredictions& fold = predictions.folds[f];
    fold.calibration = calibration_of_the_others(plans, predictions.folds, f);
    if (!fold.calibration) continue;
    for (std::size_t i = 0; i < fold.probability.size(); ++i) {
      const Evidence evidence = fold.evidence.empty() ? Evidence{} : fold.evidence[i];
      fold.calibrated.push_back(calibrate(fold.probability[i], *fold.calibration, evidence));
    }
  }
  const Pooled all = pooled(predictions);
  std::vector<Evidence> evidence;
  for (const FoldPredictions& fold : predictions.folds) {
    evidence.insert(evidence.end(), fold.evidence.begin(), fold.evidence.end());
  }
  predictions.calibration = fit_calibration(all.labels, all.probability, evidence);
}

// The configuration without what does not change what a member learns from all the fields.
std::string model_identity(Config config) {
  const Config defaults;
  config.ensemble = defaults.ensemble;
  config.ranking = defaults.ranking;
  config.accessibility = defaults.accessibility;
  config.validation = defaults.validation;
  return configuration_identity(config);
}

// Measures of each fold, over the folds and of all fields together.
nlohmann::json over_folds(const HeldOutPredictions& predictions, std::vector<float> FoldPredictions::*probabilities,
                          const Metrics& of_all) {
  std::vector<Metrics> metrics;
  nlohmann::json per_fold = nlohmann::json::array();
  for (const FoldPredictions& fold : predictions.folds) {
    metrics.push_back(compute_metrics(fold.labels, fold.*probabilities));
    per_fold.push_back(to_json(metrics.back()));
    per_fold.back()["fold"] = per_fold.size() - 1;
  }
  nlohmann::json json = summarise(metrics);
  json["folds"] = std::move(per_fold);
  json["pooled"] = to_json(of_all);
  return json;
}

}  // namespace

HeldOutPredictions judge_folds(Engine& engine, const Config& config, const PreparedData& data, const FoldPlans& plans,
                               const std::vector<TrainedMember>& members) {
  HeldOutPredictions predictions;
  const std::size_t per_fold = members.size() / plans.folds.size();
  for (std::size_t f = 0; f < plans.folds.size(); ++f) {
    predictions.folds.push_back(
        judge(engine, data.problem, plans.folds[f], std::span(members).subspan(f * per_fold, per_fold)));
  }
  if (config.calibration.neighbours) {
    const ElementSimilarity similarity(data.problem.groups, data.matrix.elements);
    for (std::size_t f = 0; f < plans.folds.size(); ++f) {
      predictions.folds[f].evidence = evidence_of(data, similarity, plans.folds[f]);
    }
  }
  calibrate_folds(plans, predictions);
  return predictions;
}

void damaged_validation(const std::filesystem::path& path, std::string_view reason) {
  throw Error(fmt::format("{} is damaged ({}): restore it from a copy or validate again", path.string(), reason));
}

nlohmann::json read_metrics(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / validation_result_file_name;
  nlohmann::json metrics = read_sealed(path, "validate again");
  for (const char* key : {"calibration", "configuration", "data", "files", "members", "verdict"}) {
    if (!metrics.contains(key)) damaged_validation(path, fmt::format("it has no '{}'", key));
  }
  try {
    calibration_from_json(metrics.at("calibration"));
  } catch (const nlohmann::json::exception&) {
    damaged_validation(path, "its calibration lacks a number");
  }
  return metrics;
}

nlohmann::json calibration_of_validation(const std::filesystem::path& directory, const Config& config,
                                         const DataIdentity& identity) {
  const std::filesystem::path configuration = directory / configuration_file_name;
  if (!file_exists(directory / validation_result_file_name) || !file_exists(configuration)) {
    throw UsageError(fmt::format("--calibration: {} is not the folder of a finished validation", directory.string()));
  }
  const nlohmann::json metrics = read_metrics(directory);
  const Config validated = [&] {
    try {
      const RegularFile opens(configuration);  // no FIFO: read_config would wait
      return read_config(configuration);
    } catch (const UsageError& error) {
      damaged_validation(configuration, error.what());
    }
  }();
  if (configuration_identity(validated) != metrics.at("configuration")) {
    damaged_validation(configuration, "it was changed after the validation");
  }
  if (model_identity(validated) != model_identity(config) || metrics.at("data") != to_json(identity)) {
    throw UsageError(fmt::format("--calibration: {} is of another configuration or of other tables: validate this one",
                                 directory.string()));
  }
  nlohmann::json calibration = metrics.at("calibration");
  calibration["validation"] = directory.string();
  calibration["members"] = metrics.at("members");
  calibration["verdict"] = metrics.at("verdict");
  return calibration;
}

nlohmann::json to_json(const DataIdentity& identity) {
  return {{"properties_sha256", identity.properties_sha256}, {"formulas_sha256", identity.formulas_sha256}};
}

Pooled pooled(const HeldOutPredictions& predictions) {
  Pooled all;
  for (const FoldPredictions& fold : predictions.folds) {
    all.labels.insert(all.labels.end(), fold.labels.begin(), fold.labels.end());
    append(all.probability, fold.probability);
    append(all.calibrated, fold.calibrated);
    append(all.prevalence, fold.prevalence);
    append(all.nearest_field, fold.nearest_field);
  }
  if (all.calibrated.size() != all.labels.size()) all.calibrated.clear();
  return all;
}

void add_baselines(const PreparedData& data, const FoldPlans& plans, HeldOutPredictions& predictions) {
  for (std::size_t f = 0; f < plans.folds.size(); ++f) {
    predictions.folds[f].prevalence = prevalence(data, plans.folds[f]);
    predictions.folds[f].nearest_field = nearest_field(data, plans.folds[f]);
  }
}

nlohmann::json measures_of_baselines(const HeldOutPredictions& predictions) {
  const Pooled all = pooled(predictions);
  return {{"prevalence",
           over_folds(predictions, &FoldPredictions::prevalence, compute_metrics(all.labels, all.prevalence))},
          {"nearest_field",
           over_folds(predictions, &FoldPredictions::nearest_field, compute_metrics(all.labels, all.nearest_field))}};
}

nlohmann::json measures(const FoldPlans& plans, const HeldOutPredictions& predictions) {
  const Pooled all = pooled(predictions);
  nlohmann::json json =
      over_folds(predictions, &FoldPredictions::probability, compute_metrics(all.labels, all.probability));
  json["calibrated"] = nullptr;
  if (!all.calibrated.empty()) {
    json["calibrated"] =
        over_folds(predictions, &FoldPredictions::calibrated, compute_metrics(all.labels, all.calibrated));
  }
  for (std::size_t f = 0; f < plans.folds.size(); ++f) {
    json["folds"][f]["holds_out"] = plans.folds[f].holds_out;
    json["folds"][f]["learned_from"] = plans.folds[f].training.size();
    if (!all.calibrated.empty()) json["calibrated"]["folds"][f].update(to_json(*predictions.folds[f].calibration));
  }
  json["calibration"] = to_json(predictions.calibration);
  return json;
}

}  // namespace phaseselect
