// validate: cross-validation of the whole pipeline. Folds x members train as one population; each fold's rows are
// judged by the mean probability of the members that never saw them, as it is and calibrated out of fold, and held
// against plain predictions from the same fields.
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "host/io/readable.hpp"
#include "host/io/regular_file.hpp"
#include "host/io/sealed_json.hpp"
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

// What the folder holds when the command starts.
enum class FolderState { absent, started, checkpoint, finished };

// Refuses a folder that this request can neither begin nor continue.
FolderState folder_state(const ValidateRequest& request) {
  const fs::path& folder = request.directory;
  const std::string name = folder.string();
  std::error_code ignored;  // a folder that cannot be looked at cannot be created either, which says why
  if (!fs::exists(folder, ignored) || is_unused_folder(folder)) return FolderState::absent;
  if (!request.resume) {
    throw UsageError(fmt::format(
        "{} exists already: name another folder, or add --resume to continue an interrupted validation", name));
  }
  if (!fs::is_directory(folder)) throw UsageError(fmt::format("{} is a file: name a folder for the results", name));
  if (fs::exists(folder / validation_result_file_name)) return FolderState::finished;
  const fs::path checkpoint = folder / checkpoint_file_name;
  if (!fs::exists(checkpoint)) {  // killed before its first one
    check_barely_started(folder);
    check_configuration(folder, request.config);
    return FolderState::started;
  }
  if (command_of_checkpoint(checkpoint) != "validate") {
    throw UsageError(fmt::format("{} is not of a validation: name the folder of one", checkpoint.string()));
  }
  return FolderState::checkpoint;
}

// What a finished validation is of is what the request asks for, as far as that can be seen: the tables need not be
// there any more. Returns its metrics.
nlohmann::json finished_validation(const ValidateRequest& request, const Execution& execution) {
  const fs::path& folder = request.directory;
  nlohmann::json metrics = read_sealed(folder / validation_result_file_name, "validate again");
  const nlohmann::json data = metrics.value("data", nlohmann::json::object());
  if (metrics.value("configuration", std::string()) != configuration_identity(request.config)) {
    throw Error(fmt::format("{} is finished and of another configuration: name a new folder", folder.string()));
  }
  for (const auto& [key, table] : {std::pair("properties_sha256", request.config.data.properties),
                                   std::pair("formulas_sha256", request.config.environments.formulas)}) {
    if (!file_exists(table) || data.value(key, std::string()) == sha256_file(table)) continue;
    throw Error(
        fmt::format("{} is finished and of another table than {}: name a new folder", folder.string(), table.string()));
  }
  if (request.member_predictions && !file_exists(folder / member_predictions_file_name)) {
    throw Error(
        fmt::format("{} is finished and has no {}: name a new folder", folder.string(), member_predictions_file_name));
  }
  execution.note(fmt::format("{} is already finished", folder.string()));
  std::error_code ignored;  // leftovers do no harm
  fs::remove(folder / checkpoint_file_name, ignored);
  return metrics;
}

// What must be the same for a checkpoint to be continued. Where the tables lie does not matter, what is in them does.
std::map<std::string, std::string> identity(const Config& config, const DataIdentity& data, const Engine& engine) {
  return {{"command", "validate"},
          {"configuration", configuration_identity(config)},
          {"properties_sha256", data.properties_sha256},
          {"formulas_sha256", data.formulas_sha256},
          {"engine", engine.kind()},
          {"instruction_set", engine.instruction_set()}};
}

std::string resume_command(const ValidateRequest& request) {
  return fmt::format("phaseselect validate {} -o {}{} --resume",
                     shell_quoted(request.directory / configuration_file_name), shell_quoted(request.directory),
                     request.member_predictions ? " --member-predictions" : "");
}

PopulationOptions population_options(const ValidateRequest& request, const DataIdentity& data, const Engine& engine,
                                     bool resume, const Execution& execution) {
  PopulationOptions options;
  options.ranking = false;
  options.checkpoint = request.directory / checkpoint_file_name;
  options.checkpoint_identity = identity(request.config, data, engine);
  options.checkpoint_seconds = request.checkpoint_seconds;
  options.resume = resume;
  options.progress = [&execution](const PopulationProgress& progress) {
    execution.progress(progress.fraction, fmt::format("{} of {} members, {} epochs", progress.members_done,
                                                      progress.members, progress.epochs_done));
  };
  options.stop_requested = execution.stop_requested;
  options.stopping = execution.stopping;
  options.diverged = [&execution,
                      members = static_cast<std::uint32_t>(request.config.ensemble.members)](std::uint32_t id) {
    execution.remark(
        fmt::format("member {} of fold {} diverged (losses or weights that are not finite) and is set aside",
                    id % members, id / members));
  };
  return options;
}

std::vector<TrainedMember> train_members(Engine& engine, const PreparedData& data, const FoldPlans& plans,
                                         const ValidateRequest& request, bool resume, const Execution& execution) {
  try {
    return train_population(engine, data.problem, request.config, plans.members,
                            population_options(request, data.identity, engine, resume, execution));
  } catch (const Interrupted& interrupted) {
    throw Interrupted(fmt::format("{}: continue with {}", interrupted.what(), resume_command(request)));
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
  json["configuration"] = configuration_identity(config);
  json["data"] = to_json(data.identity);
  json["version"] = program_version();
  json["commit"] = program_commit();
  return json;
}

}  // namespace

nlohmann::json validate(const ValidateRequest& request, const Execution& execution) {
  const auto start = Clock::now();
  FolderLock::check_free(request.directory);
  if (folder_state(request) == FolderState::finished) {
    tidy_finished(request.directory);
    return finished_validation(request, execution);
  }
  ResultDirectory directory(request.directory, execution.remark);
  // From here on no other process changes it.
  const FolderState state = folder_state(request);
  if (state == FolderState::finished) return finished_validation(request, execution);
  const bool resume = state == FolderState::checkpoint;
  if (resume) execution.resumable(resume_command(request));
  const Execution chosen =
      resume ? resumed_execution(begun_on(request.directory / checkpoint_file_name), execution) : execution;
  const PreparedData data = prepare(request.config);
  say_data(request.config, data, execution);
  const FoldPlans plans = fold_plans(request.config, data);
  const std::unique_ptr<Engine> engine = make_engine(data.problem, chosen, Work::training);
  if (resume && execution.device == Device::automatic) {
    execution.note(fmt::format("training on {}, the engine that the validation was begun on", engine->description()));
  }
  if (!resume) directory.write(configuration_file_name, to_yaml(request.config));
  execution.resumable(resume_command(request));

  const auto training = Clock::now();
  const std::vector<TrainedMember> members = train_members(*engine, data, plans, request, resume, execution);
  directory.keep_checkpoint();
  const auto judging = Clock::now();
  HeldOutPredictions predictions = judge_folds(*engine, request.config, data, plans, members);
  add_baselines(data, plans, predictions);
  nlohmann::json metrics = metrics_json(request.config, data, plans, predictions);
  for (const std::uint32_t id : diverged_ids(members)) {
    const auto of_fold = static_cast<std::uint32_t>(request.config.ensemble.members);
    metrics[diverged_members_key].push_back({{"fold", id / of_fold}, {"member", id % of_fold}});
  }
  metrics["engine"] = engine->kind();
  metrics["instruction_set"] = engine->instruction_set();
  metrics["device"] = engine->description();
  metrics["seconds"] = {{"preparation", seconds_between(start, training)},
                        {"training", seconds_between(training, judging)},
                        {"evaluation", seconds_between(judging, Clock::now())}};
  directory.write("predictions.csv", predictions_csv(data, plans, predictions));
  metrics["files"] = nlohmann::json::object();  // those that are read again
  if (request.member_predictions) {
    const std::string text = member_predictions_csv(data, plans, predictions);
    directory.write(member_predictions_file_name, text);
    metrics["files"][member_predictions_file_name] = sha256(std::as_bytes(std::span(text)));
  }
  directory.write("splits.csv", splits_csv(data, plans));
  directory.write("reliability.csv", reliability_csv(predictions));
  directory.write("roc.csv", roc_csv(predictions));
  directory.write("history.csv", history_csv(in_order(members)));
  directory.write(validation_result_file_name, sealed_text(metrics));
  directory.complete();
  return metrics;
}

}  // namespace phaseselect
