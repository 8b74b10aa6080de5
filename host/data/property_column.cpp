// The column of the property, named or the only one that can be it.
#include "host/data/property_column.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "host/data/field_column.hpp"
#include "host/io/unicode.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

// What aggregate writes beside the property.
bool is_aggregated(std::string_view name) {
  return name == "n_compositions" || name == "minimum" || name == "maximum_formula";
}

// pandas writes an index without a name, and calls it so when it reads it back.
bool is_row_index(std::string_view name, std::size_t column) {
  constexpr std::string_view pandas = "Unnamed: ";
  return column == 0 &&
         (name.empty() ||
          (name.starts_with(pandas) && name.find_first_not_of("0123456789", pandas.size()) == std::string_view::npos));
}

bool is_empty(const CsvTable& table, std::size_t column) {
  return std::all_of(table.rows().begin(), table.rows().end(),
                     [&](const CsvRow& row) { return trimmed(row.cells[column]).empty(); });
}

bool is_candidate(const CsvTable& table, std::size_t column) {
  const std::string_view name = table.header()[column];
  if (name.empty() && is_empty(table, column)) return false;
  return !is_row_index(name, column) && !is_field_name(name) && !is_aggregated(name);
}

std::size_t guess(const CsvTable& table, std::size_t field_column, const PropertyRequest& request) {
  std::vector<std::size_t> candidates;
  for (std::size_t i = 0; i < table.header().size(); ++i) {
    if (i != field_column && is_candidate(table, i)) candidates.push_back(i);
  }
  if (candidates.size() == 1) return candidates.front();
  if (candidates.empty()) {
    throw Error(fmt::format("{}: there is no property column beside the fields; the file has {}; name it with {}",
                            table.name(), column_names(table), request.property_setting));
  }
  throw Error(fmt::format("{}: it is not clear which of the columns {} is the property; name it with {}", table.name(),
                          column_names(table), request.property_setting));
}

}  // namespace

PropertyColumn find_property_column(const CsvTable& table, std::size_t field_column, const PropertyRequest& request) {
  if (request.property.empty()) return {guess(table, field_column, request), true};
  const std::optional<std::size_t> named = find_named_column(table, request.property);
  if (named && *named != field_column) return {*named, false};
  throw UsageError(fmt::format("{}: there is no property column '{}' ({}); the file has {}", table.name(),
                               shown(request.property), request.property_setting, column_names(table)));
}

}  // namespace phaseselect
