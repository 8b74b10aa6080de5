// Measured properties aggregated by phase field: a field's value is the maximum reported over its compositions
// (Vasylenko et al. 2022, "Data processing").
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "phaseselect/chemistry/decimal_mark.hpp"
#include "phaseselect/chemistry/phase_field.hpp"
#include "phaseselect/data/csv.hpp"

namespace phaseselect {

struct FieldRecord {
  PhaseField field;
  double value = 0;              // maximum over the rows of the field
  double minimum = 0;            // smallest value over the rows of the field
  std::size_t compositions = 0;  // rows merged
  std::string
      maximum_formula;  // the formula (or the phases cell) of the row that holds the maximum; the first of equals
};

// Rows that were used and are doubtful all the same.
struct Doubtful {
  std::size_t rows = 0;
  std::size_t first_line = 0;
  std::string first_text;

  void add(std::size_t line, std::string_view text);
};

struct PropertyTable {
  std::string property;              // name of the property column
  bool guessed = false;              // nobody named it
  double minimum = 0, maximum = 0;   // of the values that were used
  std::size_t rows = 0;              // data rows read, rejected ones included
  std::vector<FieldRecord> records;  // in canonical order of the fields
  std::vector<Reject> rejects;       // in file order
  Doubtful large_amounts;            // an amount of 1,000 or more: has it lost its decimal point?
  Doubtful named_twice;              // an element twice in a list of elements: it counts once
  std::vector<std::string> remarks;  // what was guessed beside the property, one sentence each
  std::string sha256;                // of the bytes that were read

  std::size_t used() const { return rows - rejects.size(); }
};

// How a table is to be read, and what a user would say so with, for messages.
struct PropertyRequest {
  std::string property = {};  // empty: the only column that can be one
  std::string formula = {};   // the column of the formulas; empty: by its usual names
  DecimalMark decimal = DecimalMark::point;
  std::string_view property_setting = "data.property";
  std::string_view formula_setting = "data.formula";
};

// Reads a table (read_table) with a column of formulas or phase fields (`formula` wins over `phases`, so that every row
// is a composition; then usual synonyms) and a property column. Unless it is named, the property is the only other
// column, numeric or not; an unnamed first or empty column, what else names materials, and what aggregate itself adds
// are none. Rows with a malformed formula or a value that is not a finite number become rejects. Throws Error:
// unreadable file, missing or ambiguous columns (UsageError when a given name is no column), no usable row.
PropertyTable read_property_table(const std::filesystem::path& path, const PropertyRequest& request = {});

// The rule that turns a value into a class.
struct Threshold {
  double value = 0;
  bool inclusive = true;  // label 1 means value >= threshold; otherwise value > threshold
  bool reached(double v) const { return inclusive ? v >= value : v > value; }
};

// A list of phase fields: any table (read_table) with a `phases` or `formula` column (`phases` wins: a list is about
// fields) or a usual synonym, whose cells may be fields too (Ba-Cu-O); other columns are ignored. Throws Error for an
// unreadable file, neither column, no usable row (UsageError when a given name is no column).
struct FieldList {
  std::vector<PhaseField> fields;  // in file order, one per accepted row
  std::vector<std::size_t> lines;  // its line
  std::size_t column = 0;          // of the table, where the fields stand
  std::vector<Reject> rejects;
  Doubtful large_amounts, named_twice;  // as in a PropertyTable
  std::vector<std::string> remarks;
  std::string sha256;  // of the bytes that were read

  std::size_t rows() const { return fields.size() + rejects.size(); }
};

struct FieldListRequest {
  std::string formula = {};  // the column; empty: by its usual names
  DecimalMark decimal = DecimalMark::point;
  std::string_view formula_setting = {};  // none: the header has to name it
};
FieldList read_field_list(const CsvTable& table, const FieldListRequest& request = {});
FieldList read_field_list(const std::filesystem::path& path, const FieldListRequest& request = {});

}  // namespace phaseselect
