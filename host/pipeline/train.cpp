// train: an ensemble into a run directory.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <system_error>

#include "host/io/readable.hpp"
#include "host/io/sha256.hpp"
#include "host/io/utc_time.hpp"
#include "host/pipeline/accessibility_data.hpp"
#include "host/pipeline/checkpoint.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/cross_validation.hpp"
#include "host/pipeline/data_remarks.hpp"
#include "host/pipeline/members_file.hpp"
#include "host/pipeline/result_directory.hpp"
#include "host/pipeline/resumed_execution.hpp"
#include "host/pipeline/run_directory.hpp"
#include "host/pipeline/version.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string resume_command(const TrainRequest& request) {
  const std::string range =
      request.members ? fmt::format(" --member-range {}:{}", request.members->first, request.members->second) : "";
  const std::string calibration =
      request.calibration.empty() ? "" : fmt::format(" --calibration {}", shell_quoted(request.calibration));
  return fmt::format("phaseselect train {} -o {}{}{} --resume", shell_quoted(request.run / configuration_file_name),
                     shell_quoted(request.run), range, calibration);
}

std::pair<std::uint32_t, std::uint32_t> member_range(const TrainRequest& request) {
  const auto all = static_cast<std::uint32_t>(request.config.ensemble.members);
  if (!request.members) return {0, all};
  const auto [first, last] = *request.members;
  if (first >= last || last > all) {
    throw UsageError(
        fmt::format("member range {}:{} is not inside the ensemble: give A:B with 0 <= A < B <= {}", first, last, all));
  }
  return {first, last};
}

// What the folder holds when the command starts.
enum class RunState { absent, started, checkpoint, finished };

RunState run_state(const TrainRequest& request) {
  const fs::path& run = request.run;
  if (!fs::exists(run) || is_unused_folder(run)) return RunState::absent;
  if (!fs::is_directory(run)) throw UsageError(fmt::format("{} is a file: name a folder for the run", run.string()));
  if (fs::exists(run / members_file_name)) return RunState::finished;
  if (fs::exists(run / checkpoint_file_name)) return RunState::checkpoint;
  check_barely_started(run, {accessibility_file_name, accessibility_history_file_name});
  return RunState::started;  // killed before its first checkpoint
}

// Refuses what cannot be started.
void check_state(const TrainRequest& request, RunState state) {
  if (request.resume) return;
  if (state == RunState::checkpoint) {
    throw UsageError(fmt::format("{} holds an unfinished training: continue it with {}", request.run.string(),
                                 resume_command(request)));
  }
  if (state != RunState::absent) {
    throw UsageError(fmt::format("{} exists: name a folder that does not, or remove it", request.run.string()));
  }
}

nlohmann::json describe_data(const Config& config, const PreparedData& data) {
  nlohmann::json properties = {{"file", config.data.properties.string()},
                               {"sha256", data.identity.properties_sha256},
                               {"property", data.table.property},
                               {"rows", data.table.rows},
                               {"rejected_rows", data.table.rejects.size()},
                               {"fields", data.kept.size()},
                               {"positives", data.positives}};
  properties["set_aside"] = {{"element_without_environments", data.unmodelled.size()},
                             {"too_many_elements", data.too_large.size()}};
  const nlohmann::json formulas = {{"file", config.environments.formulas.string()},
                                   {"sha256", data.identity.formulas_sha256},
                                   {"rows", data.matrix.formulas},
                                   {"rejected_rows", data.matrix.rejects.size()},
                                   {"distinct", data.matrix.distinct},
                                   {"elements", data.matrix.elements.size()},
                                   {"environments", data.matrix.environments()},
                                   {"groups", data.problem.groups.groups()}};
  return {{"properties", properties}, {"formulas", formulas}};
}

// Means over the members that did not diverge of what their kept weights reached.
nlohmann::json describe_metrics(const Config& config, const std::vector<TrainedMember>& members) {
  double accuracy = 0, classifier_epochs = 0, ranking_epochs = 0, count = 0;
  for (const TrainedMember& member : members) {
    if (member.diverged) continue;
    ++count;
    const StoppingState& stop = member.classifier_stop;
    const std::size_t kept = config.training.patience > 0 ? stop.best_epoch : stop.epochs_done - 1;
    const EpochStatistics& s = member.history.at(kept).statistics;
    accuracy += static_cast<double>(s.held_out_correct) / std::max(1u, s.held_out);
    classifier_epochs += stop.epochs_done;
    ranking_epochs += member.ranking_stop.epochs_done;
  }
  return {{"mean_held_out_accuracy", accuracy / count},
          {"mean_classifier_epochs", classifier_epochs / count},
          {"mean_ranking_epochs", ranking_epochs / count}};
}

// A finished run is what the request asks for, as far as that can be seen: the tables need not be there any more.
void check_finished(const TrainRequest& request, const Run& run) {
  const auto [first, last] = member_range(request);
  if (!holds_members(run.contents().members, run.contents().diverged_members, {first, last})) {
    throw Error(
        fmt::format("{} is finished and holds the members {} of the ensemble, not {}-{}: train those into a new "
                    "folder",
                    request.run.string(), list_members(run.contents().members), first, last - 1));
  }
  for (const auto& [key, table] : {std::pair("properties_sha256", request.config.data.properties),
                                   std::pair("formulas_sha256", request.config.environments.formulas)}) {
    const auto saved = run.file().metadata().find(key);
    if (!fs::exists(table) || (saved != run.file().metadata().end() && saved->second == sha256_file(table))) continue;
    throw Error(fmt::format("{} is finished and was trained with another table than {}: train into a new folder",
                            request.run.string(), table.string()));
  }
}

// The numbers of a calibration, wherever its validation lies; empty without one.
std::string numbers_of(nlohmann::json calibration) {
  if (!calibration.is_object()) return {};
  calibration.erase("validation");
  return calibration.dump();
}

// That the run shall have; null without a validation.
nlohmann::json calibration_of(const TrainRequest& request, const DataIdentity& identity) {
  return request.calibration.empty() ? nlohmann::json()
                                     : calibration_of_validation(request.calibration, request.config, identity);
}

nlohmann::json finished_run(const TrainRequest& request, const Execution& execution) {
  check_configuration(request.run, request.config);
  const Run run(request.run);
  check_finished(request, run);
  const std::map<std::string, std::string>& metadata = run.file().metadata();
  const DataIdentity identity{metadata.at("properties_sha256"), metadata.at("formulas_sha256")};
  if (numbers_of(run.contents().run.at("calibration")) != numbers_of(calibration_of(request, identity))) {
    throw Error(
        fmt::format("{} is finished and calibrated otherwise: name its validation with --calibration, or train "
                    "into a new folder",
                    request.run.string()));
  }
  execution.note(fmt::format("{} is already finished", request.run.string()));
  std::error_code ignored;  // leftovers do no harm
  fs::remove(request.run / checkpoint_file_name, ignored);
  return run.contents().run;
}

// An automatic choice notes itself (make_engine), unless the checkpoint made it.
void note_engine(const Engine& engine, const Execution& execution, bool resumed) {
  if (resumed && execution.device == Device::automatic) {
    execution.note(fmt::format("training on {}, the engine that the run was begun on", engine.description()));
  } else if (execution.device != Device::automatic) {
    execution.note("training on " + engine.description());
  }
}

// The two populations of a run. The accessibility members come first.
enum class Stage { accessibility, ensemble };

// As checkpoints name them.
const char* stage_name(Stage stage) { return stage == Stage::accessibility ? "train accessibility" : "train"; }

PopulationOptions population_options(const TrainRequest& request, const PreparedData& data,
                                     const nlohmann::json& calibration, const Execution& execution,
                                     const Engine& engine, Stage stage, bool resume) {
  const auto [first, last] = member_range(request);
  const bool accessibility = stage == Stage::accessibility;
  PopulationOptions options;
  options.checkpoint = request.run / checkpoint_file_name;
  options.checkpoint_identity = {{"command", stage_name(stage)},
                                 {"configuration", configuration_identity(request.config)},
                                 {"properties_sha256", data.identity.properties_sha256},
                                 {"formulas_sha256", data.identity.formulas_sha256},
                                 {"members", fmt::format("{}:{}", first, last)},
                                 {"calibration", numbers_of(calibration)},
                                 {"engine", engine.kind()},
                                 {"instruction_set", engine.instruction_set()}};
  options.checkpoint_seconds = request.checkpoint_seconds;
  options.resume = resume;
  options.progress = [&execution, what = accessibility ? "accessibility: " : ""](const PopulationProgress& p) {
    execution.progress(p.fraction, fmt::format("{}{} of {} members, {} of {} epochs", what, p.members_done, p.members,
                                               p.epochs_done, p.epochs_total));
  };
  options.stop_requested = execution.stop_requested;
  options.stopping = execution.stopping;
  options.judge_divergence = !request.members;
  options.diverged = [&execution, what = accessibility ? "accessibility member" : "member"](std::uint32_t member) {
    execution.remark(
        fmt::format("{} {} diverged (losses or weights that are not finite) and is set aside", what, member));
  };
  options.ranking = !accessibility;
  if (accessibility) options.section = "accessibility";
  return options;
}

std::vector<TrainedMember> train_stage(Engine& engine, const Problem& problem, const Config& config,
                                       const std::vector<MemberPlan>& plans, const PopulationOptions& options,
                                       const TrainRequest& request) {
  try {
    return train_population(engine, problem, config, plans, options);
  } catch (const Interrupted& interrupted) {
    throw Interrupted(fmt::format("{}: continue with {}", interrupted.what(), resume_command(request)));
  }
}

// Whose checkpoint the folder holds; nothing where it has none.
std::optional<Stage> stage_of_checkpoint(const TrainRequest& request, RunState state) {
  if (state != RunState::checkpoint) return std::nullopt;
  const std::string command = command_of_checkpoint(request.run / checkpoint_file_name);
  return command == stage_name(Stage::accessibility) ? Stage::accessibility : Stage::ensemble;
}

std::pair<std::uint32_t, std::uint32_t> accessibility_range(const TrainRequest& request) {
  const auto [first, last] = member_range(request);
  return accessibility_range(request.config, first, last);
}

// Trains the accessibility members of the request and writes them, unless the folder has them. Returns on which kind
// of engine; empty where nothing was to be trained.
std::string train_accessibility(const TrainRequest& request, const PreparedData& data,
                                const nlohmann::json& calibration, std::optional<Stage> begun,
                                const Execution& execution, ResultDirectory& directory) {
  const auto [first, last] = accessibility_range(request);
  if (first == last) return {};
  if (begun == Stage::ensemble || fs::exists(request.run / accessibility_file_name)) {
    check_accessibility(request.run, request.config, data, {first, last});
    directory.keep_checkpoint();
    return {};
  }
  const bool resume = begun == Stage::accessibility;
  const AccessibilityData known = accessibility_data(request.config, data, first, last);
  const std::unique_ptr<Engine> engine = make_engine(known.problem, execution, Work::training);
  note_engine(*engine, execution, resume);
  const std::vector<TrainedMember> members = train_stage(
      *engine, known.problem, accessibility_training(request.config), known.members,
      population_options(request, data, calibration, execution, *engine, Stage::accessibility, resume), request);
  directory.keep_checkpoint();  // from here on the folder holds finished work
  write_accessibility(request.run, request.config, data, members);
  return engine->kind();
}

nlohmann::json describe_accessibility(const TrainRequest& request) {
  const auto [first, last] = accessibility_range(request);
  const SafetensorsReader file(request.run / accessibility_file_name, SafetensorsReader::Verify::structure);
  nlohmann::json description{{"members", file.info("members.id").elements()},
                             {"member_range", {first, last}},
                             {"folds", request.config.accessibility.folds}};
  if (const auto ids = diverged_members(file); !ids.empty()) description[diverged_members_key] = ids;
  return description;
}

}  // namespace

nlohmann::json train(const TrainRequest& request, const Execution& execution) {
  const auto start = Clock::now();
  const auto [first, last] = member_range(request);
  FolderLock::check_free(request.run);
  check_state(request, run_state(request));
  if (run_state(request) == RunState::finished) {
    tidy_finished(request.run);
    return finished_run(request, execution);
  }
  ResultDirectory directory(request.run, execution.remark);
  // From here on no other process changes it.
  const RunState state = run_state(request);
  check_state(request, state);
  if (state == RunState::started) check_configuration(request.run, request.config);
  if (state == RunState::finished) return finished_run(request, execution);

  const bool resumed = state == RunState::checkpoint;
  if (resumed) execution.resumable(resume_command(request));
  const std::optional<Stage> begun = stage_of_checkpoint(request, state);
  Execution chosen = resumed ? resumed_execution(begun_on(request.run / checkpoint_file_name), execution) : execution;
  const PreparedData data = prepare(request.config);
  say_data(request.config, data, execution);
  if (request.config.calibration.neighbours && request.calibration.empty()) {
    execution.note("without --calibration the run is not calibrated: calibration.neighbours has no effect");
  }
  const std::vector<MemberPlan> plans = ensemble_plans(request.config, data.problem, first, last);
  const nlohmann::json calibration = calibration_of(request, data.identity);
  if (!resumed) directory.write(configuration_file_name, to_yaml(request.config));
  execution.resumable(resume_command(request));
  const double data_seconds = seconds_since(start);
  bool noted = false;
  if (request.config.accessibility.members > 0) {
    const std::string kind = train_accessibility(request, data, calibration, begun, chosen, directory);
    noted = !kind.empty();
    if (noted) chosen.device = kind == "cpu" ? Device::cpu : Device::cuda;  // one run, one kind of engine
  }
  const double accessibility_seconds = seconds_since(start) - data_seconds;
  const std::unique_ptr<Engine> engine = make_engine(data.problem, chosen, Work::training);
  if (!noted) note_engine(*engine, execution, resumed);
  const PopulationOptions options =
      population_options(request, data, calibration, execution, *engine, Stage::ensemble, begun == Stage::ensemble);
  const std::vector<TrainedMember> members =
      train_stage(*engine, data.problem, request.config, plans, options, request);
  directory.keep_checkpoint();
  const std::vector<std::uint32_t> diverged = diverged_ids(members);
  nlohmann::json run = {
      {"format_version", 2},
      {"version", program_version()},
      {"commit", program_commit()},
      {"created", now_utc()},
      {"engine", engine->kind()},
      {"instruction_set", engine->instruction_set()},
      {"device", engine->description()},
      {"seed", request.config.ensemble.seed},
      {"members", members.size() - diverged.size()},
      {"member_range", {first, last}},
      {"resumed", resumed},
      {"data", describe_data(request.config, data)},
      {"timings",
       {{"data_seconds", data_seconds},
        {"training_seconds", seconds_since(start) - data_seconds - accessibility_seconds}}},
      {"metrics", describe_metrics(request.config, members)},
      {"calibration", calibration},
  };
  if (request.config.accessibility.members > 0) {
    const auto [from, to] = accessibility_range(request);
    if (from == to) write_accessibility(request.run, request.config, data, {});  // a range too small for one of them
    run["accessibility"] = describe_accessibility(request);
    run["timings"]["accessibility_seconds"] = accessibility_seconds;
  }
  if (!diverged.empty()) run[diverged_members_key] = diverged;
  run = write_run(request.run, request.config, data, members, std::move(run));
  directory.complete();
  return run;
}

}  // namespace phaseselect
