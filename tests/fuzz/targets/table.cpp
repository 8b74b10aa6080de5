// Tables of users, packed or not: every row is used or rejected, and once.
#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/data/property_table.hpp"
#include "tests/fuzz/target.hpp"

using namespace phaseselect;

namespace {

void check_properties(const std::filesystem::path& path, DecimalMark decimal) {
  PropertyRequest request;
  request.decimal = decimal;
  const PropertyTable table = read_property_table(path, request);
  std::size_t used = 0;
  for (const FieldRecord& record : table.records) {
    fuzz::require(record.minimum <= record.value, "the minimum is no more than the maximum");
    used += record.compositions;
  }
  fuzz::require(used == table.used(), "a row is used once or rejected");
}

void check_list(const std::filesystem::path& path) {
  const CsvTable table = read_table(path);
  const FieldList list = read_field_list(table);
  fuzz::require(list.rows() == table.rows().size() + table.rejected_rows().size(), "a row is listed once");
  fuzz::require(list.fields.size() == list.lines.size(), "a field has a line");
}

void check_environments(const std::filesystem::path& path) {
  const EnvironmentMatrix matrix = read_environment_matrix(path);
  const EnvironmentGroups groups = group_columns(matrix, Grouping::exact);
  std::size_t columns = 0;
  for (const std::uint32_t multiplicity : groups.multiplicity) columns += multiplicity;
  fuzz::require(columns == matrix.environments(), "an environment is in one group");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFile file;
  file.fill(fuzz::text_of(data, size));
  fuzz::done([] { check_properties(file.path(), DecimalMark::point); });
  fuzz::done([] { check_properties(file.path(), DecimalMark::comma); });
  fuzz::done([] { check_list(file.path()); });
  fuzz::done([] { check_environments(file.path()); });
  fuzz::done([] { read_csv(file.path()); });
  return 0;
}
