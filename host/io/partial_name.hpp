// Names of what is being written and not complete: NAME.partial-<host>-<process>-<random> beside NAME, until it is
// renamed. Nobody can guess the name, and whoever finds one knows whether its writer still lives.
#pragma once

#include <filesystem>
#include <string>

namespace phaseselect {

// This machine's, as it stands in file names.
std::string host_name();

// A new name for what shall become `target`. Where a file system's limit leaves no room for the whole name, a digest of
// it stands in its place. Throws Error when the name of `target` itself is longer than the file system allows.
std::filesystem::path partial_path(const std::filesystem::path& target);

// True for such names, and for the former NAME.partial-<process>.
bool is_partial_file(const std::filesystem::path& path);

// Remove what dead processes of this host left: the files in `directory`, or what was to become `target` (its folders
// only by their present name). What other hosts or living processes write stays, and so does what cannot be removed.
void remove_partial_files(const std::filesystem::path& directory);
void remove_partials_of(const std::filesystem::path& target);

// Removes whatever this process has not completed; for one that ends without more ado.
void remove_own_partials();

// Marks a file or folder that is being written as in use, so that nobody takes it for left behind: the writer may be in
// a container, where others cannot see its process. As long as the descriptor is open.
void hold_partial(int descriptor);

}  // namespace phaseselect
