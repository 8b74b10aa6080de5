// validate: cross-validation of the whole pipeline. Folds x members train as one population; each fold's rows are
// judged by the mean probability of the members that never saw them, as it is and calibrated out of fold, and held
// against plain predictions from the same fields.
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "host/io/json_text.hpp"
#include "host/io/readable.hpp"
#include "host/io/sha256.hpp"
#include "host/pipeline/checkpoint.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/cross_validation.hpp"
#include "host/pipeline/data_remarks.hpp"
#include "host/pipeline/history.hpp"
#include "host/pipeline/members_file.hpp"
#include "host/pipeline/population.hpp"
#include "host/pipeline/problem.hpp"
#include "host/pipeline/result_directory.hpp"
#include "host/pipeline/resumed_execution.hpp"
#include "host/pipeline/validation_tables.hpp"
#include "host/pipeline/verdict.hpp"
#include "host/pipeline/version.hpp"
#include "phaseselect/error.hpp"
#include "phaseselect/model/safetensors.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

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
  if (fs::exists(folder / validation_result_file_name)) {
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
    throw Interrupted(fmt::format("{}: continue with phaseselect validate {} -o {}{} --resume", interrupted.what(),
                                  shell_quoted(request.directory / configuration_file_name),
                                  shell_quoted(request.directory),
                                  request.member_predictions ? " --member-predictions" : ""));
  }
}

nlohmann::json metrics_json(const Config& config, const PreparedData& data, const FoldPlans& plans,
                            const HeldOutPredictions& predictions) {
  nlohmann::json json = measures(plans, predictions);
  json["baselines"] = measures_of_baselines(predictions);
  json["verdict"] = verdict(plans, predictions);
  json["members"] = config.ensemble.members;
  json["seed"] = config.ensemble.seed;
  json["fold_seed"] = config.validation.seed;
  json["fields"] = data.kept.size();
  json["positives"] = data.positives;
  json["unmodelled"] = data.unmodelled.size();
  json["too_large"] = data.too_large.size();
  json["rejects"] = data.table.rejects.size();
  json["config"] = to_yaml(config);
  json["data"] = data_identity(config);
  json["version"] = program_version();
  json["commit"] = program_commit();
  return json;
}

}  // namespace

nlohmann::json validate(const ValidateRequest& request, const Execution& execution) {
  const auto start = Clock::now();
  const bool resume = check_folder(request);
  const Execution chosen = resume ? resumed_execution(request.directory / checkpoint_file_name, execution) : execution;
  const PreparedData data = prepare(request.config);
  say_data(request.config, data, execution);
  const FoldPlans plans = fold_plans(request.config, data);
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
  HeldOutPredictions predictions = judge_folds(*engine, request.config, data, plans, members);
  add_baselines(data, plans, predictions);
  nlohmann::json metrics = metrics_json(request.config, data, plans, predictions);
  metrics["engine"] = engine->kind();
  metrics["device"] = engine->description();
  metrics["seconds"] = {{"preparation", seconds_between(start, training)},
                        {"training", seconds_between(training, judging)},
                        {"evaluation", seconds_between(judging, Clock::now())}};
  directory.write("predictions.csv", predictions_csv(data, plans, predictions));
  if (request.member_predictions) {
    directory.write(member_predictions_file_name, member_predictions_csv(data, plans, predictions));
  }
  directory.write("splits.csv", splits_csv(data, plans));
  directory.write("reliability.csv", reliability_csv(predictions));
  directory.write("roc.csv", roc_csv(predictions));
  directory.write("history.csv", history_csv(in_order(members)));
  directory.write(validation_result_file_name, json_text(metrics) + "\n");
  directory.complete();
  return metrics;
}

}  // namespace phaseselect
