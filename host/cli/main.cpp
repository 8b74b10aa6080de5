// phaseselect: the command line. Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 130 interrupted.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>

#include "host/cli/commands.hpp"
#include "host/cli/signals.hpp"
#include "host/io/readable.hpp"
#include "host/pipeline/version.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr int failed = 1;
constexpr int bad_usage = 2;
constexpr int interrupted = 130;
constexpr const char* out_of_memory =
    "out of memory: train fewer members at once (--member-range), or use a machine with more";

// One sentence, one line.
int report(const std::string& message, int code) {
  std::fputs(("phaseselect: " + one_line(message) + "\n").c_str(), stderr);
  return code;
}

int run(int argc, char** argv) {
  CLI::App app("Ranks unexplored phase fields by the probability of a property and by how accessible they look.",
               "phaseselect");
  app.set_version_flag("--version", fmt::format("phaseselect {} ({})", program_version(), program_commit()));
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 130 interrupted by SIGINT, SIGTERM or SIGHUP (state "
      "saved; a second signal ends at once).");
  Action action;
  add_data_commands(app, action);
  add_training_commands(app, action);
  add_study_command(app, action);
  add_run_commands(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& request) {
    return app.exit(request);  // --help, --version
  } catch (const CLI::ParseError& error) {
    return report(fmt::format("{} (see phaseselect --help)", error.what()), bad_usage);
  }
  action();
  return 0;
}

int guarded(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const Interrupted& error) {
    return report(error.what(), interrupted);
  } catch (const UsageError& error) {
    return report(error.what(), bad_usage);
  } catch (const std::bad_alloc&) {
    return report(out_of_memory, failed);
  } catch (const std::length_error&) {  // more than can be addressed
    return report(out_of_memory, failed);
  } catch (const std::filesystem::filesystem_error& error) {
    return report(fmt::format("cannot use '{}': {}: check the path, its permissions and the disk",
                              error.path1().string(), error.code().message()),
                  failed);
  } catch (const std::exception& error) {
    end_if_reader_left();
    return report(error.what(), failed);
  }
}

}  // namespace
}  // namespace phaseselect

int main(int argc, char** argv) {
  phaseselect::occupy_standard_streams();
  phaseselect::install_signal_handlers();
  return phaseselect::guarded(argc, argv);
}
