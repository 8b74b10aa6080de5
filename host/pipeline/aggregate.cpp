// aggregate: a table of compositions becomes a table of phase fields.
#include <fmt/format.h>

#include "host/io/output_file.hpp"
#include "host/io/output_paths.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/known_fields.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/data/property_table.hpp"

namespace phaseselect {
namespace {

void write_rejects(const PropertyTable& table, const std::filesystem::path& path) {
  OutputFile file(path);
  file.write("line,text,reason\n");
  for (const Reject& reject : table.rejects) {
    file.write(fmt::format("{},{},{}\n", reject.line, csv_cell(reject.text), csv_cell(reject.reason)));
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

AggregateResult aggregate(const std::filesystem::path& formulas, const std::string& property,
                          const std::filesystem::path& output, const std::filesystem::path& rejects_path,
                          const Execution& execution) {
  check_output_paths(rejects_path.empty() ? std::vector{output} : std::vector{output, rejects_path}, {formulas});
  const PropertyTable table = read_property_table(formulas, property, "--property");
  for (const Reject& reject : table.rejects) execution.note(describe(formulas, reject));
  OutputFile file(output);
  write_fields(table, file);
  if (!rejects_path.empty()) write_rejects(table, rejects_path);
  file.commit();
  return {table.rows, table.records.size(), table.rejects.size()};
}

}  // namespace phaseselect
