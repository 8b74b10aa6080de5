// predict: probability, spread and accessibility of listed phase fields.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "host/io/output_file.hpp"
#include "host/io/output_paths.hpp"
#include "host/io/stopwatch.hpp"
#include "host/io/unicode.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/field_lists.hpp"
#include "host/pipeline/loaded_run.hpp"
#include "host/pipeline/result_table.hpp"
#include "phaseselect/data/property_table.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

// A row of the list, and what becomes of it.
struct ListedRow {
  const CsvRow* cells = nullptr;
  const PhaseField* field = nullptr;  // null where it cannot be read
  std::string reason;                 // why it cannot be judged; empty where it can
};

constexpr std::string_view reason_column = "reason";

struct ListedFields {
  CsvTable table;
  FieldList list;
  std::vector<ListedRow> rows;  // in file order
  FieldSet judged;              // the fields of the rows that can be judged, in their order
  std::size_t unmodelled = 0, too_large = 0;
};

// The rows of the table, its own rejects among them, each with its field or the reason why it has none.
std::vector<ListedRow> rows_of(const CsvTable& table, const FieldList& list) {
  std::vector<ListedRow> rows;
  rows.reserve(list.rows());
  auto fitting = table.rows().begin();
  auto unfit = table.rejected_rows().begin();
  std::size_t field = 0, reject = 0;
  while (rows.size() < list.rows()) {
    const bool fits =
        unfit == table.rejected_rows().end() || (fitting != table.rows().end() && fitting->line < unfit->line);
    const CsvRow& cells = fits ? *fitting++ : *unfit++;
    if (field < list.lines.size() && list.lines[field] == cells.line) {
      rows.push_back({&cells, &list.fields[field++], {}});
    } else {
      const Reject& refused = list.rejects[reject++];
      // What has no column stands in the reason.
      rows.push_back({&cells, nullptr, fits ? refused.reason : fmt::format("{}: {}", refused.reason, refused.text)});
    }
  }
  return rows;
}

std::string unmodelled_reason(const PhaseField& field, const ElementRows& element_rows) {
  std::vector<Element> missing;
  std::ranges::copy_if(field.elements(), std::back_inserter(missing),
                       [&](Element element) { return element_rows.row(element) < 0; });
  return fmt::format("the run does not model {}", to_string(PhaseField(std::move(missing))));
}

void judge_each(ListedFields& listed, const RunContents& contents) {
  const ElementRows element_rows(contents.elements);
  listed.judged.slots = contents.problem.architecture.slots;
  for (ListedRow& row : listed.rows) {
    if (row.field == nullptr || element_rows.append(*row.field, listed.judged.slots, listed.judged.rows)) continue;
    const bool too_large = row.field->size() > listed.judged.slots;
    ++(too_large ? listed.too_large : listed.unmodelled);
    row.reason = too_large ? fmt::format("the field has {} elements; the model judges fields of 1 to {}",
                                         row.field->size(), listed.judged.slots)
                           : unmodelled_reason(*row.field, element_rows);
  }
}

// Of rows that are left without a value.
void say_unjudged(const std::string& name, std::size_t rows, const char* why, const Execution& execution) {
  if (rows == 0) return;
  execution.remark(
      fmt::format("{}: {} {} {}: the values are empty", name, rows, rows == 1 ? "row has" : "rows have", why));
}

ListedFields read_listed(const PredictRequest& request, const RunContents& contents, const Execution& execution) {
  ListedFields listed;
  listed.table = read_table(request.fields, request.format.column);
  listed.list = read_field_list(listed.table, list_request(request.format));
  listed.rows = rows_of(listed.table, listed.list);
  judge_each(listed, contents);
  const std::string name = listed.table.name();
  if (listed.judged.size() == 0) {
    const auto first = std::ranges::find_if(listed.rows, [](const ListedRow& row) { return row.field != nullptr; });
    throw Error(fmt::format("{}: no row can be judged; line {}: {}", name, first->cells->line, first->reason));
  }
  say_list(request.fields, listed.list, execution);
  say_unjudged(name, listed.unmodelled, "an element that the run does not model", execution);
  say_unjudged(name, listed.too_large, "more elements than the model takes", execution);
  return listed;
}

struct Judgement {
  std::vector<FieldStatistics> statistics;
  OverMembers accessibility;
};

Judgement judge_all(LoadedRun& loaded, const FieldSet& fields, const Execution& execution) {
  Judgement judgement;
  std::vector<FieldStatistics>& all = judgement.statistics;
  all.reserve(fields.size());
  const auto slots = static_cast<std::size_t>(fields.slots);
  while (all.size() < fields.size()) {
    if (execution.stop_requested()) throw Interrupted("interrupted; nothing was written");
    const std::size_t count = std::min(evaluation_chunk, fields.size() - all.size());
    const FieldView chunk(fields.slots, std::span(fields.rows).subspan(all.size() * slots, count * slots));
    const std::vector<FieldStatistics> part = loaded.engine().ensemble_statistics(loaded.slots(), chunk);
    all.insert(all.end(), part.begin(), part.end());
    const OverMembers accessibility = loaded.accessibility().judge(loaded.engine(), chunk);
    const auto append = [](std::vector<float>& to, const std::vector<float>& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(judgement.accessibility.mean, accessibility.mean);
    append(judgement.accessibility.deviation, accessibility.deviation);
    execution.progress(static_cast<double>(all.size()) / static_cast<double>(fields.size()),
                       fmt::format("{} of {} fields", all.size(), fields.size()));
  }
  return judgement;
}

// The list's own columns, which stand behind those that predict writes. `phases` is not among them where the fields
// were read there.
class InputColumns {
 public:
  InputColumns(const ListedFields& listed, const Execution& execution) : listed_(listed) {
    const std::vector<std::string_view>& header = listed.table.header();
    rewrites_phases_ = header[listed.list.column] == result_columns.front();
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (rewrites_phases_ && i == listed.list.column) continue;
      kept_.push_back(i);
      names_.push_back(free_name(std::string(header[i])));
      if (names_.back() == header[i]) continue;
      execution.remark(fmt::format("{}: column '{}' is called '{}' in the output, where predict's own has that name",
                                   listed.table.name(), header[i], names_.back()));
    }
  }

  // With the comma in front of each.
  std::string header() const {
    std::string text;
    for (const std::string& name : names_) text += "," + csv_cell(name);
    return text;
  }
  std::string cells(const ListedRow& row) const {
    std::string text;
    for (const std::size_t i : kept_) text += "," + csv_cell(cell(row, i));
    return text;
  }
  // What stands in `phases` where there is no field.
  std::string unread(const ListedRow& row) const {
    if (!rewrites_phases_) return {};
    const std::string_view text = cell(row, listed_.list.column);
    return shown(text, text.size());  // whole
  }

 private:
  static std::string_view cell(const ListedRow& row, std::size_t column) {
    return column < row.cells->cells.size() ? row.cells->cells[column] : std::string_view();
  }

  std::string free_name(std::string name) const {
    const std::vector<std::string_view>& header = listed_.table.header();
    const auto is_taken = [&](std::string_view wanted) {
      return wanted == reason_column || std::ranges::find(result_columns, wanted) != result_columns.end();
    };
    if (!is_taken(name)) return name;
    do name.insert(0, "input_");
    while (std::ranges::find(header, name) != header.end());
    return name;
  }

  const ListedFields& listed_;
  bool rewrites_phases_ = false;
  std::vector<std::size_t> kept_;
  std::vector<std::string> names_;
};

void write_rows(OutputFile& file, const ListedFields& listed, const Judgement& judgement, const Run& run,
                const Execution& execution) {
  const KnownFields known(run.contents());
  const InputColumns input(listed, execution);
  ErrorRange range;
  for (const FieldStatistics& field : judgement.statistics) range.include(field.error);
  file.write(damaged_comment(run.contents()));
  file.write(fmt::format("{},{}{}\n", result_header(), reason_column, input.header()));
  std::size_t next = 0;
  for (const ListedRow& row : listed.rows) {
    std::string result;
    if (row.field == nullptr) {
      result = empty_result_cells(input.unread(row), 0);
    } else if (const std::uint8_t flags = known.flags(FieldKey(*row.field)); !row.reason.empty()) {
      result = empty_result_cells(to_string(*row.field), flags);
    } else {
      const FieldStatistics& judged = judgement.statistics[next];
      result = result_cells(to_string(*row.field), {.statistics = judged,
                                                    .uncertainty = range.normalised(judged.error),
                                                    .percentile = run.percentile(judged.error),
                                                    .accessibility = judgement.accessibility.mean[next],
                                                    .accessibility_deviation = judgement.accessibility.deviation[next],
                                                    .known = flags,
                                                    .calibrated = run.calibrated(judged.probability, *row.field)});
      ++next;
    }
    file.write(fmt::format("{},{}{}\n", result, csv_cell(row.reason), input.cells(row)));
  }
}

}  // namespace

nlohmann::json predict(const PredictRequest& request, const Execution& execution) {
  const Stopwatch total;
  check_output_paths({request.output}, {request.fields}, request.run);
  LoadedRun loaded(request.run, execution);
  const ListedFields listed = read_listed(request, loaded.contents(), execution);
  OutputFile file(request.output);
  note_accessibility(loaded, execution);
  write_rows(file, listed, judge_all(loaded, listed.judged, execution), loaded.run(), execution);
  file.commit();
  nlohmann::json result{
      {"rows", listed.rows.size()},        {"fields", listed.list.fields.size()},
      {"predicted", listed.judged.size()}, {"unmodelled", listed.unmodelled},
      {"too_large", listed.too_large},     {"rejects", listed.list.rejects.size()},
      {"members", loaded.run().members()}, {"accessibility_members", loaded.run().accessibility_members()},
      {"seconds", total.seconds()}};
  add_damaged_members(result, loaded.contents());
  return result;
}

}  // namespace phaseselect
