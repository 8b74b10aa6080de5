// On which engine interrupted work goes on.
#pragma once

#include <filesystem>
#include <string>

#include "host/pipeline/commands.hpp"

namespace phaseselect {

// What work in a folder was begun on.
struct BegunOn {
  std::filesystem::path folder;
  std::string engine, instruction_set;
};
BegunOn begun_on(const std::filesystem::path& checkpoint);  // Throws Error when the file is no checkpoint.

// Bits belong to an engine and an instruction set: an automatic device becomes the one that the work was begun on, and
// the CPU engine takes the instructions it had. Throws UsageError where another engine was asked for or that one cannot
// be used.
Execution resumed_execution(const BegunOn& begun, const Execution& execution);

}  // namespace phaseselect
