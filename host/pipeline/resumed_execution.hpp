// On which engine interrupted work goes on.
#pragma once

#include <filesystem>

#include "host/pipeline/commands.hpp"

namespace phaseselect {

// Bits belong to an engine: an automatic device becomes the one that the checkpoint was begun on. Throws UsageError
// where another one was asked for or that one cannot be used, Error when the file is no checkpoint.
Execution resumed_execution(const std::filesystem::path& checkpoint, const Execution& execution);

}  // namespace phaseselect
