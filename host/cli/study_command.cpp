// study: questions about an ensemble, each answered by a table.
#include <fmt/format.h>

#include <algorithm>

#include "host/cli/commands.hpp"
#include "host/cli/report.hpp"
#include "host/config/option_value.hpp"
#include "host/config/schema.hpp"
#include "host/io/output_file.hpp"
#include "host/io/output_paths.hpp"
#include "host/io/readable.hpp"
#include "host/pipeline/study.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

struct StudyOptions {
  CommonOptions common;
  ConfigOptions config;  // its path is the configuration, the validation or the run
  std::string vary, output;
  std::string sizes;
  bool metals = false;
  bool ranking = false;
  int arity = 3;
  std::vector<std::string> known;
  ListOptions list;
  const CLI::Option* arity_option = nullptr;

  void add(CLI::App& command) {
    command
        .add_option("input", config.path,
                    "a configuration (--vary), the folder of a validation made with --member-predictions "
                    "(--ensemble-sizes) or of a run (--metals, --ranking)")
        ->required()
        ->type_name("INPUT");
    CLI::Option_group& question = *command.add_option_group("Question", "one of them");
    question.add_option("--vary", vary, "validate with each of these values of a key, as features=10,20,40")
        ->type_name("KEY=VALUES");
    question.add_option("--ensemble-sizes", sizes, "measures of random choices of so many members, as 1,2,5,10")
        ->type_name("SIZES");
    question.add_flag("--metals", metals, "share of all fields of metals alone that a run expects below its threshold");
    question.add_flag("--ranking", ranking, "does the reconstruction error tell known from unreported fields");
    question.require_option(1);
    command.add_option("-o,--output", output, "the table (- is standard output)")->required()->type_name("OUT.csv");
    config.add_settings(command);
    config.add_members(command);
    config.add_folds(command);
    arity_option = command.add_option("--arity", arity, "elements in a field (--metals, --ranking)")
                       ->check(whole_number(1, element_count))
                       ->capture_default_str();
    CLI::Option* const known_option =
        command
            .add_option("--known", known,
                        "list of reported fields (--ranking; - is standard input); may be given several times")
            ->allow_extra_args(false)
            ->type_name("FILE");
    list.add(command, known_option);
    common.add_engine(command);
    common.add_damaged(command);
    common.add_quiet(command);
    common.add_json(command);
  }

  bool has_overrides() const { return !config.settings.empty() || config.members || config.folds; }
};

// Every configuration is read before the first is tried.
std::vector<Variation> read_variations(const StudyOptions& options, const std::string& key, const std::string& values) {
  std::vector<Variation> variations;
  for (const std::string& value : split_values(values, form_of(key))) {
    const Override varied{fmt::format("{}={}", key, value), fmt::format("--vary {}={}", key, value)};
    variations.push_back({value, options.config.read({varied})});
  }
  return variations;
}

StudyTable vary(const StudyOptions& options, const Execution& execution) {
  const std::size_t equals = options.vary.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(fmt::format("--vary {}: must have the form KEY=VALUE,VALUE,...", options.vary));
  }
  const std::string key = full_key(options.vary.substr(0, equals), "--vary");
  const std::vector<Variation> variations = read_variations(options, key, options.vary.substr(equals + 1));
  const Config& first = variations.front().config;
  check_output_paths({options.output}, {options.config.path, first.data.properties, first.environments.formulas});
  return study_variations(key, variations, execution, [&](const StudyTable& table) {
    if (!is_stream(options.output)) write_text(options.output, to_csv(table));  // an interruption keeps what is done
  });
}

std::uint64_t read_whole(const char* option, std::string text, std::uint64_t low, std::uint64_t high) {
  const std::string error = whole_number(low, high)(text);
  if (!error.empty()) throw UsageError(fmt::format("{}: {}", option, error));
  return std::stoull(text);
}

StudyTable ensemble_sizes(const StudyOptions& options) {
  std::vector<int> sizes;
  for (const std::string& size : split_values(options.sizes, Form::word)) {
    sizes.push_back(static_cast<int>(read_whole("--ensemble-sizes", size, 1, 1'000'000)));
  }
  const std::uint64_t any = std::numeric_limits<std::uint64_t>::max();
  const std::filesystem::path validation = options.config.path;
  check_output_paths({options.output}, {validation / member_predictions_file_name});
  return study_ensemble_sizes(validation, sizes, read_whole("--seed", options.config.seed.value_or("1"), 0, any));
}

StudyTable answer(const StudyOptions& options, const Execution& execution) {
  if (!options.known.empty() && !options.ranking) throw UsageError("--known goes with --ranking alone");
  if (options.arity_option->count() > 0 && !options.metals && !options.ranking) {
    throw UsageError("--arity goes with --metals and --ranking alone");
  }
  if (!options.vary.empty()) return vary(options, execution);
  if (options.has_overrides()) {
    throw UsageError("--set, --members and --folds change a configuration: they go with --vary alone");
  }
  if (!options.sizes.empty()) return ensemble_sizes(options);
  if (options.config.seed) throw UsageError("--seed goes with --vary and --ensemble-sizes alone");
  const std::vector<std::filesystem::path> known(options.known.begin(), options.known.end());
  check_output_paths({options.output}, known, options.config.path);
  if (options.metals) return study_metals(options.config.path, options.arity, execution);
  return study_ranking(options.config.path, options.arity, {known, options.list.format()}, execution);
}

// For people: four decimals, columns as wide as they need to be.
std::string table_text(const StudyTable& table) {
  std::vector<std::vector<std::string>> lines{table.columns};
  for (std::vector<std::string> row : table.rows) {
    for (std::string& cell : row) {
      cell = one_line(cell);
      const auto value = parse_number(cell);
      if (value && cell.find('.') != std::string::npos) cell = fmt::format("{:.4f}", *value);
    }
    lines.push_back(std::move(row));
  }
  std::string text;
  for (const std::vector<std::string>& line : lines) {
    for (std::size_t column = 0; column < line.size(); ++column) {
      std::size_t width = 0;
      for (const std::vector<std::string>& other : lines) width = std::max(width, other[column].size());
      text += fmt::format("{}{:>{}}", column == 0 ? "" : "  ", line[column], width);
    }
    text += "\n";
  }
  return text;
}

nlohmann::json table_json(const StudyTable& table) {
  nlohmann::json rows = nlohmann::json::array();
  for (const std::vector<std::string>& row : table.rows) {
    nlohmann::json object;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto value = parse_number(row[i]);
      nlohmann::json& cell = object[table.columns[i]];
      if (value) {
        cell = *value;
      } else if (!row[i].empty()) {
        cell = row[i];
      }
    }
    rows.push_back(std::move(object));
  }
  nlohmann::json result = table.counts;
  result["rows"] = rows;
  return result;
}

}  // namespace

void add_study_command(CLI::App& app, Action& action) {
  CLI::App& command =
      *app.add_subcommand("study", "tables of how a key, the ensemble's size or a run's ranking behaves");
  const auto options = std::make_shared<StudyOptions>();
  options->add(command);
  command.callback([options, &action] {
    action = [options] {
      check_outputs(options->common, options->output);
      StudyTable table;
      {
        Terminal terminal(options->common.quiet);
        table = answer(*options, options->common.execution(terminal));
      }
      write_text(options->output, to_csv(table));
      print_summary(options->common,
                    damaged_text(table.counts) + (is_standard_output(options->output) ? "" : table_text(table)) +
                        lists_text(table.counts),
                    table_json(table));
    };
  });
}

}  // namespace phaseselect
