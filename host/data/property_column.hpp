// The column of the property.
#pragma once

#include <cstddef>

#include "phaseselect/data/csv.hpp"
#include "phaseselect/data/property_table.hpp"

namespace phaseselect {

struct PropertyColumn {
  std::size_t index = 0;
  bool guessed = false;
};

// The column that the request names or, where it names none, the only candidate beside the column of the fields. Throws
// Error with all columns where there is not exactly one, UsageError where the name is no column or the fields'.
PropertyColumn find_property_column(const CsvTable& table, std::size_t field_column, const PropertyRequest& request);

}  // namespace phaseselect
