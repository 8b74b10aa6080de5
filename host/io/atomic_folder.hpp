// Folders that are still there after a power failure, and one that appears under its name complete or not at all:
// filled beside it, synced, renamed.
#pragma once

#include <filesystem>

namespace phaseselect {

// Makes a folder, and those above it that are missing, each synced into the one above it. False: it was there. Throws
// Error ("cannot create the folder").
bool make_folders(const std::filesystem::path& path);

class AtomicFolder {
 public:
  // Also removes what dead processes left of the same folder. Throws Error when the parent folder does not exist or
  // cannot be written. "runs/all/" is the same as "runs/all".
  explicit AtomicFolder(const std::filesystem::path& path);
  ~AtomicFolder();  // removes the temporary folder and all that is in it unless commit() succeeded
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  // Where to write what the folder shall hold. Files in it are the writer's to sync (AtomicFile does).
  const std::filesystem::path& unfinished() const { return temporary_; }
  // Throws Error when something has the name already, or on a failure of the system; then nothing has it.
  void commit();

 private:
  [[noreturn]] void fail(int error) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;  // holds the temporary
};

}  // namespace phaseselect
