// Refuses outputs that would overwrite each other or what the command reads.
#include "host/io/output_paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

// The path without links and dots as far as it exists.
fs::path resolved(const fs::path& path) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(fs::absolute(path, error), error);
  return error ? path.lexically_normal() : whole;
}

bool same(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return resolved(a) == resolved(b) || fs::equivalent(a, b, ignored);  // equivalent: hard links
}

bool inside(const fs::path& path, const fs::path& folder) {
  const fs::path inner = resolved(path);
  const fs::path outer = resolved(folder);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

// Standard output has a name like any file, so that "-" and /dev/stdout are the same.
fs::path named(const fs::path& output) { return output == "-" ? fs::path("/dev/stdout") : output; }

std::string shown(const fs::path& output) { return output == "-" ? "standard output" : output.string(); }

}  // namespace

void check_output_paths(const std::vector<fs::path>& outputs, const std::vector<fs::path>& inputs,
                        const fs::path& run) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (same(named(outputs[i]), named(outputs[j]))) {
        throw UsageError(fmt::format("two outputs go to {}: name another file for one of them", shown(outputs[i])));
      }
    }
    if (outputs[i] == "-") continue;
    for (const fs::path& input : inputs) {
      std::error_code ignored;
      // Reading from a terminal and writing to it is no conflict.
      const bool stream = fs::exists(input, ignored) && !fs::is_regular_file(input, ignored);
      if (!stream && same(outputs[i], input)) {
        throw UsageError(fmt::format("{} is read and cannot be the output too: name another file", shown(outputs[i])));
      }
    }
    if (!run.empty() && inside(outputs[i], run)) {
      throw UsageError(fmt::format("{} is inside the run {}, which must stay as it is: name a file outside it",
                                   shown(outputs[i]), run.string()));
    }
  }
}

}  // namespace phaseselect
