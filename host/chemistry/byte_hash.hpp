// A 64-bit hash of a byte string, for hash tables in memory only: never written to a file, never an identity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace phaseselect {

// Eight bytes a step, each folded by a multiplication and a shift (the finaliser of MurmurHash3).
inline std::uint64_t byte_hash(std::string_view bytes) {
  const auto mix = [](std::uint64_t value) {
    value ^= value >> 33;
    value *= 0xFF51AFD7ED558CCDull;
    value ^= value >> 33;
    value *= 0xC4CEB9FE1A85EC53ull;
    return value ^ (value >> 33);
  };
  std::uint64_t hash = 0x9E3779B97F4A7C15ull ^ bytes.size();
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    hash = mix(hash ^ word);
  }
  std::uint64_t tail = 0;
  for (; at < bytes.size(); ++at) tail = (tail << 8) | static_cast<unsigned char>(bytes[at]);
  return mix(hash ^ tail);
}

}  // namespace phaseselect
