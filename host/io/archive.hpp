// Reading packed bytes in memory with libarchive.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/io/decompress.hpp"

struct archive;

namespace phaseselect {

// The bytes, the name for messages, and what of libarchive reads them.
class ArchiveReader {
 public:
  enum class Kind { bzip2, xz, zstd, zip };
  ArchiveReader(std::string_view bytes, std::string name, Kind kind);

  // Goes to the next entry; false after the last. Every method throws Error where the bytes are damaged.
  bool next();
  std::string entry() const { return entry_; }
  void append_data(std::vector<char>& data);
  // Throws Error unless all bytes were used.
  void finish();

 private:
  struct Free {
    void operator()(archive* reader) const;
  };
  void check(int status) const;

  std::string name_;
  std::size_t size_;
  std::string entry_;
  Unfolding unfolding_;
  std::unique_ptr<archive, Free> reader_;
};

}  // namespace phaseselect
