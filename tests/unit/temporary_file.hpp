// A file of a test, removed with the object.
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace phaseselect {

class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text) : path_(unused_path()) {
    std::ofstream(path_, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
  }
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  static std::filesystem::path unused_path() {
    static std::atomic<int> next{0};
    return std::filesystem::temp_directory_path() /
           ("phaseselect_test_" + std::to_string(::getpid()) + "_" + std::to_string(next++) + ".csv");
  }
  std::filesystem::path path_;
};

// What an operation threw as E; empty text when it threw nothing.
template <class E, class Operation>
std::string message_of(Operation&& operation) {
  try {
    operation();
  } catch (const E& error) {
    return error.what();
  }
  return {};
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace phaseselect
