// Files that others wrote, read without trust in what they are: a FIFO or a device in a file's place neither hangs nor
// feeds the program for ever, and what the system refuses is told from what is not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace phaseselect {

class RegularFile {
 public:
  // Throws Error when it cannot be opened, with the system's reason, or is a folder, a FIFO or a device.
  explicit RegularFile(std::filesystem::path path);
  ~RegularFile();
  RegularFile(RegularFile&& other) noexcept;
  RegularFile& operator=(RegularFile&& other) noexcept;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }  // when it was opened
  // Fills `bytes` with what the file has from `offset` on; returns how many it got, fewer only at the file's end.
  // Throws Error when the system fails.
  std::size_t read(std::uint64_t offset, std::span<std::byte> bytes) const;

 private:
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  int descriptor_ = -1;
};

// The whole file. Throws Error as RegularFile does, and when it has more than `most_bytes`.
std::string read_regular_file(const std::filesystem::path& path, std::uint64_t most_bytes);

// Whether something has this name, through links. Throws Error where that cannot be seen (a folder that may not be
// searched, a disk that fails): not seen is not absent.
bool file_exists(const std::filesystem::path& path);

// For whatever reads: throws Error with the system's reason and what to do.
[[noreturn]] void fail_to_read(const std::filesystem::path& path, int error);

}  // namespace phaseselect
