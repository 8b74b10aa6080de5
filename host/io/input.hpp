// What a user gives a command to read: a file, a pipe or standard input ("-").
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace phaseselect {

struct Input {
  std::vector<char> bytes;
  std::string sha256;  // of these bytes
};

// Reads once, to the end. Throws Error: missing, unreadable, a folder, too large (a file of 64 GiB, a stream of 2), or
// at its beginning neither text nor anything that text is packed in, so that a device without an end is refused at
// once.
Input read_input(const std::filesystem::path& path);

// "standard input" for "-".
std::string input_name(const std::filesystem::path& path);

}  // namespace phaseselect
