// aggregate and inspect.
#include "host/cli/commands.hpp"
#include "host/cli/report.hpp"

namespace phaseselect {
namespace {

void add_aggregate(CLI::App& app, Action& action) {
  struct Options {
    CommonOptions common;
    std::string formulas, output, property, formula_column, decimal = ".", rejects;
  };
  CLI::App& command = *app.add_subcommand("aggregate", "merge measured compositions into a table of phase fields");
  const auto options = std::make_shared<Options>();
  command
      .add_option(
          "formulas", options->formulas,
          "table with formulas and a property: CSV (also with ; or tabs, also compressed) or .xlsx; - is standard "
          "input")
      ->required()
      ->type_name("FORMULAS.csv");
  command.add_option("-o,--output", options->output, "phase fields with their largest value (- is standard output)")
      ->required()
      ->type_name("FIELDS.csv");
  command.add_option("--property", options->property, "column of the property; default: the only one that can be it");
  command.add_option("--formula-column", options->formula_column,
                     "column of the formulas; default: formula, phases or a usual synonym");
  command.add_option("--decimal", options->decimal, "how decimals are written: 1.5 (.) or 1,5 (,)")
      ->check(CLI::IsMember({".", ","}))
      ->capture_default_str();
  command.add_option("--rejects", options->rejects, "write the rows that were not used, with reasons")
      ->type_name("FILE");
  options->common.add_quiet(command);
  options->common.add_json(command);
  command.callback([options, &action] {
    action = [options] {
      check_outputs(options->common, options->output);
      check_outputs(options->common, options->rejects, "--rejects");
      Terminal terminal(options->common.quiet);
      const AggregateRequest request{
          options->formulas,       options->output,
          options->rejects,        options->property,
          options->formula_column, options->decimal == "," ? DecimalMark::comma : DecimalMark::point};
      const nlohmann::json result = aggregate(request, options->common.execution(terminal));
      print_summary(options->common, aggregate_text(result), result);
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
