// Which phase fields are known already, and from where.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/pipeline/field_key.hpp"
#include "host/pipeline/run_directory.hpp"
#include "phaseselect/chemistry/phase_field.hpp"

namespace phaseselect {

// Bits of the flags of a field.
enum class Known : std::uint8_t { training = 1, environments = 2, reported = 4 };

// "training;environments", "" for none.
std::string known_text(std::uint8_t flags);

class KnownFields {
 public:
  KnownFields() = default;
  explicit KnownFields(const RunContents& contents);  // training fields and fields of the environment formulas
  void add(const PhaseField& field, Known source);
  std::uint8_t flags(const FieldKey& key) const;

 private:
  std::unordered_map<FieldKey, std::uint8_t, FieldKeyHash> flags_;
};

}  // namespace phaseselect
