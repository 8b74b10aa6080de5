// A phase field as the key of a hash table.
#include "host/pipeline/field_key.hpp"

namespace phaseselect {

FieldKey::FieldKey(const PhaseField& field) {
  for (const Element element : field.elements()) add(element);
}

void FieldKey::add(Element element) {
  static_assert(element_count <= 128);
  const int bit = rank(element);
  (bit < 64 ? low : high) |= std::uint64_t{1} << (bit % 64);
}

FieldKey FieldKey::without(Element element) const {
  FieldKey one, rest = *this;
  one.add(element);
  rest.low &= ~one.low;
  rest.high &= ~one.high;
  return rest;
}

// Two rounds of the SplitMix64 finaliser (Steele, Lea and Flood 2014): neighbouring sets must not share buckets.
std::size_t FieldKeyHash::operator()(const FieldKey& key) const {
  const auto mix = [](std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  };
  return static_cast<std::size_t>(mix(key.low + mix(key.high + 0x9E3779B97F4A7C15u)));
}

}  // namespace phaseselect
