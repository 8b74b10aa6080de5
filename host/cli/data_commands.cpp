// aggregate and inspect.
#include <fmt/format.h>

#include "host/cli/commands.hpp"
#include "host/cli/report.hpp"
#include "host/io/readable.hpp"

namespace phaseselect {
namespace {

void add_aggregate(CLI::App& app, Action& action) {
  struct Options {
    CommonOptions common;
    std::string formulas, output, property, rejects;
  };
  CLI::App& command = *app.add_subcommand("aggregate", "merge measured compositions into a table of phase fields");
  const auto options = std::make_shared<Options>();
  command.add_option("formulas", options->formulas, "CSV with a `formula` column and a numeric property")
      ->required()
      ->type_name("FORMULAS.csv");
  command.add_option("-o,--output", options->output, "phase fields with their largest value (- is standard output)")
      ->required()
      ->type_name("FIELDS.csv");
  command.add_option("--property", options->property, "column of the property; default: the only numeric one");
  command.add_option("--rejects", options->rejects, "write the rows that were not used, with reasons")
      ->type_name("FILE");
  options->common.add_quiet(command);
  options->common.add_json(command);
  command.callback([options, &action] {
    action = [options] {
      check_outputs(options->common, options->output);
      check_outputs(options->common, options->rejects, "--rejects");
      Terminal terminal(options->common.quiet);
      const AggregateResult result = aggregate(options->formulas, options->property, options->output, options->rejects,
                                               options->common.execution(terminal));
      print_summary(options->common,
                    fmt::format("{} rows, {} phase fields, {} rows rejected\n", with_separators(result.rows),
                                with_separators(result.fields), with_separators(result.rejects)),
                    {{"rows", result.rows}, {"fields", result.fields}, {"rejects", result.rejects}});
    };
  });
}

void add_inspect(CLI::App& app, Action& action) {
  struct Options {
    CommonOptions common;
    ConfigOptions config;
  };
  CLI::App& command =
      *app.add_subcommand("inspect", "audit the data of a configuration and estimate memory and time of training");
  const auto options = std::make_shared<Options>();
  options->config.add(command);
  options->config.add_members(command);
  options->common.add_engine(command);
  options->common.add_quiet(command);
  options->common.add_json(command);
  command.callback([options, &action] {
    action = [options] {
      Terminal terminal(options->common.quiet);
      const nlohmann::json result = inspect(options->config.read(), options->common.execution(terminal));
      print_result(options->common, inspect_text, result);
    };
  });
}

}  // namespace

void add_data_commands(CLI::App& app, Action& action) {
  add_aggregate(app, action);
  add_inspect(app, action);
}

}  // namespace phaseselect
