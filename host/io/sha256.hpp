// SHA-256 of a stream of bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace phaseselect {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::span<const std::byte> bytes);
  std::string finish();  // 64 lower-case hexadecimal digits; once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Lower-case hexadecimal SHA-256 of bytes in memory.
std::string sha256(std::span<const std::byte> bytes);
// Lower-case hexadecimal SHA-256 of a file, as sha256sum prints it. Throws Error when it cannot be read or
// is no regular file.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace phaseselect
