// Names of the columns of formulas and phase fields.
#include "host/data/field_column.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "host/io/unicode.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

// Small letters, blanks and hyphens as '_', none of them at the ends: "_chemical_formula_sum" and "Chemical formula
// sum".
constexpr std::array<std::string_view, 17> formula_names{"formula",
                                                         "chemical_formula",
                                                         "composition",
                                                         "chemical_composition",
                                                         "pretty_formula",
                                                         "formula_pretty",
                                                         "reduced_formula",
                                                         "formula_reduced",
                                                         "full_formula",
                                                         "chemical_formula_sum",
                                                         "sum_formula",
                                                         "formulas",
                                                         "compositions",
                                                         "compound",
                                                         "material",
                                                         "phase",
                                                         "name"};
constexpr std::array<std::string_view, 8> phases_names{"phases",   "phase_field", "phase_fields",    "field",
                                                       "elements", "element_set", "chemical_system", "chemsys"};

std::string canonical(std::string_view name) {
  std::string result;
  for (const char c : trimmed(name)) {
    const bool separates = c == ' ' || c == '_' || c == '-';
    if (!separates) {
      result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!result.empty() && result.back() != '_') {
      result += '_';
    }
  }
  if (result.ends_with('_')) result.pop_back();
  return result;
}

std::string lower(std::string_view name) {
  std::string result(name);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

// The only column whose name has this form. Throws Error where two have.
template <typename Form>
std::optional<std::size_t> find_by(const CsvTable& table, std::string_view name, Form&& form) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < table.header().size(); ++i) {
    if (form(table.header()[i]) != name) continue;
    if (found) {
      throw Error(fmt::format("{}: the columns {} and {} are both named '{}'; rename one", table.name(), *found + 1,
                              i + 1, shown(table.header()[i])));
    }
    found = i;
  }
  return found;
}

std::optional<std::size_t> find_known(const CsvTable& table, std::string_view name) {
  if (const auto exact = find_by(table, name, [](std::string_view each) { return each; })) return exact;
  return find_by(table, name, canonical);
}

template <std::size_t Count>
std::optional<FieldColumn> find_synonym(const CsvTable& table, const std::array<std::string_view, Count>& names,
                                        Notation notation) {
  for (const std::string_view name : names) {
    if (const std::optional<std::size_t> index = find_known(table, name)) {
      return FieldColumn{*index, notation,
                         fmt::format("column '{}' is read as the {}", shown(table.header()[*index]),
                                     notation == Notation::formula ? "formula" : "phase field")};
    }
  }
  return std::nullopt;
}

std::optional<FieldColumn> find_by_names(const CsvTable& table, const FieldColumnRequest& request) {
  const std::optional<std::size_t> formula = find_known(table, formula_names.front());
  const std::optional<std::size_t> phases = request.fields_too ? find_known(table, phases_names.front()) : std::nullopt;
  const bool formula_first = request.preferred == Notation::formula;
  if (formula && (formula_first || !phases)) return FieldColumn{*formula, Notation::formula, {}};
  if (phases) return FieldColumn{*phases, Notation::phases, {}};
  auto formulas = find_synonym(table, formula_names, Notation::formula);
  if (!request.fields_too || (formulas && formula_first)) return formulas;
  const auto fields = find_synonym(table, phases_names, Notation::phases);
  return fields ? fields : formulas;
}

}  // namespace

std::vector<std::string> FieldColumn::remarks(const CsvTable& table) const {
  std::vector<std::string> all = table.remarks();
  if (!remark.empty()) all.push_back(remark);
  return all;
}

void add_rejects(std::vector<Reject>& rejects, const std::vector<Reject>& of_table) {
  const auto middle = static_cast<std::ptrdiff_t>(rejects.size());
  rejects.insert(rejects.end(), of_table.begin(), of_table.end());
  std::inplace_merge(rejects.begin(), rejects.begin() + middle, rejects.end(),
                     [](const Reject& a, const Reject& b) { return a.line < b.line; });
}

bool is_field_name(std::string_view name) {
  const std::string known = canonical(name);
  return std::find(formula_names.begin(), formula_names.end(), known) != formula_names.end() ||
         std::find(phases_names.begin(), phases_names.end(), known) != phases_names.end();
}

bool names_field(const std::vector<std::string_view>& header, std::string_view formula_column) {
  return std::any_of(header.begin(), header.end(), [&](std::string_view name) {
    return is_field_name(name) || (!formula_column.empty() && lower(trimmed(name)) == lower(trimmed(formula_column)));
  });
}

std::optional<std::size_t> find_named_column(const CsvTable& table, std::string_view name) {
  const std::string_view wanted = trimmed(name);
  if (const auto exact = find_by(table, wanted, [](std::string_view each) { return each; })) return exact;
  return find_by(table, lower(wanted), lower);
}

FieldColumn find_field_column(const CsvTable& table, const FieldColumnRequest& request) {
  if (!request.given.empty()) {
    const std::optional<std::size_t> named = find_named_column(table, request.given);
    if (!named) {
      throw UsageError(fmt::format("{}: there is no column '{}' ({}); the file has {}", table.name(),
                                   shown(request.given), request.setting, column_names(table)));
    }
    const std::string name = canonical(table.header()[*named]);
    const bool fields = std::find(phases_names.begin(), phases_names.end(), name) != phases_names.end();
    return {*named, fields && request.fields_too ? Notation::phases : Notation::formula, {}};
  }
  if (std::optional<FieldColumn> found = find_by_names(table, request)) return *std::move(found);
  throw Error(fmt::format("{}: there is {} column; the file has {}; name one {}", table.name(),
                          request.fields_too ? "neither a 'formula' nor a 'phases'" : "no 'formula'",
                          column_names(table),
                          request.setting.empty() ? "in the header line" : fmt::format("with {}", request.setting)));
}

}  // namespace phaseselect
