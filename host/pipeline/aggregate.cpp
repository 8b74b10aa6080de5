// aggregate: a table of compositions becomes a table of phase fields.
#include <fmt/format.h>

#include "host/io/output_file.hpp"
#include "host/io/output_paths.hpp"
#include "host/io/unicode.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/data_remarks.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/data/property_table.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t most_text = 1000;  // of a row, in the file of rejects

void write_rejects(const PropertyTable& table, const std::filesystem::path& path) {
  OutputFile file(path);
  file.write("line,text,reason\n");
  for (const Reject& reject : table.rejects) {
    file.write(fmt::format("{},{},{}\n", reject.line, harmless_cell(shown(reject.text, most_text)),
                           harmless_cell(reject.reason)));
  }
  file.commit();
}

void write_fields(const PropertyTable& table, OutputFile& file) {
  file.write(fmt::format("phases,{},n_compositions,minimum,maximum_formula\n", csv_cell(table.property)));
  for (const FieldRecord& record : table.records) {
    file.write(fmt::format("{},{},{},{},{}\n", to_string(record.field), number(record.value), record.compositions,
                           number(record.minimum), csv_cell(record.maximum_formula)));
  }
}

}  // namespace

nlohmann::json aggregate(const AggregateRequest& request, const Execution& execution) {
  check_output_paths(
      request.rejects.empty() ? std::vector{request.output} : std::vector{request.output, request.rejects},
      {request.formulas});
  const PropertyTable table = read_property_table(
      request.formulas, {request.property, request.formula, request.decimal, "--property", "--formula-column"});
  OutputFile file(request.output);
  write_fields(table, file);
  if (!request.rejects.empty()) write_rejects(table, request.rejects);
  file.commit();
  (table.guessed ? execution.remark : execution.note)(describe_property(table));
  note_rejects(request.formulas, table.rejects, execution);
  const std::vector<std::string> remarks = table_remarks(request.formulas, table);
  for (const std::string& remark : remarks) execution.remark(remark);
  nlohmann::json result = property_json(table);
  result["rows"] = table.rows;
  result["fields"] = table.records.size();
  result["rejects"] = table.rejects.size();
  result["remarks"] = remarks;
  return result;
}

}  // namespace phaseselect
