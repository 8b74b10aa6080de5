// Which phase fields are known already, and from where.
#include "host/pipeline/known_fields.hpp"

#include <array>
#include <utility>

namespace phaseselect {

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

}  // namespace phaseselect
