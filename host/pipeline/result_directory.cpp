// The folder that a training or a validation fills.
#include "host/pipeline/result_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "host/io/atomic_folder.hpp"
#include "host/io/output_file.hpp"
#include "host/io/partial_name.hpp"
#include "host/io/regular_file.hpp"
#include "host/pipeline/checkpoint.hpp"
#include "host/pipeline/members_file.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {

namespace fs = std::filesystem;

ResultDirectory::ResultDirectory(fs::path path, const std::function<void(const std::string&)>& remark)
    : path_(std::move(path)) {
  made_ = make_folders(path_);
  lock_.emplace(path_, remark, made_);
  remove_partial_files(path_);
  had_checkpoint_ = file_exists(checkpoint());
}

ResultDirectory::~ResultDirectory() {
  if (!complete_) clean_up();
  lock_.reset();
  std::error_code ignored;
  if (made_ && !complete_) fs::remove(path_, ignored);  // only when empty
}

void ResultDirectory::clean_up() {
  std::error_code ignored;
  const bool resumable = is_resumable();
  // The last first: it says that the others are there.
  for (auto file = written_.rbegin(); file != written_.rend(); ++file) {
    if (!resumable || file->filename() != configuration_file_name) fs::remove(*file, ignored);
  }
  if (!resumable) fs::remove(checkpoint(), ignored);
}

bool ResultDirectory::is_resumable() const {
  if (keep_ || had_checkpoint_) return true;
  std::error_code ignored;
  if (!fs::exists(checkpoint(), ignored)) return false;
  try {
    return has_progress(checkpoint());
  } catch (const std::exception&) {
    return true;  // not understood, so not removed
  }
}

fs::path ResultDirectory::checkpoint() const { return path_ / checkpoint_file_name; }

void ResultDirectory::write(std::string_view name, std::string_view text) {
  const fs::path file = path_ / name;
  if (!file_exists(file)) written_.push_back(file);  // first: it may be there though writing it fails, not synced
  write_text(file, text);
}

void ResultDirectory::complete() {
  complete_ = true;
  std::error_code ignored;  // a checkpoint that stays does no harm: the result is complete
  fs::remove(checkpoint(), ignored);
}

void tidy_finished(const fs::path& directory) {
  std::error_code ignored;
  const fs::directory_iterator entries(directory, ignored);
  const bool is_tidy = std::none_of(begin(entries), end(entries), [](const fs::directory_entry& entry) {
    const fs::path name = entry.path().filename();
    return name == lock_file_name || name == checkpoint_file_name || is_partial_file(entry.path());
  });
  if (is_tidy) return;
  try {
    const FolderLock lock(directory, [](const std::string&) {});
    fs::remove(directory / checkpoint_file_name, ignored);
    remove_partial_files(directory);
  } catch (const Error&) {  // in use, or not ours to change
  }
}

bool is_unused_folder(const fs::path& directory) {
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  if (error && error != std::errc::not_a_directory) fail_to_read(directory, error.value());
  return !error && std::all_of(begin(entry), end(entry), [](const fs::directory_entry& found) {
    return found.path().filename() == lock_file_name;
  });
}

void check_barely_started(const fs::path& directory, const std::set<std::string>& results) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name != configuration_file_name && name != lock_file_name && results.count(name) == 0 &&
        !is_partial_file(entry.path())) {
      throw UsageError(fmt::format("{} exists and holds other files, {} for one: name a folder that does not exist",
                                   directory.string(), name));
    }
  }
}

void check_configuration(const fs::path& directory, const Config& config) {
  const fs::path saved = directory / configuration_file_name;
  if (!fs::exists(saved)) return;
  const RegularFile opens(saved);  // no FIFO: read_config would wait
  if (configuration_identity(read_config(saved)) == configuration_identity(config)) return;
  throw Error(fmt::format("{} was started with another configuration: resume with {}, or name a new folder",
                          directory.string(), saved.string()));
}

}  // namespace phaseselect
