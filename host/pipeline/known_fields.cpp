// Which phase fields are known already, and from where.
#include "host/pipeline/known_fields.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace phaseselect {

FieldKey::FieldKey(const PhaseField& field) {
  for (const Element element : field.elements()) add(element);
}

void FieldKey::add(Element element) {
  static_assert(element_count <= 128);
  const int bit = rank(element);
  (bit < 64 ? low : high) |= std::uint64_t{1} << (bit % 64);
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

std::string known_text(std::uint8_t flags) {
  constexpr std::array<std::pair<Known, const char*>, 3> names{
      {{Known::training, "training"}, {Known::environments, "environments"}, {Known::reported, "reported"}}};
  std::string text;
  for (const auto& [known, name] : names) {
    if ((flags & static_cast<std::uint8_t>(known)) == 0) continue;
    if (!text.empty()) text += ';';
    text += name;
  }
  return text;
}

KnownFields::KnownFields(const RunContents& contents) {
  flags_.reserve(contents.training_fields.size() + contents.environment_fields.size());
  for (const FieldRecord& record : contents.training_fields) add(record.field, Known::training);
  for (const PhaseField& field : contents.environment_fields) add(field, Known::environments);
}

void KnownFields::add(const PhaseField& field, Known source) {
  std::uint8_t& flags = flags_[FieldKey(field)];
  flags = static_cast<std::uint8_t>(flags | static_cast<std::uint8_t>(source));
}

std::uint8_t KnownFields::flags(const FieldKey& key) const {
  const auto found = flags_.find(key);
  return found == flags_.end() ? std::uint8_t{0} : found->second;
}

std::string describe(const std::filesystem::path& file, const Reject& reject) {
  return fmt::format("{}:{}: '{}' was not used: {}", file.string(), reject.line, reject.text, reject.reason);
}

}  // namespace phaseselect
