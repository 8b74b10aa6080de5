// The folder of a validation.
#include "host/pipeline/result_directory.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "host/io/output_file.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {

ResultDirectory::ResultDirectory(std::filesystem::path path, bool resume) : path_(std::move(path)) {
  std::error_code error;
  const bool exists = std::filesystem::exists(path_, error);
  if (resume) {
    if (!exists) throw UsageError(fmt::format("{} does not exist: there is nothing to resume", path_.string()));
    if (std::filesystem::exists(path_ / last_file, error)) {
      throw UsageError(fmt::format("{} holds a complete validation: there is nothing to resume", path_.string()));
    }
    return;
  }
  if (exists) {
    throw UsageError(
        fmt::format("{} exists already: name another folder, or add --resume to continue an interrupted validation",
                    path_.string()));
  }
  if (!std::filesystem::create_directories(path_, error) && error) {
    throw Error(fmt::format("cannot create the folder {}: {}", path_.string(), error.message()));
  }
}

ResultDirectory::~ResultDirectory() {
  if (complete_) return;
  std::error_code ignored;
  const bool resumable = std::filesystem::exists(checkpoint(), ignored);
  for (const std::filesystem::path& file : written_) {
    if (!resumable || file.filename() != configuration_file) std::filesystem::remove(file, ignored);
  }
  std::filesystem::remove(path_, ignored);  // only when empty
}

void ResultDirectory::write(std::string_view name, std::string_view text) {
  OutputFile file(path_ / name);
  file.write(text);
  file.commit();
  written_.push_back(path_ / name);
}

void ResultDirectory::complete() {
  complete_ = true;
  std::error_code ignored;  // a checkpoint that stays does no harm: the result is complete
  std::filesystem::remove(checkpoint(), ignored);
}

}  // namespace phaseselect
