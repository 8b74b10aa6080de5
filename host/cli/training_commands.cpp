// train, merge and validate.
#include <fmt/format.h>

#include <charconv>

#include "host/cli/commands.hpp"
#include "host/cli/report.hpp"
#include "host/io/readable.hpp"
#include "host/pipeline/members_file.hpp"
#include "host/pipeline/run_directory.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

std::pair<std::uint32_t, std::uint32_t> parse_member_range(const std::string& text) {
  std::pair<std::uint32_t, std::uint32_t> range;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, range.first);
  if (first.ec == std::errc() && first.ptr != end && *first.ptr == ':') {
    const auto last = std::from_chars(first.ptr + 1, end, range.second);
    if (last.ec == std::errc() && last.ptr == end && range.first < range.second) return range;
  }
  throw UsageError(fmt::format("--member-range: '{}' is not A:B with A < B (members A to B - 1)", text));
}

void add_checkpointing(CLI::App& command, bool& resume, double& seconds) {
  command.add_flag("--resume", resume,
                   "begin, continue what was interrupted on the engine it was begun on, or say that it is finished");
  command.add_option("--checkpoint-seconds", seconds, "time between checkpoints")
      ->check(number_of_seconds())
      ->capture_default_str();
}

void add_train(CLI::App& app, Action& action) {
  struct Options {
    CommonOptions common;
    ConfigOptions config;
    std::string run;
    std::optional<std::string> range;
    std::string calibration;
    bool resume = false;
    double checkpoint_seconds = 60;
  };
  CLI::App& command = *app.add_subcommand("train", "train an ensemble");
  const auto options = std::make_shared<Options>();
  options->config.add(command);
  command.add_option("-o,--output", options->run, "folder of the run, to be created")->required()->type_name("RUN");
  options->config.add_members(command);
  command.add_option("--member-range", options->range, "train only members A to B - 1 of the ensemble")
      ->type_name("A:B");
  command
      .add_option(
          "--calibration", options->calibration,
          "folder of a validation of this configuration: the run calibrates its probabilities by it, and by what "
          "is known of neighbouring fields where calibration.neighbours is true; its verdict is the run's")
      ->type_name("DIR");
  add_checkpointing(command, options->resume, options->checkpoint_seconds);
  options->common.add_engine(command);
  options->common.add_quiet(command);
  options->common.add_json(command);
  command.callback([options, &action] {
    action = [options] {
      TrainRequest request;
      if (options->range) request.members = parse_member_range(*options->range);
      request.config = options->config.read();
      request.run = options->run;
      request.calibration = options->calibration;
      request.resume = options->resume;
      request.checkpoint_seconds = options->checkpoint_seconds;
      nlohmann::json run;
      {
        Terminal terminal(options->common.quiet);
        run = train(request, options->common.execution(terminal));
      }
      print_summary(options->common, train_text(run, one_line(options->run)), run);
    };
  });
}

void add_merge(CLI::App& app, Action& action) {
  struct Options {
    CommonOptions common;
    std::vector<std::string> runs;
    std::string output;
    bool mixed = false;
  };
  CLI::App& command = *app.add_subcommand("merge", "join member ranges that were trained apart");
  const auto options = std::make_shared<Options>();
  command.add_option("runs", options->runs, "runs of the same ensemble")->required()->type_name("RUN...");
  command.add_option("-o,--output", options->output, "folder of the joined run, to be created")
      ->required()
      ->type_name("RUN");
  command.add_flag("--mixed-instruction-sets", options->mixed,
                   "join runs whose bits belong to different processors or GPUs all the same");
  options->common.add_quiet(command);
  command.callback([options, &action] {
    action = [options] {
      const Merged merged = merge_runs({options->runs.begin(), options->runs.end()}, options->output, options->mixed);
      if (!merged.diverged.empty()) {
        fmt::print(stderr, "members {} of the ensemble diverged and were set aside\n", list_members(merged.diverged));
      }
      if (!merged.missing.empty()) {
        fmt::print(stderr, "members {} of the ensemble are missing: train them with --member-range and merge again\n",
                   list_members(merged.missing));
      }
      if (merged.calibration_dropped) {
        fmt::print(stderr, "the runs are calibrated differently: the joined run is not calibrated\n");
      }
      print_summary(options->common,
                    fmt::format("{} runs are joined in {}\n", options->runs.size(), one_line(options->output)), {});
    };
  });
}

void add_validate(CLI::App& app, Action& action) {
  struct Options {
    CommonOptions common;
    ConfigOptions config;
    std::string directory;
    bool resume = false;
    bool member_predictions = false;
    double checkpoint_seconds = 60;
  };
  CLI::App& command =
      *app.add_subcommand("validate", "cross-validate an ensemble and say whether it beats plain predictions");
  const auto options = std::make_shared<Options>();
  options->config.add(command);
  command.add_option("-o,--output", options->directory, "folder of the results, to be created")
      ->required()
      ->type_name("DIR");
  options->config.add_members(command);
  options->config.add_folds(command);
  command.add_flag("--member-predictions", options->member_predictions,
                   "also write what each member says (member_predictions.csv)");
  add_checkpointing(command, options->resume, options->checkpoint_seconds);
  options->common.add_engine(command);
  options->common.add_quiet(command);
  options->common.add_json(command);
  command.callback([options, &action] {
    action = [options] {
      ValidateRequest request;
      request.config = options->config.read();
      request.directory = options->directory;
      request.resume = options->resume;
      request.checkpoint_seconds = options->checkpoint_seconds;
      request.member_predictions = options->member_predictions;
      nlohmann::json metrics;
      {
        Terminal terminal(options->common.quiet);
        metrics = validate(request, options->common.execution(terminal));
      }
      print_summary(options->common, validate_text, metrics);
    };
  });
}

}  // namespace

void add_training_commands(CLI::App& app, Action& action) {
  add_train(app, action);
  add_merge(app, action);
  add_validate(app, action);
}

}  // namespace phaseselect
