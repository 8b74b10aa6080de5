// Text results: written to a temporary file beside the target and renamed when complete, so that a failure leaves
// nothing half-written. "-" and /dev/stdout are standard output; another existing path that is no regular file (a FIFO,
// a device) is written directly.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "host/io/atomic_file.hpp"

namespace phaseselect {

class OutputFile {
 public:
  // Throws Error when the folder does not exist or cannot be written.
  explicit OutputFile(std::filesystem::path path);
  ~OutputFile();  // removes the temporary file unless commit() succeeded
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view text);  // buffered; throws Error (disk full) naming the target
  void commit();                      // flush, fsync, rename

 private:
  [[noreturn]] void fail(int error) const;
  std::filesystem::path path_;
  std::unique_ptr<AtomicFile> file_;  // null when written directly
  std::FILE* direct_ = nullptr;
};

bool is_standard_output(const std::filesystem::path& path);
// What OutputFile writes directly: standard output, FIFOs and devices.
bool is_stream(const std::filesystem::path& path);

// A whole file in one go.
void write_text(const std::filesystem::path& path, std::string_view text);

// Shortest text that reads back as the same float; empty for NaN.
std::string number(float value);
std::string number(double value);

}  // namespace phaseselect
