// The known fields that share most elements with a field.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "phaseselect/data/property_table.hpp"

namespace phaseselect {

struct Neighbour {
  std::size_t record = 0;  // index into the records
  int shared = 0;          // elements in common, at least one
  double similarity = 0;   // Jaccard: elements in common / elements in either
};

// At most `count`, nearest first; ties by elements in common, then by name.
std::vector<Neighbour> nearest_fields(const PhaseField& field, std::span<const FieldRecord> records, std::size_t count);

}  // namespace phaseselect
