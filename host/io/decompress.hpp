// Compressed inputs, known by their first bytes whatever the file is called.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace phaseselect {

enum class Compression { none, gzip, zstd, xz, bzip2 };

Compression compression_of(std::string_view bytes);

// Unpacks all parts. Throws Error, which begins with `name`, where the bytes are damaged, truncated or followed by
// others, or where they unfold out of all proportion.
std::vector<char> decompressed(std::string_view bytes, Compression compression, const std::string& name);

// Refuses what unfolds to more than a thousand times its size: text seldom shrinks to a fiftieth.
class Unfolding {
 public:
  Unfolding(std::size_t packed, std::string name) : packed_(packed), name_(std::move(name)) {}
  void add(std::size_t bytes);

 private:
  std::size_t packed_;
  std::size_t unpacked_ = 0;
  std::string name_;
};

}  // namespace phaseselect
