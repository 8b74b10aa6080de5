// Measured properties aggregated by phase field: a field's value is the maximum reported over its compositions
// (Vasylenko et al. 2022, "Data processing").
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "phaseselect/chemistry/phase_field.hpp"

namespace phaseselect {

struct FieldRecord {
  PhaseField field;
  double value = 0;              // maximum over the rows of the field
  double minimum = 0;            // smallest value over the rows of the field
  std::size_t compositions = 0;  // rows merged
  std::string
      maximum_formula;  // the formula (or the phases cell) of the row that holds the maximum; the first of equals
};

// A row that was not used, and why.
struct Reject {
  std::size_t line = 0;  // 1-based line of the file
  std::string text;      // the formula, phases or value cell
  std::string reason;
};

struct PropertyTable {
  std::string property;              // name of the property column
  std::size_t rows = 0;              // data rows read, rejected ones included
  std::vector<FieldRecord> records;  // in canonical order of the fields
  std::vector<Reject> rejects;       // in file order
  std::string sha256;                // of the bytes that were read
};

// Reads a CSV with a `formula` or `phases` column (`formula` wins where both are present, so that every row is a
// composition) and a numeric property column; `property` may be empty when there is only one other column, or only one
// that is numeric throughout. Rows with a malformed formula or a value that is not a finite number become rejects.
// Throws Error: unreadable file, missing or ambiguous columns (UsageError when `property` names none), no usable row.
// `setting` is what the user would name the column with; messages say so.
PropertyTable read_property_table(const std::filesystem::path& path, const std::string& property,
                                  std::string_view setting = "data.property");

// The rule that turns a value into a class.
struct Threshold {
  double value = 0;
  bool inclusive = true;  // label 1 means value >= threshold; otherwise value > threshold
  bool reached(double v) const { return inclusive ? v >= value : v > value; }
};

// A list of phase fields: any CSV with a `phases` or `formula` column (`phases` wins: a list is about fields); other
// columns are ignored. A list may be empty; throws Error for an unreadable file or neither column.
struct FieldList {
  std::vector<PhaseField> fields;  // in file order, one per accepted row
  std::vector<std::size_t> lines;  // its line
  std::vector<Reject> rejects;
  std::string sha256;  // of the bytes that were read
};
FieldList read_field_list(const std::filesystem::path& path);

}  // namespace phaseselect
