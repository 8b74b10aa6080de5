// predict, screen, map, accessibility, explain and export: what a finished run is for.
#include <fmt/format.h>

#include "host/cli/commands.hpp"
#include "host/cli/report.hpp"
#include "phaseselect/chemistry/element.hpp"

namespace phaseselect {
namespace {

void add_run(CLI::App& command, std::string& run) {
  command.add_option("run", run, "folder of a run")->required()->type_name("RUN");
}

void add_predict(CLI::App& app, Action& action) {
  struct Options {
    CommonOptions common;
    std::string run, fields, output;
    ListOptions list;
  };
  CLI::App& command = *app.add_subcommand("predict", "judge listed phase fields");
  const auto options = std::make_shared<Options>();
  add_run(command, options->run);
  command
      .add_option("fields", options->fields,
                  "table with a `phases` or `formula` column, read as aggregate does; - is standard input")
      ->required()
      ->type_name("FIELDS.csv");
  command
      .add_option("-o,--output", options->output,
                  "the same rows and columns, and what the run says of them (- is standard output)")
      ->required()
      ->type_name("OUT.csv");
  options->list.add(command);
  options->common.add_engine(command);
  options->common.add_damaged(command);
  options->common.add_quiet(command);
  options->common.add_json(command);
  command.callback([options, &action] {
    action = [options] {
      check_outputs(options->common, options->output);
      nlohmann::json result;
      {
        Terminal terminal(options->common.quiet);
        result = predict({options->run, options->fields, options->output, options->list.format()},
                         options->common.execution(terminal));
      }
      print_summary(options->common, predict_text, result);
    };
  });
}

struct ScreenOptions {
  CommonOptions common;
  std::string run, output;
  int arity = 3;
  std::vector<std::string> elements, exclude, known;
  ListOptions list;
  bool unknown_only = false;
  std::size_t top = 0;
  std::string order;
  bool resume = false;
  double checkpoint_seconds = ScreenRequest().checkpoint_seconds;

  void add(CLI::App& command) {
    add_run(command, run);
    command.add_option("-o,--output", output, "ranking, best first (- is standard output)")
        ->required()
        ->type_name("OUT.csv");
    command.add_option("--arity", arity, "elements in a candidate")
        ->check(whole_number(1, element_count))
        ->capture_default_str();
    command.add_option("--elements", elements, "combine only these, as Li,Na,K; default: all that the run models");
    command.add_option("--exclude", exclude, "leave these elements out; in both, a group is " + element_group_names());
    CLI::Option* const known_option =
        command
            .add_option(
                "--known", known,
                "list of reported fields, flagged in the result (- is standard input); may be given several times")
            ->allow_extra_args(false)
            ->type_name("FILE");
    list.add(command, known_option);
    command.add_flag("--unknown-only", unknown_only, "leave out every known field");
    command.add_option("--top", top, "write only the best N; 0 is all")->check(whole_number(0))->type_name("N");
    command
        .add_option("--order", order,
                    "best first by product (probability times accessibility), probability or accessibility; default: "
                    "product where the run judges accessibility, otherwise probability; in a calibrated run the "
                    "probability is the calibrated one")
        ->check(CLI::IsMember({"product", "probability", "accessibility"}));
    command.add_flag("--resume", resume,
                     "keep what has been judged in the folder OUT.csv.screening, and go on from there where the same "
                     "screening was interrupted; say so where it is finished");
    command.add_option("--checkpoint-seconds", checkpoint_seconds, "time between checkpoints of --resume")
        ->check(number_of_seconds())
        ->capture_default_str();
    common.add_engine(command);
    common.add_damaged(command);
    common.add_quiet(command);
    common.add_json(command);
  }

  ScreenRequest request() const {
    ScreenRequest result;
    result.run = run;
    result.output = output;
    result.arity = arity;
    result.elements = elements;
    result.exclude = exclude;
    result.format = list.format();
    result.known.assign(known.begin(), known.end());
    result.unknown_only = unknown_only;
    result.top = top;
    result.resume = resume;
    result.checkpoint_seconds = checkpoint_seconds;
    if (order == "product") result.order = RankBy::product;
    if (order == "probability") result.order = RankBy::probability;
    if (order == "accessibility") result.order = RankBy::accessibility;
    return result;
  }
};

void add_screen(CLI::App& app, Action& action) {
  CLI::App& command = *app.add_subcommand("screen", "rank every combination of elements");
  const auto options = std::make_shared<ScreenOptions>();
  options->add(command);
  command.callback([options, &action] {
    action = [options] {
      check_outputs(options->common, options->output);
      nlohmann::json result;
      {
        Terminal terminal(options->common.quiet);
        result = screen(options->request(), options->common.execution(terminal));
      }
      print_summary(options->common, screen_text, result);
    };
  });
}

void add_map(CLI::App& app, Action& action) {
  struct Options {
    CommonOptions common;
    std::string ranking, output;
    std::size_t named = MapRequest().named;
    bool paper = false;
  };
  CLI::App& command = *app.add_subcommand("map", "draw a ranking: fields by probability and accessibility");
  const auto options = std::make_shared<Options>();
  command
      .add_option("ranking", options->ranking,
                  "table that screen or predict wrote (- is standard input); all of it is read into memory")
      ->required()
      ->type_name("RANKING.csv");
  command.add_option("-o,--output", options->output, "picture: the name ends in .svg (- is standard output)")
      ->required()
      ->type_name("MAP.svg");
  command.add_option("--named", options->named, "name so many of the best fields that are not known")
      ->check(whole_number(0, 24))
      ->capture_default_str();
  command.add_flag("--paper", options->paper, "the paper's axes: raw probability and reconstruction error");
  options->common.add_quiet(command);
  options->common.add_json(command);
  command.callback([options, &action] {
    action = [options] {
      check_outputs(options->common, options->output);
      const nlohmann::json result = draw_map({options->ranking, options->output, options->named, options->paper});
      print_summary(options->common, map_text, result);
    };
  });
}

void add_accessibility(CLI::App& app, Action& action) {
  struct Options {
    CommonOptions common;
    std::string run, output, reported;
    ListOptions list;
    int arity = 3;
  };
  CLI::App& command =
      *app.add_subcommand("accessibility", "measure how well a run tells known fields from others, out of fold");
  const auto options = std::make_shared<Options>();
  add_run(command, options->run);
  command.add_option("-o,--output", options->output, "what every field was given (- is standard output)")
      ->required()
      ->type_name("OUT.csv");
  CLI::Option* const reported_option =
      command
          .add_option("--reported", options->reported,
                      "list of fields reported elsewhere: a test that no member knew (- is standard input)")
          ->type_name("FILE");
  options->list.add(command, reported_option);
  command.add_option("--arity", options->arity, "elements in a field")
      ->check(whole_number(1, element_count))
      ->capture_default_str();
  options->common.add_engine(command);
  options->common.add_damaged(command);
  options->common.add_quiet(command);
  options->common.add_json(command);
  command.callback([options, &action] {
    action = [options] {
      check_outputs(options->common, options->output);
      nlohmann::json result;
      {
        Terminal terminal(options->common.quiet);
        result = measure_accessibility(
            {options->run, options->output, options->reported, options->list.format(), options->arity},
            options->common.execution(terminal));
      }
      print_summary(options->common, accessibility_text, result);
    };
  });
}

void add_explain(CLI::App& app, Action& action) {
  struct Options {
    CommonOptions common;
    std::string run;
    std::vector<std::string> field;
  };
  CLI::App& command = *app.add_subcommand("explain", "attention, probability and nearest known fields of one field");
  const auto options = std::make_shared<Options>();
  add_run(command, options->run);
  command.add_option("field", options->field, "elements, as \"O Ba Ca Mg\"")->required()->type_name("ELEMENTS");
  options->common.add_engine(command);
  options->common.add_damaged(command);
  options->common.add_quiet(command);
  options->common.add_json(command);
  command.callback([options, &action] {
    action = [options] {
      std::string field;
      for (const std::string& word : options->field) field += (field.empty() ? "" : " ") + word;
      Terminal terminal(options->common.quiet);
      const nlohmann::json result = explain(options->run, field, options->common.execution(terminal));
      print_result(options->common, explain_text, result);
    };
  });
}

void add_export(CLI::App& app, Action& action) {
  struct Options {
    CommonOptions common;
    std::string run, embeddings;
  };
  CLI::App& command = *app.add_subcommand("export", "write what a run has learned as a table");
  const auto options = std::make_shared<Options>();
  add_run(command, options->run);
  command
      .add_option("--embeddings", options->embeddings,
                  "learned element features: member, element, feature_0, ... (- is standard output)")
      ->required()
      ->type_name("OUT.csv");
  options->common.add_engine(command);
  options->common.add_damaged(command);
  options->common.add_quiet(command);
  command.callback([options, &action] {
    action = [options] {
      Terminal terminal(options->common.quiet);
      export_embeddings(options->run, options->embeddings, options->common.execution(terminal));
    };
  });
}

}  // namespace

void add_run_commands(CLI::App& app, Action& action) {
  add_predict(app, action);
  add_screen(app, action);
  add_map(app, action);
  add_accessibility(app, action);
  add_explain(app, action);
  add_export(app, action);
}

}  // namespace phaseselect
