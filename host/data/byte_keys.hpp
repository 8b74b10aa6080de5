// Numbers byte strings in the order of their first appearance. Strings are compared byte by byte: the hash only says
// where to look. Open addressing with linear probing, at most half full; the strings lie one after another in one
// buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/chemistry/byte_hash.hpp"

namespace phaseselect {

class ByteKeys {
 public:
  struct Found {
    std::uint32_t number;
    bool is_new;
  };

  ByteKeys() : slots_(1024) {}

  static std::uint32_t hash_of(std::string_view key) { return static_cast<std::uint32_t>(byte_hash(key)); }

  // Starts fetching the place where a key with this hash will be looked for: look-ups in a large table wait for memory.
  void prefetch(std::uint32_t hash) const { __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]); }

  Found intern(std::string_view key) { return intern(key, hash_of(key)); }

  Found intern(std::string_view key, std::uint32_t hash) {
    if (2 * (size() + 1) > slots_.size()) grow();
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.number_plus_one == 0) {
        slot = {hash, static_cast<std::uint32_t>(size() + 1)};
        bytes_ += key;
        ends_.push_back(bytes_.size());
        return {slot.number_plus_one - 1, true};
      }
      if (slot.hash == hash && (*this)[slot.number_plus_one - 1] == key) return {slot.number_plus_one - 1, false};
    }
  }

  std::size_t size() const { return ends_.size(); }

  std::string_view operator[](std::size_t number) const {
    const std::size_t begin = number == 0 ? 0 : ends_[number - 1];
    return std::string_view(bytes_).substr(begin, ends_[number] - begin);
  }

 private:
  struct Slot {  // eight bytes: the table of 60,000 keys stays in the second-level cache
    std::uint32_t hash = 0;
    std::uint32_t number_plus_one = 0;  // 0: free
  };

  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.number_plus_one == 0) continue;
      std::size_t at = slot.hash & mask;
      while (slots_[at].number_plus_one != 0) at = (at + 1) & mask;
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

}  // namespace phaseselect
