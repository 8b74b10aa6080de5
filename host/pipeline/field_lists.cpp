// Lists of phase fields beside a run.
#include "host/pipeline/field_lists.hpp"

#include <fmt/format.h>

#include "host/pipeline/data_remarks.hpp"

namespace phaseselect {

FieldListRequest list_request(const ListFormat& format) {
  FieldListRequest request;
  request.formula = format.column;
  request.decimal = format.decimal;
  request.formula_setting = "--formula-column";
  return request;
}

void say_list(const std::filesystem::path& path, const FieldList& list, const Execution& execution) {
  note_rejects(path, list.rejects, execution);
  for (const std::string& remark : table_remarks(path, list)) execution.remark(remark);
}

KnownLists read_known_lists(const RunContents& contents, const std::vector<std::filesystem::path>& lists,
                            const ListFormat& format, const Execution& execution) {
  KnownLists known{.fields = KnownFields(contents), .identity = {}};
  for (const std::filesystem::path& path : lists) {
    const FieldList list = read_field_list(path, list_request(format));
    say_list(path, list, execution);
    for (const PhaseField& field : list.fields) known.fields.add(field, Known::reported);
    known.reported += list.fields.size();
    known.rejects += list.rejects.size();
    known.identity += fmt::format("{}, column {}{}; ", list.sha256, list.column,
                                  format.decimal == DecimalMark::comma ? ", decimal commas" : "");
  }
  return known;
}

void add_counts(nlohmann::json& result, const KnownLists& lists) {
  result["reported_rows"] = lists.reported;
  result["rejects"] = lists.rejects;
}

}  // namespace phaseselect
