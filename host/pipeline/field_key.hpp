// A phase field as the key of a hash table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "phaseselect/chemistry/phase_field.hpp"

namespace phaseselect {

// A phase field as a set of bits, one per element by alphabetical rank: 16 bytes, built element by element.
struct FieldKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  FieldKey() = default;
  explicit FieldKey(const PhaseField& field);
  void add(Element element);
  FieldKey without(Element element) const;
  friend bool operator==(const FieldKey&, const FieldKey&) = default;
};

struct FieldKeyHash {
  std::size_t operator()(const FieldKey& key) const;
};

}  // namespace phaseselect
