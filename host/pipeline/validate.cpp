// validate: cross-validation of the whole pipeline. Folds x members train as one population; each fold's rows are
// judged by the mean probability of the members that never saw them.
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "host/engine/ensemble.hpp"
#include "host/io/json_text.hpp"
#include "host/io/output_file.hpp"
#include "host/pipeline/checkpoint.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/history.hpp"
#include "host/pipeline/members_file.hpp"
#include "host/pipeline/metrics.hpp"
#include "host/pipeline/population.hpp"
#include "host/pipeline/problem.hpp"
#include "host/pipeline/result_directory.hpp"
#include "host/pipeline/result_table.hpp"
#include "host/pipeline/resumed_execution.hpp"
#include "host/pipeline/version.hpp"
#include "phaseselect/error.hpp"
#include "phaseselect/model/safetensors.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* last_file = "metrics.json";  // a folder with it holds a complete validation

double seconds_between(Clock::time_point start, Clock::time_point end) {
  return std::chrono::duration<double>(end - start).count();
}

// Whether there is a checkpoint to go on from. Refuses a folder that this request can neither begin nor continue.
bool check_folder(const ValidateRequest& request) {
  const fs::path& folder = request.directory;
  const std::string name = folder.string();
  std::error_code ignored;  // a folder that cannot be looked at cannot be created either, which says why
  if (!request.resume) {
    if (!fs::exists(folder, ignored)) return false;
    throw UsageError(fmt::format(
        "{} exists already: name another folder, or add --resume to continue an interrupted validation", name));
  }
  if (!fs::exists(folder, ignored))
    throw UsageError(fmt::format("{} does not exist: there is nothing to resume", name));
  if (!fs::is_directory(folder)) throw UsageError(fmt::format("{} is a file: name a folder for the results", name));
  if (fs::exists(folder / last_file)) {
    throw UsageError(fmt::format("{} holds a complete validation: there is nothing to resume", name));
  }
  const fs::path checkpoint = folder / checkpoint_file_name;
  if (!fs::exists(checkpoint)) {  // killed before its first one
    check_barely_started(folder);
    check_configuration(folder, request.config);
    return false;
  }
  if (command_of_checkpoint(checkpoint) != "validate") {
    throw UsageError(fmt::format("{} is not of a validation: name the folder of one", checkpoint.string()));
  }
  return true;
}

// What must be the same for a checkpoint to be continued. Where the tables lie does not matter, what is in them does.
std::map<std::string, std::string> identity(const Config& config, const Engine& engine) {
  return {{"command", "validate"},
          {"configuration", configuration_identity(config)},
          {"properties_sha256", sha256_file(config.data.properties)},
          {"formulas_sha256", sha256_file(config.environments.formulas)},
          {"engine", engine.kind()}};
}

PopulationOptions population_options(const ValidateRequest& request, const Engine& engine, bool resume,
                                     const Execution& execution) {
  PopulationOptions options;
  options.ranking = false;
  options.checkpoint = request.directory / checkpoint_file_name;
  options.checkpoint_identity = identity(request.config, engine);
  options.checkpoint_seconds = request.checkpoint_seconds;
  options.resume = resume;
  options.progress = [&execution](const PopulationProgress& progress) {
    execution.progress(progress.fraction, fmt::format("{} of {} members, {} epochs", progress.members_done,
                                                      progress.members, progress.epochs_done));
  };
  options.stop_requested = execution.stop_requested;
  return options;
}

std::vector<TrainedMember> train_members(Engine& engine, const PreparedData& data, const FoldPlans& plans,
                                         const ValidateRequest& request, bool resume, const Execution& execution) {
  try {
    return train_population(engine, data.problem, request.config, plans.members,
                            population_options(request, engine, resume, execution));
  } catch (const Interrupted& interrupted) {
    const std::string folder = request.directory.string();
    throw Interrupted(fmt::format("{}: continue with phaseselect validate {} -o {} --resume", interrupted.what(),
                                  (request.directory / configuration_file_name).string(), folder));
  }
}

// Predictions of every row by the members of its fold.
struct HeldOutPredictions {
  std::vector<float> probability;  // [N]
  std::vector<float> deviation;    // [N]
};

std::vector<std::uint32_t> rows_of_fold(const FoldPlans& plans, int fold) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < plans.fold.size(); ++row) {
    if (plans.fold[row] == fold) rows.push_back(row);
  }
  return rows;
}

HeldOutPredictions judge_folds(Engine& engine, const Problem& problem, const Config& config, const FoldPlans& plans,
                               const std::vector<TrainedMember>& members) {
  const auto per_fold = static_cast<std::size_t>(config.ensemble.members);
  const std::vector<Slot> slots = all_slots(config.ensemble.members);
  const std::vector<float> no_ranking(ranking_layout(problem.architecture).size(), 0.0f);
  HeldOutPredictions predictions{std::vector<float>(plans.fold.size()), std::vector<float>(plans.fold.size())};
  for (int fold = 0; fold < config.validation.folds; ++fold) {
    for (std::size_t m = 0; m < per_fold; ++m) {
      engine.open_trained(slots[m], members[static_cast<std::size_t>(fold) * per_fold + m].classifier, no_ranking);
    }
    const std::vector<std::uint32_t> rows = rows_of_fold(plans, fold);
    const FieldSet fields = gather(problem.fields, rows);
    std::vector<float> values(per_fold * rows.size());
    engine.probabilities(slots, fields, values);
    const OverMembers statistics = over_members(values, rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      predictions.probability[rows[i]] = statistics.mean[i];
      predictions.deviation[rows[i]] = statistics.deviation[i];
    }
    for (const Slot slot : slots) engine.close(slot);
  }
  return predictions;
}

struct FoldResult {
  Metrics metrics;
  std::vector<RocPoint> roc;
};

FoldResult score_fold(const Problem& problem, const FoldPlans& plans, const HeldOutPredictions& predictions, int fold) {
  std::vector<std::uint8_t> labels;
  std::vector<float> probabilities;
  for (const std::uint32_t row : rows_of_fold(plans, fold)) {
    labels.push_back(problem.labels[row]);
    probabilities.push_back(predictions.probability[row]);
  }
  return {compute_metrics(labels, probabilities), roc_curve(labels, probabilities)};
}

std::string predictions_csv(const PreparedData& data, const FoldPlans& plans, const HeldOutPredictions& predictions) {
  std::string text = "phases,fold,value,label,probability,probability_std\n";
  for (std::size_t row = 0; row < data.kept.size(); ++row) {
    text += fmt::format("{},{},{},{},{},{}\n", to_string(data.kept[row].field), plans.fold[row],
                        number(data.kept[row].value), data.problem.labels[row], number(predictions.probability[row]),
                        number(predictions.deviation[row]));
  }
  return text;
}

std::string roc_csv(const std::vector<FoldResult>& folds) {
  std::string text = "fold,threshold,false_positive_rate,true_positive_rate\n";
  for (std::size_t fold = 0; fold < folds.size(); ++fold) {
    for (const RocPoint& point : folds[fold].roc) {
      text += fmt::format("{},{},{},{}\n", fold, number(point.threshold), number(point.false_positive_rate),
                          number(point.true_positive_rate));
    }
  }
  return text;
}

nlohmann::json metrics_json(const Config& config, const PreparedData& data, const std::vector<FoldResult>& folds,
                            const HeldOutPredictions& predictions) {
  std::vector<Metrics> metrics;
  nlohmann::json per_fold = nlohmann::json::array();
  for (const FoldResult& fold : folds) {
    metrics.push_back(fold.metrics);
    per_fold.push_back(to_json(fold.metrics));
    per_fold.back()["fold"] = per_fold.size() - 1;
  }
  nlohmann::json json = summarise(metrics);
  json["folds"] = std::move(per_fold);
  json["pooled"] = to_json(compute_metrics(data.problem.labels, predictions.probability));
  json["members"] = config.ensemble.members;
  json["seed"] = config.ensemble.seed;
  json["fold_seed"] = config.validation.seed;
  json["fields"] = data.kept.size();
  json["positives"] = data.positives;
  json["unmodelled"] = data.unmodelled.size();
  json["too_large"] = data.too_large.size();
  json["rejects"] = data.table.rejects.size();
  json["config"] = to_yaml(config);
  json["version"] = program_version();
  json["commit"] = program_commit();
  return json;
}

void note_what_is_left_out(const PreparedData& data, const Execution& execution) {
  const std::size_t aside = data.unmodelled.size() + data.too_large.size();
  if (aside + data.table.rejects.size() + data.matrix.rejects.size() == 0) return;
  execution.note(fmt::format(
      "left out: {} rows and {} formulas that cannot be read, {} fields with elements that are not "
      "modelled, {} fields with too many elements (`phaseselect inspect` lists them)",
      data.table.rejects.size(), data.matrix.rejects.size(), data.unmodelled.size(), data.too_large.size()));
}

}  // namespace

nlohmann::json validate(const ValidateRequest& request, const Execution& execution) {
  const auto start = Clock::now();
  const bool resume = check_folder(request);
  const Execution chosen = resume ? resumed_execution(request.directory / checkpoint_file_name, execution) : execution;
  const PreparedData data = prepare(request.config);
  note_what_is_left_out(data, execution);
  const FoldPlans plans = fold_plans(request.config, data.problem);
  const std::unique_ptr<Engine> engine = make_engine(data.problem, chosen, Work::training);
  if (resume && execution.device == Device::automatic) {
    execution.note(fmt::format("training on {}, the engine that the validation was begun on", engine->description()));
  }
  ResultDirectory directory(request.directory);
  if (!resume) directory.write(configuration_file_name, to_yaml(request.config));

  const auto training = Clock::now();
  const std::vector<TrainedMember> members = train_members(*engine, data, plans, request, resume, execution);
  directory.keep_checkpoint();
  const auto judging = Clock::now();
  const HeldOutPredictions predictions = judge_folds(*engine, data.problem, request.config, plans, members);
  std::vector<FoldResult> folds;
  for (int fold = 0; fold < request.config.validation.folds; ++fold) {
    folds.push_back(score_fold(data.problem, plans, predictions, fold));
  }
  nlohmann::json metrics = metrics_json(request.config, data, folds, predictions);
  metrics["engine"] = engine->kind();
  metrics["device"] = engine->description();
  metrics["seconds"] = {{"preparation", seconds_between(start, training)},
                        {"training", seconds_between(training, judging)},
                        {"evaluation", seconds_between(judging, Clock::now())}};
  directory.write("predictions.csv", predictions_csv(data, plans, predictions));
  directory.write("roc.csv", roc_csv(folds));
  directory.write("history.csv", history_csv(in_order(members)));
  directory.write(last_file, json_text(metrics) + "\n");
  directory.complete();
  return metrics;
}

}  // namespace phaseselect
