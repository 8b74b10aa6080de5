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
  // Throws Error when the folder does not exist or cannot be written.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();  // removes the temporary file unless commit() succeeded
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Throw Error (disk full) naming the target.
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

// Removes what killed processes left of the files under `directory`.
void remove_partial_files(const std::filesystem::path& directory);

// True for the name of an AtomicFile's temporary.
bool is_partial_file(const std::filesystem::path& path);

}  // namespace phaseselect
