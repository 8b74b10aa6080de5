// Options that commands share, and where what they print goes.
#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "host/cli/commands.hpp"
#include "host/cli/signals.hpp"
#include "host/io/output_file.hpp"
#include "host/io/readable.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr std::uint64_t most_threads = 1024;

void print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    throw Error(fmt::format("cannot write to standard output: {}: check where it goes", std::strerror(errno)));
  }
}

// ASCII alone, which does nothing to a terminal.
void print_json(const nlohmann::json& json) {
  print(json.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n");
}

// The same with every text of others in it as one line.
nlohmann::json with_plain_texts(const nlohmann::json& json) {
  if (json.is_string()) return one_line(json.get_ref<const std::string&>());
  if (!json.is_structured()) return json;
  nlohmann::json plain(json.type());
  for (const auto& [key, value] : json.items()) {
    if (json.is_object()) {
      plain[one_line(key)] = with_plain_texts(value);
    } else {
      plain.push_back(with_plain_texts(value));
    }
  }
  return plain;
}

}  // namespace

void CommonOptions::add_quiet(CLI::App& command) {
  command.add_flag("-q,--quiet", quiet,
                   "no notes, no progress and no summary; only errors and what was guessed, repaired or left out");
}

void CommonOptions::add_json(CLI::App& command) {
  command.add_flag("--json", json, "print the summary as JSON on standard output");
}

void CommonOptions::add_engine(CLI::App& command) {
  command.add_option("--device", device, "auto (a GPU where one can be used, otherwise the CPU), cpu or cuda")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  command.add_option("--threads", threads, "CPU threads; 0 is every core that the process may use")
      ->check(whole_number(0, most_threads))
      ->capture_default_str();
}

void CommonOptions::add_damaged(CLI::App& command) {
  command.add_flag("--skip-damaged-members", skip_damaged,
                   "go on without members whose weights are not finite; every result says without which");
}

Execution CommonOptions::execution(Terminal& terminal) const {
  Execution execution;
  execution.device = device == "cpu" ? Device::cpu : device == "cuda" ? Device::cuda : Device::automatic;
  execution.threads = threads;
  execution.skip_damaged_members = skip_damaged;
  execution.remark = [&terminal](const std::string& text) { terminal.remark(text); };
  execution.note = [&terminal](const std::string& text) { terminal.note(text); };
  execution.progress = [&terminal](double fraction, const std::string& what) { terminal.progress(fraction, what); };
  execution.stop_requested = stop_requested;
  execution.stopping = stop_requested;
  execution.resumable = remember_resumption;
  return execution;
}

void ListOptions::add(CLI::App& command, CLI::Option* list) {
  CLI::Option& named =
      *command
           .add_option("--formula-column", column,
                       "column of the list that names the fields; default: phases, formula or a usual synonym")
           ->type_name("NAME");
  CLI::Option& mark = *command.add_option("--decimal", decimal, "how the list writes decimals: 1.5 (.) or 1,5 (,)")
                           ->check(CLI::IsMember({".", ","}))
                           ->capture_default_str();
  if (list == nullptr) return;
  named.needs(list);
  mark.needs(list);
}

void ConfigOptions::add(CLI::App& command) {
  command.add_option("config", path, "configuration (YAML)")->required()->type_name("CONFIG");
  add_settings(command);
}

void ConfigOptions::add_settings(CLI::App& command) {
  command
      .add_option("--set", settings,
                  "set one key of the configuration, as often as needed: text as it stands, a list as [8, 4]")
      ->allow_extra_args(false)
      ->type_name("KEY.PATH=VALUE");
}

void ConfigOptions::add_members(CLI::App& command) {
  command.add_option("--members", members, "size of the ensemble (ensemble.members)")->type_name("N");
  command.add_option("--seed", seed, "seed of all random numbers (ensemble.seed)")->type_name("S");
}

void ConfigOptions::add_folds(CLI::App& command) {
  command.add_option("--folds", folds, "number of folds (validation.folds)")->type_name("N");
}

Config ConfigOptions::read(const std::vector<Override>& more) const {
  std::vector<Override> overrides;
  overrides.reserve(settings.size() + more.size() + 3);
  for (const std::string& setting : settings) overrides.push_back({setting, "--set " + setting});
  if (members) overrides.push_back({"ensemble.members=" + *members, "--members " + *members});
  if (seed) overrides.push_back({"ensemble.seed=" + *seed, "--seed " + *seed});
  if (folds) overrides.push_back({"validation.folds=" + *folds, "--folds " + *folds});
  overrides.insert(overrides.end(), more.begin(), more.end());
  return read_config(path, overrides);
}

void print_summary(const CommonOptions& common, const std::string& text, const nlohmann::json& json) {
  if (common.json) print_json(json);
  if (!common.json && !common.quiet) std::fputs(lines(text).c_str(), stderr);
}

void print_summary(const CommonOptions& common, TextOf text, const nlohmann::json& json) {
  const bool shown = !common.json && !common.quiet;
  print_summary(common, shown ? text(with_plain_texts(json)) : std::string(), json);
}

void print_result(const CommonOptions& common, TextOf text, const nlohmann::json& json) {
  if (common.json) {
    print_json(json);
  } else {
    print(lines(text(with_plain_texts(json))));
  }
}

void check_outputs(const CommonOptions& common, const std::string& output, const std::string& option) {
  if (common.json && is_standard_output(output)) {
    throw UsageError(
        fmt::format("--json and {} {} both want standard output: write the table to a file", option, output));
  }
}

CLI::Validator whole_number(std::uint64_t low, std::uint64_t high) {
  const std::string range = high == std::numeric_limits<std::uint64_t>::max()
                                ? fmt::format("a whole number, {} or more", low)
                                : fmt::format("a whole number from {} to {}", low, high);
  const auto check = [low, high, range](std::string& text) -> std::string {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [parsed, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || parsed != end || value < low || value > high) {
      return fmt::format("must be {}, not '{}'", range, text);
    }
    text = fmt::format("{}", value);
    return {};
  };
  return CLI::Validator(check, "");
}

CLI::Validator number_of_seconds() {
  const auto check = [](const std::string& text) -> std::string {
    const std::optional<double> value = parse_number(text);
    return value && *value >= 0 ? "" : fmt::format("must be a number of seconds, 0 or more, not '{}'", text);
  };
  return CLI::Validator(check, "");
}

}  // namespace phaseselect
