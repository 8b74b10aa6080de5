// One writer for a folder: whoever fills it holds the lock on a file in it, phaseselect.partial-lock. The lock goes
// with its process, however that ends: what the dead leave blocks nobody.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace phaseselect {

// Marked as everything that is not complete, so that one pattern (*.partial-*) finds all that the dead have left.
inline constexpr const char* lock_file_name = "phaseselect.partial-lock";

class FolderLock {
 public:
  // Locks a folder that exists. Throws Error where another process has it ("is in use by process N"), or where the file
  // cannot be made. On a file system without locks it says so through `remark`, and nothing is locked. `made`: the
  // folder is this process's own, and goes with the lock file where release_all() finds nothing else in it.
  FolderLock(std::filesystem::path folder, const std::function<void(const std::string&)>& remark, bool made = false);
  ~FolderLock();  // removes the file
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  // Throws Error where another process has the folder; makes nothing.
  static void check_free(const std::filesystem::path& folder);

  // Removes the lock files of this process, for one that ends without more ado.
  static void release_all();

 private:
  std::filesystem::path folder_;
  int descriptor_ = -1;  // -1: no locks here
};

}  // namespace phaseselect
