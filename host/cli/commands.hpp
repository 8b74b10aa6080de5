// The sub-commands: what each accepts, and what it prints.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/cli/terminal.hpp"
#include "host/pipeline/commands.hpp"

namespace phaseselect {

// Options that every command has, or every command of a kind.
struct CommonOptions {
  bool quiet = false;
  bool json = false;
  std::string device = "auto";
  int threads = 0;
  bool skip_damaged = false;

  void add_quiet(CLI::App& command);
  void add_json(CLI::App& command);
  void add_engine(CLI::App& command);   // --device and --threads
  void add_damaged(CLI::App& command);  // --skip-damaged-members
  // The terminal must outlive what is returned.
  Execution execution(Terminal& terminal) const;
};

// --formula-column and --decimal of a list of fields; where `list` is an option they are of no use without that one.
struct ListOptions {
  std::string column, decimal = ".";

  void add(CLI::App& command, CLI::Option* list = nullptr);
  ListFormat format() const { return {column, decimal == "," ? DecimalMark::comma : DecimalMark::point}; }
};

// A configuration file and what changes it.
struct ConfigOptions {
  std::string path;
  std::vector<std::string> settings;
  std::optional<std::string> members, seed, folds;

  void add(CLI::App& command);
  void add_settings(CLI::App& command);
  void add_members(CLI::App& command);
  void add_folds(CLI::App& command);
  Config read(const std::vector<Override>& more = {}) const;
};

// Each adds its commands; the one that the user chose is stored in `action` by parsing.
using Action = std::function<void()>;
void add_data_commands(CLI::App& app, Action& action);      // aggregate, inspect
void add_training_commands(CLI::App& app, Action& action);  // train, merge, validate
void add_study_command(CLI::App& app, Action& action);
void add_run_commands(CLI::App& app, Action& action);  // predict, screen, map, accessibility, explain, export

// Text for people on standard error, unless quiet; JSON for scripts on standard output. What others wrote into the JSON
// reaches `text` safe to show and without line breaks; a text that is given itself keeps its lines.
using TextOf = std::string (*)(const nlohmann::json&);
void print_summary(const CommonOptions& common, TextOf text, const nlohmann::json& json);
void print_summary(const CommonOptions& common, const std::string& text, const nlohmann::json& json);
// The same for commands whose result is the text: it goes to standard output.
void print_result(const CommonOptions& common, TextOf text, const nlohmann::json& json);
// Throws UsageError when both the table of `option` and the JSON would go to standard output.
void check_outputs(const CommonOptions& common, const std::string& output, const std::string& option = "-o");

// Digits alone: nothing wraps around, and a leading zero does not mean octal.
CLI::Validator whole_number(std::uint64_t low, std::uint64_t high = std::numeric_limits<std::uint64_t>::max());
// A finite time, 0 or more.
CLI::Validator number_of_seconds();

}  // namespace phaseselect
