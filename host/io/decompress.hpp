// Compressed inputs, known by their first bytes whatever the file is called.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace phaseselect {

enum class Compression { none, gzip, zstd, xz, bzip2 };

Compression compression_of(std::string_view bytes);

// Throws Error for packings and archives that are known and not read: lz4, 7-Zip, tar and the like.
void refuse_other_packing(std::string_view bytes, const std::string& name);

// Unpacks all parts. Throws Error, which begins with `name`, where the bytes are damaged, truncated or followed by
// others, or where they unfold out of all proportion.
std::vector<char> decompressed(std::string_view bytes, Compression compression, const std::string& name);

// Refuses what unfolds out of all proportion, beyond the first 16 MiB.
class Unfolding {
 public:
  static constexpr std::size_t of_text = 1000;     // times its size; text seldom has a fiftieth
  static constexpr std::size_t of_workbook = 200;  // a parsed part takes ten times its size again

  Unfolding(std::size_t packed, std::size_t most, std::string name)
      : packed_(packed), most_(most), name_(std::move(name)) {}
  // Throws Error, which begins with the name.
  void add(std::size_t bytes);

 private:
  std::size_t packed_;
  std::size_t most_;
  std::size_t unpacked_ = 0;
  std::string name_;
};

}  // namespace phaseselect
