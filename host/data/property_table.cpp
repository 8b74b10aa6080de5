// Reading property tables and lists of fields, and merging rows of one field.
#include "phaseselect/data/property_table.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "host/chemistry/formula_parser.hpp"
#include "host/data/byte_keys.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

enum class Notation { formula, phases };

struct FieldColumn {
  std::size_t index;
  Notation notation;
};

// The column that says which field a row belongs to; `preferred` wins where a table has both.
FieldColumn find_field_column(const CsvTable& table, Notation preferred) {
  const std::optional<std::size_t> formula = table.find_column("formula");
  const std::optional<std::size_t> phases = table.find_column("phases");
  if (formula && (preferred == Notation::formula || !phases)) return {*formula, Notation::formula};
  if (phases) return {*phases, Notation::phases};
  throw Error(fmt::format("{}: there is neither a 'formula' nor a 'phases' column; name one in the header line",
                          table.path().string()));
}

// Reads the cells of a field column. Throws Error (CompositionError for formulas) with the reason.
class FieldReader {
 public:
  explicit FieldReader(Notation notation) : notation_(notation) {}
  PhaseField read(std::string_view cell) {
    if (notation_ == Notation::phases) return parse_phase_field(cell);
    const std::span<const Component> components = parser_.parse(cell);
    std::vector<Element> elements;
    elements.reserve(components.size());
    for (const Component& component : components) elements.push_back(component.element);
    return PhaseField(std::move(elements));
  }

 private:
  Notation notation_;
  FormulaParser parser_;
};

bool is_field_column(std::string_view name) { return name == "formula" || name == "phases"; }

bool numeric_throughout(const CsvTable& table, std::size_t column) {
  return std::all_of(table.rows().begin(), table.rows().end(),
                     [column](const CsvRow& row) { return parse_number(row.cells[column]).has_value(); });
}

// The only other column, or the only other one that is numeric throughout.
std::size_t guess_property_column(const CsvTable& table, std::string_view setting) {
  std::vector<std::size_t> others;
  std::vector<std::size_t> numeric;
  for (std::size_t i = 0; i < table.header().size(); ++i) {
    if (is_field_column(table.header()[i])) continue;
    others.push_back(i);
    if (numeric_throughout(table, i)) numeric.push_back(i);
  }
  if (others.size() == 1) return others.front();
  if (numeric.size() == 1) return numeric.front();
  if (others.empty()) {
    throw Error(fmt::format("{}: there is no property column beside the fields", table.path().string()));
  }
  std::string names;
  for (const std::size_t i : numeric.empty() ? others : numeric) {
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", table.header()[i]);
  }
  throw Error(fmt::format(
      "{}: {} of the columns {} is the property; name it with {}", table.path().string(),
      numeric.empty() ? "no column is numeric throughout, so it is not clear which" : "it is not clear which", names,
      setting));
}

std::size_t find_property_column(const CsvTable& table, const std::string& property, std::string_view setting) {
  if (property.empty()) return guess_property_column(table, setting);
  const std::optional<std::size_t> found = table.find_column(property);
  if (found && !is_field_column(property)) return *found;
  std::string names;
  for (const std::string_view name : table.header()) {
    if (!is_field_column(name)) names += fmt::format("{}'{}'", names.empty() ? "" : ", ", name);
  }
  throw UsageError(fmt::format("{}: there is no property column '{}'; the file has {}", table.path().string(), property,
                               names.empty() ? "none" : names));
}

// Merges rows into the records of their fields.
class Aggregator {
 public:
  explicit Aggregator(std::vector<FieldRecord>& records) : records_(records) {}

  void add(PhaseField&& field, double value, std::string_view text) {
    const std::vector<Element>& elements = field.elements();
    const auto [number, is_new] = keys_.intern({reinterpret_cast<const char*>(elements.data()), elements.size()});
    if (is_new) {
      records_.push_back({std::move(field), value, value, 1, std::string(text)});
      return;
    }
    FieldRecord& record = records_[number];
    ++record.compositions;
    record.minimum = std::min(record.minimum, value);
    if (value > record.value) {
      record.value = value;
      record.maximum_formula = text;
    }
  }

 private:
  std::vector<FieldRecord>& records_;
  ByteKeys keys_;
};

std::string number_reason(std::string_view property, std::string_view cell) {
  if (cell.find_first_not_of(" \t") == std::string_view::npos)
    return fmt::format("the value of '{}' is empty", property);
  return fmt::format("the value of '{}' is not a finite number: '{}'", property, cell);
}

}  // namespace

PropertyTable read_property_table(const std::filesystem::path& path, const std::string& property,
                                  std::string_view setting) {
  const CsvTable csv = read_csv(path);
  const FieldColumn column = find_field_column(csv, Notation::formula);
  const std::size_t value_column = find_property_column(csv, property, setting);
  PropertyTable table;
  table.property = csv.header()[value_column];
  table.rows = csv.rows().size();
  table.sha256 = csv.sha256();
  FieldReader reader(column.notation);
  Aggregator aggregator(table.records);
  for (const CsvRow& row : csv.rows()) {
    const std::string_view cell = row.cells[column.index];
    try {
      PhaseField field = reader.read(cell);
      if (const std::optional<double> value = parse_number(row.cells[value_column])) {
        aggregator.add(std::move(field), *value, cell);
      } else {
        table.rejects.push_back({row.line, std::string(cell), number_reason(table.property, row.cells[value_column])});
      }
    } catch (const Error& error) {
      table.rejects.push_back({row.line, std::string(cell), error.what()});
    }
  }
  if (table.records.empty()) {
    throw Error(table.rejects.empty() ? fmt::format("{}: there is no row below the header", path.string())
                                      : fmt::format("{}: there is no usable row; line {}: {}", path.string(),
                                                    table.rejects.front().line, table.rejects.front().reason));
  }
  std::sort(table.records.begin(), table.records.end(),
            [](const FieldRecord& a, const FieldRecord& b) { return a.field < b.field; });
  return table;
}

FieldList read_field_list(const std::filesystem::path& path) {
  const CsvTable csv = read_csv(path);
  const FieldColumn column = find_field_column(csv, Notation::phases);
  FieldReader reader(column.notation);
  FieldList list;
  list.sha256 = csv.sha256();
  list.fields.reserve(csv.rows().size());
  list.lines.reserve(csv.rows().size());
  for (const CsvRow& row : csv.rows()) {
    const std::string_view cell = row.cells[column.index];
    try {
      list.fields.push_back(reader.read(cell));
      list.lines.push_back(row.line);
    } catch (const Error& error) {
      list.rejects.push_back({row.line, std::string(cell), error.what()});
    }
  }
  return list;
}

}  // namespace phaseselect
