// Reading property tables and lists of fields, and merging rows of one field.
#include "phaseselect/data/property_table.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "host/chemistry/formula_parser.hpp"
#include "host/data/byte_keys.hpp"
#include "host/data/field_column.hpp"
#include "host/data/property_column.hpp"
#include "host/data/value.hpp"
#include "host/io/unicode.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

// Reads the cells of a field column, and counts the doubtful ones. Throws Error (CompositionError for formulas) with
// the reason.
class FieldReader {
 public:
  FieldReader(Notation notation, DecimalMark mark, Doubtful& large_amounts, Doubtful& named_twice)
      : notation_(notation), parser_(mark), large_amounts_(large_amounts), named_twice_(named_twice) {}

  // The elements of the field in canonical order; valid until the next call.
  std::span<const Element> read(std::string_view cell) {
    if (notation_ == Notation::phases) {
      listed_ = read_phase_field(cell);
      return listed_.field.elements();
    }
    listed_.named_twice = false;
    elements_.clear();
    for (const Component& component : parser_.parse(cell)) elements_.push_back(component.element);
    return elements_;
  }

  // The same of a list, whose column of formulas may hold fields as well: Ba-Cu-O.
  std::span<const Element> read_either(std::string_view cell) {
    try {
      return read(cell);
    } catch (const CompositionError&) {
      const std::optional<NamedField> field = named_field(cell);
      if (!field) throw;
      listed_ = *field;
      return listed_.field.elements();
    }
  }

  // Counts the last cell where it is doubtful.
  void count_doubtful(std::size_t line, std::string_view cell) {
    if (notation_ == Notation::formula && parser_.has_large_amount()) large_amounts_.add(line, cell);
    if (listed_.named_twice) named_twice_.add(line, cell);
  }

 private:
  // A field of two symbols or more; a single one has a charge or the like.
  static std::optional<NamedField> named_field(std::string_view cell) {
    try {
      NamedField field = read_phase_field(cell);
      if (!field.from_formula && field.field.size() > 1) return field;
    } catch (const Error&) {
    }
    return std::nullopt;
  }

  Notation notation_;
  FormulaParser parser_;
  NamedField listed_;
  std::vector<Element> elements_;
  Doubtful& large_amounts_;
  Doubtful& named_twice_;
};

// Merges rows into the records of their fields.
class Aggregator {
 public:
  explicit Aggregator(PropertyTable& table) : table_(table) {}

  void add(std::span<const Element> elements, double value, std::string_view text) {
    table_.minimum = keys_.size() == 0 ? value : std::min(table_.minimum, value);
    table_.maximum = keys_.size() == 0 ? value : std::max(table_.maximum, value);
    const auto [number, is_new] = keys_.intern({reinterpret_cast<const char*>(elements.data()), elements.size()});
    if (is_new) {
      PhaseField field({elements.begin(), elements.end()});
      table_.records.push_back({std::move(field), value, value, 1, std::string(text)});
      return;
    }
    FieldRecord& record = table_.records[number];
    ++record.compositions;
    record.minimum = std::min(record.minimum, value);
    if (value > record.value) {
      record.value = value;
      record.maximum_formula = text;
    }
  }

 private:
  PropertyTable& table_;
  ByteKeys keys_;
};

void refuse_no_rows(const CsvTable& csv, const std::vector<Reject>& rejects) {
  throw Error(rejects.empty() ? fmt::format("{}: there is no row below the header", csv.name())
                              : fmt::format("{}: there is no usable row; line {}: {}", csv.name(), rejects.front().line,
                                            rejects.front().reason));
}

}  // namespace

void Doubtful::add(std::size_t line, std::string_view text) {
  if (rows++ > 0) return;
  first_line = line;
  first_text = text;
}

PropertyTable read_property_table(const std::filesystem::path& path, const PropertyRequest& request) {
  const CsvTable csv = read_table(path, request.formula);
  const FieldColumn column = find_field_column(csv, {request.formula, request.formula_setting});
  const PropertyColumn value_column = find_property_column(csv, column.index, request);
  PropertyTable table;
  table.property = csv.header()[value_column.index];
  table.guessed = value_column.guessed;
  table.rows = csv.rows().size() + csv.rejects().size();
  table.remarks = column.remarks(csv);
  table.sha256 = csv.sha256();
  FieldReader reader(column.notation, request.decimal, table.large_amounts, table.named_twice);
  Aggregator aggregator(table);
  for (const CsvRow& row : csv.rows()) {
    const std::string_view cell = row.cells[column.index];
    const std::string_view value_cell = row.cells[value_column.index];
    try {
      const std::span<const Element> elements = reader.read(cell);
      if (const std::optional<double> value = read_value(value_cell, request.decimal)) {
        aggregator.add(elements, *value, cell);
        reader.count_doubtful(row.line, cell);
      } else {
        table.rejects.push_back(
            {row.line, std::string(cell),
             fmt::format("the value of '{}' {}", shown(table.property), value_reason(value_cell, request.decimal))});
      }
    } catch (const Error& error) {
      table.rejects.push_back({row.line, std::string(cell), error.what()});
    }
  }
  add_rejects(table.rejects, csv.rejects());
  if (table.records.empty()) refuse_no_rows(csv, table.rejects);
  std::sort(table.records.begin(), table.records.end(),
            [](const FieldRecord& a, const FieldRecord& b) { return a.field < b.field; });
  return table;
}

FieldList read_field_list(const std::filesystem::path& path, const FieldListRequest& request) {
  return read_field_list(read_table(path, request.formula), request);
}

FieldList read_field_list(const CsvTable& csv, const FieldListRequest& request) {
  const FieldColumn column = find_field_column(csv, {request.formula, request.formula_setting, Notation::phases});
  FieldList list;
  list.column = column.index;
  list.remarks = column.remarks(csv);
  list.sha256 = csv.sha256();
  FieldReader reader(column.notation, request.decimal, list.large_amounts, list.named_twice);
  list.fields.reserve(csv.rows().size());
  list.lines.reserve(csv.rows().size());
  for (const CsvRow& row : csv.rows()) {
    const std::string_view cell = row.cells[column.index];
    try {
      const std::span<const Element> elements = reader.read_either(cell);
      list.fields.emplace_back(std::vector<Element>(elements.begin(), elements.end()));
      list.lines.push_back(row.line);
      reader.count_doubtful(row.line, cell);
    } catch (const Error& error) {
      list.rejects.push_back({row.line, std::string(cell), error.what()});
    }
  }
  add_rejects(list.rejects, csv.rejects());
  if (list.fields.empty()) refuse_no_rows(csv, list.rejects);
  return list;
}

}  // namespace phaseselect
