// Studies: of a validation (variations, ensemble sizes) and of a run (metals, ranking).
#include "host/pipeline/study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "host/io/output_file.hpp"
#include "host/io/stopwatch.hpp"
#include "host/pipeline/candidate_set.hpp"
#include "host/pipeline/cross_validation.hpp"
#include "host/pipeline/field_lists.hpp"
#include "host/pipeline/loaded_run.hpp"
#include "phaseselect/data/candidates.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/error.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

std::string cell(const nlohmann::json& value) { return value.is_number() ? number(value.get<double>()) : ""; }

// ---- variations ----

PopulationOptions population_options(const std::string& what, const Execution& execution) {
  PopulationOptions options;
  options.ranking = false;
  options.progress = [&execution, what](const PopulationProgress& progress) {
    execution.progress(progress.fraction,
                       fmt::format("{}: {} of {} members", what, progress.members_done, progress.members));
  };
  options.stop_requested = execution.stop_requested;
  options.stopping = execution.stopping;
  options.diverged = [&execution, what](std::uint32_t member) {
    execution.remark(
        fmt::format("{}: member {} diverged (losses or weights that are not finite) and is set aside", what, member));
  };
  return options;
}

// The checksums of the tables that were read, by name: all rows of a study are of the same bytes.
using TablesRead = std::map<fs::path, std::string>;

void check_unchanged(TablesRead& read, const fs::path& table, const std::string& sha256) {
  const auto [earlier, is_new] = read.emplace(table, sha256);
  if (is_new || earlier->second == sha256) return;
  throw Error(fmt::format("{} changed while the study ran, and its rows would not be of one table: run it again",
                          table.string()));
}

std::vector<std::string> variation_row(const Variation& variation, const std::string& what, TablesRead& read,
                                       const Execution& execution) {
  const Stopwatch watch;
  const PreparedData data = prepare(variation.config);
  check_unchanged(read, variation.config.data.properties, data.identity.properties_sha256);
  check_unchanged(read, variation.config.environments.formulas, data.identity.formulas_sha256);
  const FoldPlans plans = fold_plans(variation.config, data);
  const std::unique_ptr<Engine> engine = make_engine(data.problem, execution, Work::training);
  const std::vector<TrainedMember> members =
      train_population(*engine, data.problem, variation.config, plans.members, population_options(what, execution));
  const nlohmann::json found = measures(plans, judge_folds(*engine, variation.config, data, plans, members));
  std::vector<std::string> row{csv_cell(variation.value), fmt::format("{}", data.kept.size()),
                               fmt::format("{}", data.positives)};
  for (const char* name : {"accuracy", "f1", "roc_auc", "mcc", "log_loss", "brier"}) {
    row.push_back(cell(found["mean"][name]));
  }
  row.push_back(cell(found["pooled"]["ece"]));
  for (const char* name : {"accuracy", "roc_auc"}) row.push_back(cell(found["standard_deviation"][name]));
  const nlohmann::json& calibrated = found["calibrated"];
  for (const auto& [over, name] : {std::pair("mean", "accuracy"), std::pair("mean", "roc_auc"),
                                   std::pair("mean", "log_loss"), std::pair("pooled", "ece")}) {
    row.push_back(calibrated.is_null() ? "" : cell(calibrated[over][name]));
  }
  row.push_back(fmt::format("{:.1f}", watch.seconds()));
  return row;
}

// ---- ensemble sizes ----

struct MemberPredictions {
  std::vector<std::uint8_t> labels;
  std::vector<std::vector<float>> of_members;  // [members][judged]
};

// Of each fold.
std::vector<MemberPredictions> read_member_predictions(const fs::path& validation) {
  const fs::path path = validation / member_predictions_file_name;
  if (!fs::exists(path)) {
    throw UsageError(
        fmt::format("{} has no {}: name the folder of a validation that was made with --member-predictions",
                    validation.string(), member_predictions_file_name));
  }
  const nlohmann::json files = read_metrics(validation).at("files");
  const CsvTable table = read_csv(path);
  const auto listed = files.find(member_predictions_file_name);
  if (listed == files.end() || *listed != table.sha256()) {
    damaged_validation(path, "it is not the one that metrics.json speaks of");
  }
  const std::size_t fold = table.column("fold"), label = table.column("label"), first = table.column("member_0");
  std::vector<MemberPredictions> folds;
  for (const CsvRow& row : table.rows()) {
    const auto number_of_fold = parse_number(row.cells[fold]);
    if (!number_of_fold || *number_of_fold < 0 || *number_of_fold >= 255) {
      throw Error(fmt::format("{}:{}: the fold is malformed", path.string(), row.line));
    }
    const auto index = static_cast<std::size_t>(*number_of_fold);
    while (folds.size() <= index) folds.push_back({{}, std::vector<std::vector<float>>(row.cells.size() - first)});
    folds[index].labels.push_back(row.cells[label] == "1" ? 1 : 0);
    for (std::size_t m = first; m < row.cells.size(); ++m) {
      if (row.cells[m].empty()) continue;  // a member that diverged
      const auto probability = parse_number(row.cells[m]);
      if (!probability || *probability < 0 || *probability > 1) {
        throw Error(fmt::format("{}:{}: '{}' is no probability", path.string(), row.line, row.cells[m]));
      }
      folds[index].of_members[m - first].push_back(static_cast<float>(*probability));
    }
  }
  if (folds.empty()) throw Error(fmt::format("{} has no rows", path.string()));
  for (MemberPredictions& of_fold : folds) {
    std::erase_if(of_fold.of_members, [](const auto& values) { return values.empty(); });
    for (const std::vector<float>& values : of_fold.of_members) {
      if (values.size() != of_fold.labels.size()) {
        throw Error(fmt::format("{}: a member has no probability of some fields", path.string()));
      }
    }
  }
  return folds;
}

std::vector<float> mean_of(const MemberPredictions& fold, std::span<const std::uint32_t> members) {
  std::vector<double> sums(fold.labels.size(), 0.0);
  for (const std::uint32_t m : members) {
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(fold.of_members[m][i]);
  }
  std::vector<float> means;
  means.reserve(sums.size());
  for (const double sum : sums) means.push_back(static_cast<float>(sum / static_cast<double>(members.size())));
  return means;
}

std::vector<std::uint32_t> all_members(const MemberPredictions& fold) {
  std::vector<std::uint32_t> members(fold.of_members.size());
  std::iota(members.begin(), members.end(), 0u);
  return members;
}

// Steps of the folds' stream above 0 are this study's.
std::vector<std::uint32_t> choose_members(const MemberPredictions& fold, std::size_t number_of_fold, int size,
                                          int repeat, std::uint64_t seed) {
  std::vector<std::uint32_t> members = all_members(fold);
  const RandomStream stream{seed, static_cast<std::uint32_t>(repeat), Stream::folds,
                            static_cast<std::uint32_t>(number_of_fold), static_cast<std::uint32_t>(size)};
  std::sort(members.begin(), members.end(),
            [&](std::uint32_t a, std::uint32_t b) { return std::pair(stream(a), a) < std::pair(stream(b), b); });
  members.resize(static_cast<std::size_t>(size));
  std::sort(members.begin(), members.end());
  return members;
}

// Means over the folds for one choice of members.
struct SubsetMeasures {
  std::vector<double> of_measure;  // beside subset_measures
  double shift = 0;
};
constexpr std::array subset_measures{&Metrics::accuracy, &Metrics::roc_auc, &Metrics::log_loss, &Metrics::ece};

SubsetMeasures measure_subset(const std::vector<MemberPredictions>& folds, int size, int repeat, std::uint64_t seed) {
  std::vector<std::vector<double>> values(subset_measures.size());
  SubsetMeasures result;
  for (std::size_t f = 0; f < folds.size(); ++f) {
    const std::vector<float> part = mean_of(folds[f], choose_members(folds[f], f, size, repeat, seed));
    const std::vector<float> all = mean_of(folds[f], all_members(folds[f]));
    const Metrics metrics = compute_metrics(folds[f].labels, part);
    for (std::size_t k = 0; k < values.size(); ++k) values[k].push_back(metrics.*subset_measures[k]);
    double difference = 0;
    for (std::size_t i = 0; i < part.size(); ++i) difference += std::abs(part[i] - all[i]);
    result.shift += difference / static_cast<double>(part.size() * folds.size());
  }
  for (const std::vector<double>& of_folds : values) result.of_measure.push_back(mean_deviation(of_folds).mean);
  return result;
}

// ---- studies of a run ----

CandidateSet candidates(const LoadedRun& loaded, const fs::path& run, int arity, std::vector<std::string> elements,
                        const Execution& execution) {
  ScreenRequest request;
  request.run = run;
  request.arity = arity;
  request.elements = std::move(elements);
  return choose_candidates(request, loaded.contents(), execution);
}

// Calls visit(field, statistics) for every candidate, chunk by chunk.
template <typename Visit>
void judge_all(LoadedRun& loaded, const CandidateSet& set, const Execution& execution, Visit visit) {
  std::vector<int> combination(static_cast<std::size_t>(set.arity));
  unrank_combination(0, static_cast<int>(set.elements.size()), combination);
  std::vector<std::int16_t> rows;
  for (std::uint64_t start = 0; start < set.count; start += evaluation_chunk) {
    if (execution.stop_requested()) throw Interrupted("interrupted; nothing was written");
    const std::uint64_t end = std::min<std::uint64_t>(set.count, start + evaluation_chunk);
    rows.clear();
    for (std::uint64_t rank = start; rank < end; ++rank) {
      for (const int index : combination) rows.push_back(set.rows[static_cast<std::size_t>(index)]);
      next_combination(combination, static_cast<int>(set.elements.size()));
    }
    const auto statistics = loaded.engine().ensemble_statistics(loaded.slots(), FieldView(set.arity, rows));
    for (std::uint64_t rank = start; rank < end; ++rank) visit(set.field(rank), statistics[rank - start]);
    execution.progress(static_cast<double>(end) / static_cast<double>(set.count), fmt::format("{} fields", end));
  }
}

void note_damaged(StudyTable& table, const RunContents& contents) {
  add_damaged_members(table.counts, contents);
  table.comment = damaged_comment(contents);
}

struct MetalTally {
  std::uint64_t fields = 0, below = 0;
  double sum = 0, highest = 0;
  std::vector<std::string> row(const std::string& name, std::size_t metals) const {
    const auto count = static_cast<double>(fields);
    return {name,
            fmt::format("{}", metals),
            fmt::format("{}", fields),
            fmt::format("{}", below),
            number(static_cast<double>(below) / count),
            number(sum / count),
            fields == 0 ? "" : number(highest)};
  }
};

double median(std::vector<float> values) {
  if (values.empty()) return std::nan("");
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (static_cast<double>(values[half - 1]) + values[half]) / 2;
}

// Errors of the training fields of one size, each by the members that held it out.
std::vector<float> held_out_errors_of(const Run& run, int arity) {
  const std::vector<float>& errors = run.held_out_errors();
  std::vector<float> chosen;
  for (std::size_t row = 0; row < errors.size(); ++row) {
    const bool wanted = run.contents().training_fields[row].field.size() == arity && !std::isnan(errors[row]);
    if (wanted) chosen.push_back(errors[row]);
  }
  return chosen;
}

}  // namespace

std::string to_csv(const StudyTable& table) {
  std::string text = table.comment;
  const auto add = [&text](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) text += (i == 0 ? "" : ",") + cells[i];
    text += "\n";
  };
  add(table.columns);
  for (const std::vector<std::string>& row : table.rows) add(row);
  return text;
}

StudyTable study_variations(const std::string& key, const std::vector<Variation>& variations,
                            const Execution& execution, const std::function<void(const StudyTable&)>& after_row) {
  StudyTable table{
      {key, "fields", "positives", "accuracy", "f1", "roc_auc", "mcc", "log_loss", "brier", "ece", "accuracy_std",
       "roc_auc_std", "calibrated_accuracy", "calibrated_roc_auc", "calibrated_log_loss", "calibrated_ece", "seconds"},
      {}};
  TablesRead read;
  Execution quieter = execution;  // the engine says once what it is
  for (std::size_t i = 0; i < variations.size(); ++i) {
    const std::string what = fmt::format("{}={} ({} of {})", key, variations[i].value, i + 1, variations.size());
    table.rows.push_back(variation_row(variations[i], what, read, quieter));
    after_row(table);
    quieter.note = [](const std::string&) {};
  }
  return table;
}

StudyTable study_ensemble_sizes(const fs::path& validation, const std::vector<int>& sizes, std::uint64_t seed) {
  const std::vector<MemberPredictions> folds = read_member_predictions(validation);
  const auto fewer = [](const MemberPredictions& a, const MemberPredictions& b) {
    return a.of_members.size() < b.of_members.size();
  };
  const auto [smallest, largest] = std::minmax_element(folds.begin(), folds.end(), fewer);
  const auto members = static_cast<int>(smallest->of_members.size());  // some may have diverged
  const bool one_choice = smallest->of_members.size() == largest->of_members.size();
  StudyTable table{{"members", "subsets", "accuracy", "accuracy_std", "roc_auc", "roc_auc_std", "log_loss",
                    "log_loss_std", "ece", "ece_std", "mean_shift"},
                   {}};
  for (const int size : sizes) {
    if (size > members) {
      throw UsageError(
          fmt::format("--ensemble-sizes: {} is more than the {} members of {}", size, members, validation.string()));
    }
    const int subsets = size == members && one_choice ? 1 : member_subsets;
    std::vector<std::vector<double>> values(subset_measures.size());
    double shift = 0;
    for (int repeat = 0; repeat < subsets; ++repeat) {
      const SubsetMeasures subset = measure_subset(folds, size, repeat, seed);
      for (std::size_t k = 0; k < values.size(); ++k) values[k].push_back(subset.of_measure[k]);
      shift += subset.shift / subsets;
    }
    std::vector<std::string> row{fmt::format("{}", size), fmt::format("{}", subsets)};
    for (const std::vector<double>& of_subsets : values) {
      const MeanDeviation summary = mean_deviation(of_subsets);
      row.push_back(number(summary.mean));
      row.push_back(number(summary.deviation));
    }
    row.push_back(number(shift));
    table.rows.push_back(std::move(row));
  }
  return table;
}

StudyTable study_metals(const fs::path& run, int arity, const Execution& execution) {
  LoadedRun loaded(run, execution);
  std::vector<std::string> metals;
  for (const Element element : loaded.contents().elements) {
    if (is_metal(element)) metals.emplace_back(symbol(element));
  }
  if (metals.empty()) throw UsageError(fmt::format("{} models no metal", run.string()));
  MetalTally all, measured;
  judge_all(loaded, candidates(loaded, run, arity, metals, execution), execution,
            [&](const PhaseField&, const FieldStatistics& statistics) {
              const double probability = statistics.probability;
              ++all.fields;
              all.below += probability < 0.5 ? 1 : 0;
              all.sum += probability;
              all.highest = std::max(all.highest, probability);
            });
  const RunContents& contents = loaded.contents();
  for (std::size_t row = 0; row < contents.training_fields.size(); ++row) {
    const std::vector<Element>& elements = contents.training_fields[row].field.elements();
    if (static_cast<int>(elements.size()) != arity || !std::all_of(elements.begin(), elements.end(), is_metal))
      continue;
    const int label = contents.problem.labels[row];
    ++measured.fields;
    measured.below += label == 0 ? 1 : 0;
    measured.sum += label;
    measured.highest = std::max(measured.highest, static_cast<double>(label));
  }
  StudyTable table{
      {"set", "metals", "fields", "below_threshold", "share_below", "mean_probability", "highest_probability"},
      {all.row("all", metals.size()), measured.row("measured", metals.size())}};
  note_damaged(table, contents);
  return table;
}

StudyTable study_ranking(const fs::path& run, int arity, const ReportedLists& lists, const Execution& execution) {
  LoadedRun loaded(run, execution);
  const KnownLists known = read_known_lists(loaded.contents(), lists.files, lists.format, execution);
  std::vector<float> environments, reported, unreported;
  judge_all(loaded, candidates(loaded, run, arity, {}, execution), execution,
            [&](const PhaseField& field, const FieldStatistics& statistics) {
              const std::uint8_t flags = known.fields.flags(FieldKey(field));
              if ((flags & static_cast<std::uint8_t>(Known::training)) != 0) return;  // seen by the ranking network
              const bool in_formulas = (flags & static_cast<std::uint8_t>(Known::environments)) != 0;
              (in_formulas ? environments : flags != 0 ? reported : unreported).push_back(statistics.error);
            });
  const std::vector<float> held_out = held_out_errors_of(loaded.run(), arity);
  if (unreported.empty() || std::isnan(unreported.front()) || held_out.empty()) {
    throw UsageError(
        fmt::format("{}: there is nothing to compare: {} held-out known and {} unreported fields of {} elements",
                    run.string(), held_out.size(), unreported.size(), arity));
  }
  StudyTable table{{"set", "fields", "median_error", "median_percentile", "roc_auc"}, {}};
  add_counts(table.counts, known);
  note_damaged(table, loaded.contents());
  using Set = std::pair<const char*, const std::vector<float>*>;
  for (const auto& [name, errors] : {Set{"held_out", &held_out}, Set{"environments", &environments},
                                     Set{"reported", &reported}, Set{"unreported", &unreported}}) {
    if (errors->empty()) continue;
    const double middle = median(*errors);
    table.rows.push_back({name, fmt::format("{}", errors->size()), number(middle),
                          number(loaded.run().percentile(static_cast<float>(middle))),
                          errors == &unreported ? "" : number(probability_of_less(*errors, unreported))});
  }
  return table;
}

}  // namespace phaseselect
