// Compositional environments (Vasylenko et al. 2022, "Atomic features"): for each element X of each known formula,
// the environment is X's amount and the other elements with theirs; Li3PO4 gives Li "()3PO4", P "()Li3O4",
// O "()4Li3P". Matrix entry (X, environment) = 1.
// A formula of a single element has no environment: it counts as read and distinct and is among the fields, but adds no
// row and no column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "phaseselect/chemistry/element.hpp"
#include "phaseselect/chemistry/phase_field.hpp"
#include "phaseselect/data/property_table.hpp"

namespace phaseselect {

// Sparse 0/1 matrix, elements x environments, stored by columns.
struct EnvironmentMatrix {
  std::vector<Element> elements;              // rows, in alphabetical order; these are the modelled elements
  std::vector<std::uint32_t> column_offsets;  // [environments + 1]
  std::vector<std::uint16_t> column_rows;     // [ones], ascending inside a column
  std::vector<PhaseField> fields;             // distinct phase fields of the formulas, in canonical order

  std::size_t formulas = 0;  // rows read, rejects included
  std::size_t distinct = 0;  // distinct reduced compositions
  std::vector<Reject> rejects;
  Doubtful large_amounts;            // as in a PropertyTable
  std::vector<std::string> remarks;  // what was guessed about the table, one sentence each
  std::string sha256;                // of the file's bytes that were read; empty where there was no file

  std::size_t environments() const { return column_offsets.empty() ? 0 : column_offsets.size() - 1; }
  std::size_t ones() const { return column_rows.size(); }
};

// Environments are numbered in the order of their first appearance.
class EnvironmentMatrixBuilder {
 public:
  explicit EnvironmentMatrixBuilder(DecimalMark mark = DecimalMark::point);
  ~EnvironmentMatrixBuilder();  // where State is complete
  // Adds one formula; a malformed one becomes a reject with this line number.
  void add(std::string_view formula, std::size_t line);
  EnvironmentMatrix finish() &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Reads the column of formulas of a table (read_table): `formula`, a usual synonym, or the one that is named. Throws
// Error: unreadable file, no such column, no usable formula.
struct FormulasRequest {
  std::string formula = {};  // the column; empty: by its usual names
  DecimalMark decimal = DecimalMark::point;
};
EnvironmentMatrix read_environment_matrix(const std::filesystem::path& path, const FormulasRequest& request = {});

// Environments with identical columns, stored once with their multiplicity: exact, see DESIGN.md 3.2.
// group g stands for multiplicity[g] columns with pattern rows[offsets[g] .. offsets[g+1]). Groups are numbered by
// their number of ones, then by their first column: loops over the ones of successive groups are equally long.
struct EnvironmentGroups {
  int elements = 0;                         // E
  std::uint32_t environments = 0;           // V
  std::vector<std::uint32_t> offsets;       // [G + 1]
  std::vector<std::uint16_t> rows;          // [grouped ones], ascending inside a group
  std::vector<std::uint32_t> multiplicity;  // [G], sums to V
  std::vector<std::uint32_t> column_group;  // [V], the group of each environment

  int groups() const { return static_cast<int>(multiplicity.size()); }
};

enum class Grouping { exact, none };

EnvironmentGroups group_columns(const EnvironmentMatrix& matrix, Grouping grouping);

}  // namespace phaseselect
