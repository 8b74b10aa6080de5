// accessibility: how well a run tells known fields from others. Every combination of modelled elements is judged by
// members that never saw it; beside the learned accessibility stand the paper's reconstruction error and the plainest
// measure there is, how common the elements are among the known fields of other folds.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/io/output_file.hpp"
#include "host/io/output_paths.hpp"
#include "host/io/stopwatch.hpp"
#include "host/pipeline/accessibility_data.hpp"
#include "host/pipeline/candidate_set.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/field_lists.hpp"
#include "host/pipeline/loaded_run.hpp"
#include "host/pipeline/metrics.hpp"
#include "host/pipeline/result_table.hpp"
#include "phaseselect/data/candidates.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr std::uint64_t most_fields = 5'000'000;  // all are held in memory

struct Judged {
  std::uint64_t rank = 0;
  int fold = 0;
  std::uint8_t known = 0;
  float accessibility = 0, deviation = 0, error = 0;
  double frequency = 0;
};

// Sum over the elements of log(1 + known fields with it), known fields of the field's own fold left out.
class ElementFrequencies {
 public:
  ElementFrequencies(const RunContents& contents, int folds)
      : counts_(static_cast<std::size_t>(folds), std::vector<double>(element_count, 0.0)) {
    const std::uint64_t seed = contents.config.ensemble.seed;
    KnownFields counted;
    const auto add = [&](const PhaseField& field) {
      if (counted.flags(FieldKey(field)) != 0) return;
      counted.add(field, Known::training);
      const int own = accessibility_fold(FieldKey(field), folds, seed);
      for (int fold = 0; fold < folds; ++fold) {
        if (fold == own) continue;
        for (const Element element : field.elements()) ++counts_[index(fold)][index(rank(element))];
      }
    };
    for (const PhaseField& field : contents.environment_fields) add(field);
    for (const FieldRecord& record : contents.training_fields) add(record.field);
  }

  double of(const PhaseField& field, int fold) const {
    double sum = 0;
    for (const Element element : field.elements()) sum += std::log1p(counts_[index(fold)][index(rank(element))]);
    return sum;
  }

 private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  std::vector<std::vector<double>> counts_;  // [folds][elements]
};

// The fields with these ranks, as far as they can be told without the engine.
std::vector<Judged> list_fields(const CandidateSet& set, std::uint64_t first, std::size_t count,
                                const AccessibilityMembers& members, const KnownFields& known,
                                const ElementFrequencies& frequencies, FieldSet& rows) {
  std::vector<Judged> listed(count);
  std::vector<int> combination(static_cast<std::size_t>(set.arity));
  unrank_combination(first, static_cast<int>(set.elements.size()), combination);
  rows = {set.arity, {}};
  for (std::size_t i = 0; i < count; ++i) {
    for (const int element : combination) rows.rows.push_back(set.rows[static_cast<std::size_t>(element)]);
    const PhaseField field = set.field(first + i);
    listed[i].rank = first + i;
    listed[i].fold = members.fold(std::span(rows.rows).last(static_cast<std::size_t>(set.arity)));
    listed[i].known = known.flags(FieldKey(field));
    listed[i].frequency = frequencies.of(field, listed[i].fold);
    next_combination(combination, static_cast<int>(set.elements.size()));
  }
  return listed;
}

std::vector<Judged> judge_all(LoadedRun& loaded, const CandidateSet& set, const KnownFields& known,
                              const Execution& execution) {
  const ElementFrequencies frequencies(loaded.contents(), loaded.accessibility().folds());
  std::vector<Judged> all;
  all.reserve(set.count);
  while (all.size() < set.count) {
    if (execution.stop_requested()) throw Interrupted("interrupted; nothing was written");
    FieldSet rows;
    const std::size_t count = std::min<std::uint64_t>(evaluation_chunk, set.count - all.size());
    std::vector<Judged> part = list_fields(set, all.size(), count, loaded.accessibility(), known, frequencies, rows);
    const OverMembers accessibility = loaded.accessibility().judge(loaded.engine(), rows);
    const std::vector<FieldStatistics> statistics = loaded.engine().ensemble_statistics(loaded.slots(), rows);
    for (std::size_t i = 0; i < count; ++i) {
      part[i].accessibility = accessibility.mean[i];
      part[i].deviation = accessibility.deviation[i];
      part[i].error = statistics[i].error;
    }
    all.insert(all.end(), part.begin(), part.end());
    execution.progress(static_cast<double>(all.size()) / static_cast<double>(set.count),
                       fmt::format("{} of {} fields", all.size(), set.count));
  }
  return all;
}

// Areas under the curve of the three scores for one way to part the fields. `label`: 1, 0, or -1 for fields that do not
// take part.
template <typename Label>
nlohmann::json measure(const std::string& what, const std::vector<Judged>& all, const Label& label) {
  std::vector<std::uint8_t> labels;
  std::vector<double> accessibility, error, frequency;
  for (const Judged& field : all) {
    const int of_field = label(field.known);
    if (of_field < 0) continue;
    labels.push_back(static_cast<std::uint8_t>(of_field));
    accessibility.push_back(field.accessibility);
    error.push_back(-field.error);
    frequency.push_back(field.frequency);
  }
  const auto positives = static_cast<std::size_t>(std::count(labels.begin(), labels.end(), 1));
  const auto area = [&](const std::vector<double>& scores) -> nlohmann::json {
    const double value = roc_area(labels, scores);
    return std::isnan(value) ? nlohmann::json() : nlohmann::json(value);
  };
  return {{"what", what},
          {"positives", positives},
          {"negatives", labels.size() - positives},
          {"accessibility", area(accessibility)},
          {"reconstruction_error", area(error)},
          {"element_frequency", area(frequency)}};
}

nlohmann::json measures(const std::vector<Judged>& all, bool reported) {
  const auto has = [](std::uint8_t flags, Known known) { return (flags & static_cast<std::uint8_t>(known)) != 0; };
  const auto of_run = [has](std::uint8_t flags) {
    return has(flags, Known::training) || has(flags, Known::environments);
  };
  nlohmann::json result = {
      measure("known fields against all others", all, [&](std::uint8_t flags) { return of_run(flags) ? 1 : 0; }),
      measure("fields of the formulas against all others", all,
              [&](std::uint8_t flags) { return has(flags, Known::environments) ? 1 : 0; })};
  if (!reported) return result;
  result.push_back(measure("reported but not known, against neither", all, [&](std::uint8_t flags) {
    return of_run(flags) ? -1 : has(flags, Known::reported) ? 1 : 0;
  }));
  result.push_back(measure("reported but not in the formulas, against neither", all, [&](std::uint8_t flags) {
    return has(flags, Known::environments) ? -1 : has(flags, Known::reported) ? 1 : 0;
  }));
  return result;
}

void write_fields(OutputFile& file, const CandidateSet& set, const std::vector<Judged>& all) {
  file.write("phases,fold,accessibility,accessibility_std,reconstruction_error,element_frequency,known\n");
  for (const Judged& field : all) {
    file.write(fmt::format("{},{},{},{},{},{},{}\n", to_string(set.field(field.rank)), field.fold,
                           number(field.accessibility), number(field.deviation), number(field.error),
                           number(field.frequency), known_text(field.known)));
  }
}

}  // namespace

nlohmann::json measure_accessibility(const AccessibilityRequest& request, const Execution& execution) {
  const Stopwatch total;
  const bool reported = !request.reported.empty();
  check_output_paths({request.output}, reported ? std::vector{request.reported} : std::vector<std::filesystem::path>{},
                     request.run);
  LoadedRun loaded(request.run, execution);
  if (!loaded.accessibility().complete()) {
    throw UsageError(
        fmt::format("{} does not judge accessibility: train with accessibility.members, or merge its parts first",
                    request.run.string()));
  }
  ScreenRequest candidates;
  candidates.arity = request.arity;
  const CandidateSet set = choose_candidates(candidates, loaded.contents(), execution);
  if (set.count > most_fields) {
    throw UsageError(fmt::format("--arity: {} elements have {} fields of {}, more than the {} that can be measured",
                                 set.elements.size(), set.count, set.arity, most_fields));
  }
  const KnownLists known = read_known_lists(
      loaded.contents(), reported ? std::vector{request.reported} : std::vector<std::filesystem::path>{},
      request.format, execution);
  OutputFile file(request.output);
  const std::vector<Judged> all = judge_all(loaded, set, known.fields, execution);
  file.write(damaged_comment(loaded.contents()));
  write_fields(file, set, all);
  file.commit();
  nlohmann::json result{{"arity", set.arity},
                        {"fields", all.size()},
                        {"folds", loaded.accessibility().folds()},
                        {"members", loaded.run().members()},
                        {"accessibility_members", loaded.run().accessibility_members()},
                        {"measures", measures(all, reported)},
                        {"seconds", total.seconds()}};
  add_counts(result, known);
  add_damaged_members(result, loaded.contents());
  return result;
}

}  // namespace phaseselect
