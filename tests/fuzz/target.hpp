// What fuzz targets share. A target is a function of any bytes: LLVMFuzzerTestOneInput, called by libFuzzer (preset
// `fuzz`, ./run fuzz) or by replay.cpp. It must end without a crash; what the program refuses ends in Error.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "host/io/sha256.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect::fuzz {

// Holds in every build; an input that breaks it is a finding.
inline void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: this does not hold: %s\n", what);
  std::abort();
}

inline std::string text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A file without a disk.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("fuzz", 0)) { require(descriptor_ >= 0, "memory can be had as a file"); }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void fill(std::string_view bytes) const {
    const bool filled = ftruncate(descriptor_, 0) == 0 &&
                        pwrite(descriptor_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
    require(filled, "a file in memory can be written");
  }
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

// Calls function() and says whether it was done; only Error may come out of it.
template <typename Function>
bool done(Function&& function) {
  try {
    function();
    return true;
  } catch (const Error&) {
    return false;
  }
}

// The bytes of a safetensors file with the length of its header and its checksum made right, where it has either, so
// that what lies behind those checks is reached.
inline std::string repaired_safetensors(std::string bytes) {
  constexpr std::size_t prefix = 8, digits = 64;
  if (bytes.size() <= prefix) return bytes;
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), prefix);
  if (header > bytes.size() - prefix) header = bytes.size() - prefix;
  std::memcpy(bytes.data(), &header, prefix);
  const std::string key = "\"sha256\":\"";
  const std::size_t at = bytes.find(key, prefix);
  if (at == std::string::npos || at + key.size() + digits > prefix + header) return bytes;
  bytes.replace(at + key.size(), digits, std::string(digits, '0'));
  const std::string digest = sha256(std::as_bytes(std::span(bytes)).subspan(prefix));
  return bytes.replace(at + key.size(), digits, digest);
}

}  // namespace phaseselect::fuzz
