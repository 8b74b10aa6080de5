// What reading a table guessed, repaired or left out, in sentences.
#include "host/pipeline/data_remarks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "host/io/input.hpp"
#include "host/io/readable.hpp"
#include "host/io/unicode.hpp"

namespace phaseselect {
namespace {

using Remarks = std::vector<std::string>;

constexpr std::size_t rejects_shown = 20;

void add_doubtful(Remarks& remarks, const std::string& name, const Doubtful& doubtful, std::string_view what) {
  if (doubtful.rows == 0) return;
  remarks.push_back(fmt::format("{}: {} {} {}, the first in line {}: '{}'", name, with_separators(doubtful.rows),
                                doubtful.rows == 1 ? "row" : "rows", what, doubtful.first_line,
                                shown(doubtful.first_text)));
}

void add_rejected(Remarks& remarks, const std::string& name, const std::vector<Reject>& rejects, std::size_t rows) {
  if (rejects.empty()) return;
  const Reject& first = rejects.front();
  remarks.push_back(fmt::format("{}: {} of {} rows {} not used, the first in line {}: '{}': {}", name,
                                with_separators(rejects.size()), with_separators(rows),
                                rejects.size() == 1 ? "was" : "were", first.line, shown(first.text), first.reason));
}

constexpr std::string_view large_amount = "with an amount of 1,000 or more, which may lack a decimal point";
constexpr std::string_view named_twice = "where an element is named twice, which counts once";

// Of a table, whichever it is; `rows` are those that were read.
template <typename Table>
Remarks remarks_of(const std::filesystem::path& file, const Table& table, std::size_t rows) {
  const std::string name = input_name(file);
  Remarks remarks;
  for (const std::string& remark : table.remarks) remarks.push_back(fmt::format("{}: {}", name, remark));
  add_doubtful(remarks, name, table.large_amounts, large_amount);
  if constexpr (requires { table.named_twice; }) add_doubtful(remarks, name, table.named_twice, named_twice);
  add_rejected(remarks, name, table.rejects, rows);
  return remarks;
}

}  // namespace

std::string describe_property(const PropertyTable& table) {
  return fmt::format("property '{}': {} {} from {} to {}{}", shown(table.property), with_separators(table.used()),
                     table.used() == 1 ? "value" : "values", table.minimum, table.maximum,
                     table.guessed ? " (guessed: no other column can be the property)" : "");
}

Remarks table_remarks(const std::filesystem::path& file, const PropertyTable& table) {
  return remarks_of(file, table, table.rows);
}

Remarks table_remarks(const std::filesystem::path& file, const EnvironmentMatrix& matrix) {
  return remarks_of(file, matrix, matrix.formulas);
}

Remarks table_remarks(const std::filesystem::path& file, const FieldList& list) {
  return remarks_of(file, list, list.rows());
}

std::string describe(const std::filesystem::path& file, const Reject& reject) {
  return fmt::format("{}:{}: '{}' was not used: {}", input_name(file), reject.line, shown(reject.text), reject.reason);
}

void note_rejects(const std::filesystem::path& file, const std::vector<Reject>& rejects, const Execution& execution) {
  const std::size_t listed = std::min(rejects.size(), rejects_shown);
  for (std::size_t i = 0; i < listed; ++i) execution.note(describe(file, rejects[i]));
  if (listed < rejects.size()) {
    execution.note(fmt::format("... and {} more", with_separators(rejects.size() - listed)));
  }
}

void say_data(const Config& config, const PreparedData& data, const Execution& execution) {
  (data.table.guessed ? execution.remark : execution.note)(describe_property(data.table));
  for (const std::string& remark : table_remarks(config.data.properties, data.table)) execution.remark(remark);
  for (const std::string& remark : table_remarks(config.environments.formulas, data.matrix)) execution.remark(remark);
  const std::size_t fields = data.table.records.size();
  if (!data.unmodelled.empty()) {
    execution.remark(fmt::format("{} of {} fields are set aside: an element of theirs has no environments",
                                 with_separators(data.unmodelled.size()), with_separators(fields)));
  }
  if (!data.too_large.empty()) {
    execution.remark(fmt::format("{} of {} fields are set aside: they have more than {} elements",
                                 with_separators(data.too_large.size()), with_separators(fields),
                                 data.problem.fields.slots));
  }
}

nlohmann::json property_json(const PropertyTable& table) {
  return {{"property", table.property},
          {"guessed", table.guessed},
          {"values", table.used()},
          {"range", {table.minimum, table.maximum}}};
}

}  // namespace phaseselect
