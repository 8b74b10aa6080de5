// predict: probability, spread and accessibility of listed phase fields.
#include <fmt/format.h>

#include <algorithm>

#include "host/io/output_file.hpp"
#include "host/io/output_paths.hpp"
#include "host/io/stopwatch.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/known_fields.hpp"
#include "host/pipeline/loaded_run.hpp"
#include "host/pipeline/result_table.hpp"
#include "phaseselect/data/property_table.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

struct ListedFields {
  FieldList list;
  FieldSet rows;                    // of the fields that the model can judge
  std::vector<std::size_t> judged;  // their positions in the list, ascending
  std::size_t unmodelled = 0, too_large = 0;
};

ListedFields read_listed(const std::filesystem::path& path, const RunContents& contents, const Execution& execution) {
  ListedFields listed;
  listed.list = read_field_list(path);
  for (const Reject& reject : listed.list.rejects) execution.note(describe(path, reject));
  const ElementRows element_rows(contents.elements);
  listed.rows.slots = contents.problem.architecture.slots;
  for (std::size_t i = 0; i < listed.list.fields.size(); ++i) {
    const PhaseField& field = listed.list.fields[i];
    if (element_rows.append(field, listed.rows.slots, listed.rows.rows)) {
      listed.judged.push_back(i);
    } else {
      ++(field.size() > listed.rows.slots ? listed.too_large : listed.unmodelled);
    }
  }
  if (listed.unmodelled > 0) {
    execution.note(fmt::format("{}: {} fields have an element that the model does not know and keep empty values",
                               path.string(), listed.unmodelled));
  }
  if (listed.too_large > 0) {
    execution.note(fmt::format("{}: {} fields have more than the model's {} elements and keep empty values",
                               path.string(), listed.too_large, listed.rows.slots));
  }
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

void write_rows(OutputFile& file, const ListedFields& listed, const Judgement& judgement, const Run& run) {
  const KnownFields known(run.contents());
  ErrorRange range;
  for (const FieldStatistics& field : judgement.statistics) range.include(field.error);
  file.write(result_header);
  std::size_t next = 0;
  for (std::size_t i = 0; i < listed.list.fields.size(); ++i) {
    const PhaseField& field = listed.list.fields[i];
    const std::uint8_t flags = known.flags(FieldKey(field));
    if (next == listed.judged.size() || listed.judged[next] != i) {
      file.write(empty_result_line(to_string(field), flags));
      continue;
    }
    const FieldStatistics& judged = judgement.statistics[next];
    file.write(result_line(to_string(field), {.statistics = judged,
                                              .uncertainty = range.normalised(judged.error),
                                              .percentile = run.percentile(judged.error),
                                              .accessibility = judgement.accessibility.mean[next],
                                              .accessibility_deviation = judgement.accessibility.deviation[next],
                                              .known = flags,
                                              .calibrated = run.calibrated(judged.probability, field)}));
    ++next;
  }
}

}  // namespace

nlohmann::json predict(const std::filesystem::path& run, const std::filesystem::path& fields,
                       const std::filesystem::path& output, const Execution& execution) {
  const Stopwatch total;
  check_output_paths({output}, {fields}, run);
  LoadedRun loaded(run, execution);
  const ListedFields listed = read_listed(fields, loaded.contents(), execution);
  OutputFile file(output);
  note_accessibility(loaded, execution);
  write_rows(file, listed, judge_all(loaded, listed.rows, execution), loaded.run());
  file.commit();
  nlohmann::json result{{"fields", listed.list.fields.size()},
                        {"predicted", listed.judged.size()},
                        {"unmodelled", listed.unmodelled},
                        {"too_large", listed.too_large},
                        {"rejects", listed.list.rejects.size()},
                        {"members", loaded.run().members()},
                        {"accessibility_members", loaded.run().accessibility_members()},
                        {"seconds", total.seconds()}};
  add_damaged_members(result, loaded.contents());
  return result;
}

}  // namespace phaseselect
