// Refuses outputs that would overwrite each other or what the command reads.
#pragma once

#include <filesystem>
#include <vector>

namespace phaseselect {

// Throws UsageError when two outputs are the same file or the same stream, when an output is one of the input files, or
// when it lies inside `run` (empty: no run is read). "-" is standard output. However a path is written, and through
// whatever links, the file is what counts; nothing needs to exist.
void check_output_paths(const std::vector<std::filesystem::path>& outputs,
                        const std::vector<std::filesystem::path>& inputs, const std::filesystem::path& run = {});

}  // namespace phaseselect
