// A binary file that appears under its name complete or not at all: written beside it, synced, renamed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace phaseselect {

class AtomicFile {
 public:
  // Also removes what dead processes left of the same file. A link stays a link: what it names is written. Throws Error
  // when the folder does not exist or cannot be written.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();  // removes the temporary file unless commit() succeeded
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Throw Error (disk full) naming the target, which is as it was before. When commit() could not sync the folder, the
  // message says that the file is there.
  void append(std::span<const std::byte> bytes);
  void overwrite(std::uint64_t offset, std::span<const std::byte> bytes);  // of bytes appended before
  void commit();

 private:
  [[noreturn]] void fail(int error) const;
  void flush();
  void write_out(std::span<const std::byte> bytes);

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::vector<std::byte> buffer_;
  int descriptor_ = -1;
};

// Puts on the disk which names a folder holds, after files in it were renamed, made or removed. Throws Error when the
// system fails to. File systems that cannot sync a folder, and folders that may be written but not read, are let pass.
void sync_folder(const std::filesystem::path& folder);

}  // namespace phaseselect
