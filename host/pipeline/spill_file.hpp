// Candidates on their way through a file: appended in sorted runs, read back in parts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "host/pipeline/candidate.hpp"

namespace phaseselect {

class SpillFile {
 public:
  // Without a name in `folder`: its space is freed however the process ends.
  static SpillFile unnamed(const std::filesystem::path& folder);
  // Under a name: created empty, or opened to go on behind its first `records`.
  static SpillFile named(const std::filesystem::path& path, std::uint64_t records);
  ~SpillFile();
  SpillFile(SpillFile&& other) noexcept;
  SpillFile& operator=(SpillFile&&) = delete;

  // All throw Error naming the folder.
  void append(std::span<const Candidate> records);
  void read(std::span<Candidate> records, std::uint64_t first) const;
  void sync() const;  // what was appended is on the disk

 private:
  SpillFile(std::filesystem::path folder, int file) : folder_(std::move(folder)), file_(file) {}
  std::filesystem::path folder_;
  int file_;
};

}  // namespace phaseselect
