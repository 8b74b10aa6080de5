// The column that says what material a row is about, by its usual names.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "phaseselect/data/csv.hpp"

namespace phaseselect {

enum class Notation { formula, phases };

struct FieldColumn {
  std::size_t index = 0;
  Notation notation = Notation::formula;
  std::string remark;  // what was guessed; empty where nothing was

  // The table's remarks and this one.
  std::vector<std::string> remarks(const CsvTable& table) const;
};

// Adds a table's own rejects to those among its rows, in file order.
void add_rejects(std::vector<Reject>& rejects, const std::vector<Reject>& of_table);

// Whether a column of this name is known to hold formulas or phase fields.
bool is_field_name(std::string_view name);

// Whether one of the names is known to, or is `formula_column`.
bool names_field(const std::vector<std::string_view>& header, std::string_view formula_column);

// The column of this name, exactly or else whatever the case; empty where there is none. Throws Error where there are
// two.
std::optional<std::size_t> find_named_column(const CsvTable& table, std::string_view name);

// The column with the name `given`, or by the usual names where that is empty: 'formula' and 'phases', of which
// `preferred` wins, then the synonyms of both in the order of field_column.cpp. `fields_too`: phase fields are as good
// as formulas. Throws Error with the columns of the file and `setting`, which names another (none: only the header
// can); UsageError where `given` is no column.
struct FieldColumnRequest {
  std::string_view given;
  std::string_view setting;
  Notation preferred = Notation::formula;
  bool fields_too = true;
};
FieldColumn find_field_column(const CsvTable& table, const FieldColumnRequest& request);

}  // namespace phaseselect
