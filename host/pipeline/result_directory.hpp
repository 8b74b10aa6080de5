// The folder that a training or a validation fills: created for a new one, entered again to resume, and removed when
// the command fails before anything in it is worth keeping.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/io/folder_lock.hpp"
#include "phaseselect/config/config.hpp"

namespace phaseselect {

inline constexpr const char* configuration_file_name = "config.yaml";

class ResultDirectory {
 public:
  // Creates the folder if need be, locks it and removes what killed processes left in it. Throws Error when it cannot,
  // or when another process fills it.
  ResultDirectory(std::filesystem::path path, const std::function<void(const std::string&)>& remark);
  // Unless complete() was called: removes what write() made; without keep_checkpoint() or progress in the checkpoint,
  // also the first checkpoint and the folder, as far as this object made them.
  ~ResultDirectory();
  ResultDirectory(const ResultDirectory&) = delete;
  ResultDirectory& operator=(const ResultDirectory&) = delete;

  std::filesystem::path checkpoint() const;
  void write(std::string_view name, std::string_view text);
  void keep_checkpoint() { keep_ = true; }  // the work is done, only its results are not written
  void complete();                          // removes the checkpoint

 private:
  bool is_resumable() const;
  void clean_up();

  std::filesystem::path path_;
  std::optional<FolderLock> lock_;
  std::vector<std::filesystem::path> written_;  // those that were not there before
  bool made_ = false;
  bool had_checkpoint_ = false;
  bool keep_ = false;
  bool complete_ = false;
};

// Removes what a process that died at the end of its work left beside complete results: checkpoint, lock and partial
// files. Does nothing where another process is at it, or where nothing can be removed.
void tidy_finished(const std::filesystem::path& directory);

// Whether it is a folder with nothing in it, or only with the lock of one that may be about to fill it: as good as
// none.
bool is_unused_folder(const std::filesystem::path& directory);

// Throws UsageError unless all that the folder holds is a configuration, `results` of a first part of the work, and
// what killed processes left.
void check_barely_started(const std::filesystem::path& directory, const std::set<std::string>& results = {});

// What a process killed before its first checkpoint leaves is the configuration it was started with. Throws Error when
// that is another one.
void check_configuration(const std::filesystem::path& directory, const Config& config);

}  // namespace phaseselect
