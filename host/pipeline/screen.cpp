// screen: every combination of the chosen elements, best first, in memory that does not grow with their number.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

#include "host/io/output_file.hpp"
#include "host/io/output_paths.hpp"
#include "host/io/sha256.hpp"
#include "host/io/stopwatch.hpp"
#include "host/pipeline/candidate_set.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/external_sort.hpp"
#include "host/pipeline/field_lists.hpp"
#include "host/pipeline/loaded_run.hpp"
#include "host/pipeline/result_table.hpp"
#include "host/pipeline/resumed_execution.hpp"
#include "host/pipeline/screening_state.hpp"
#include "phaseselect/data/candidates.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t sort_capacity = std::size_t{1} << 20;  // candidates in memory: 40 MB
constexpr std::size_t summary_rows = 10;

// Walks through the combinations and hands out those to be screened in chunks.
class CandidateStream {
 public:
  CandidateStream(const CandidateSet& set, const KnownFields& known, bool unknown_only, std::uint64_t first_rank)
      : set_(set),
        known_(known),
        unknown_only_(unknown_only),
        combination_(static_cast<std::size_t>(set.arity)),
        next_rank_(first_rank) {
    if (first_rank < set.count) unrank_combination(first_rank, static_cast<int>(set.elements.size()), combination_);
  }

  // False when nothing is left.
  bool fill(ScreeningTally& tally) {
    rows_.clear();
    candidates_.clear();
    while (next_rank_ < set_.count && candidates_.size() < evaluation_chunk) {
      take(tally);
      ++next_rank_;
      next_combination(combination_, static_cast<int>(set_.elements.size()));
    }
    return !candidates_.empty();
  }

  const CandidateSet& set() const { return set_; }
  std::uint64_t next_rank() const { return next_rank_; }
  FieldView fields() const { return {set_.arity, rows_}; }
  std::vector<Candidate>& candidates() { return candidates_; }
  double fraction() const { return static_cast<double>(next_rank_) / static_cast<double>(set_.count); }

 private:
  void take(ScreeningTally& tally) {
    FieldKey key;
    for (const int index : combination_) key.add(set_.elements[static_cast<std::size_t>(index)]);
    const std::uint8_t flags = known_.flags(key);
    if (flags != 0) ++tally.known;
    if (flags != 0 && unknown_only_) {
      ++tally.left_out;
      return;
    }
    for (const int index : combination_) rows_.push_back(set_.rows[static_cast<std::size_t>(index)]);
    Candidate candidate;
    candidate.rank = next_rank_;
    candidate.known = flags;
    candidates_.push_back(candidate);
  }

  const CandidateSet& set_;
  const KnownFields& known_;
  bool unknown_only_;
  std::vector<int> combination_;
  std::uint64_t next_rank_;
  std::vector<std::int16_t> rows_;
  std::vector<Candidate> candidates_;
};

RankBy choose_order(RankBy wanted, const LoadedRun& loaded) {
  const bool judges = loaded.accessibility().complete();
  if (wanted == RankBy::automatic) return judges ? RankBy::product : RankBy::probability;
  if (wanted != RankBy::probability && !judges) {
    throw UsageError(
        "--order: this run does not judge accessibility: rank by probability, or train with accessibility.members");
  }
  return wanted;
}

const char* order_name(RankBy order) {
  return order == RankBy::product ? "product" : order == RankBy::accessibility ? "accessibility" : "probability";
}

// Candidates on their way from the engine into the sorter.
class Evaluation {
 public:
  Evaluation(LoadedRun& loaded, const CandidateSet& set, RankBy order, CandidateSorter& sorter, ScreeningTally& tally)
      : loaded_(loaded), set_(set), order_(order), sorter_(sorter), tally_(tally) {}

  void evaluate(CandidateStream& stream) {
    const std::vector<FieldStatistics> statistics =
        loaded_.engine().ensemble_statistics(loaded_.slots(), stream.fields());
    const OverMembers accessibility = loaded_.accessibility().judge(loaded_.engine(), stream.fields());
    for (std::size_t i = 0; i < statistics.size(); ++i) {
      tally_.errors.include(statistics[i].error);
      keep(stream.candidates()[i], statistics[i], accessibility, i);
    }
  }

  // The best of all are among the best of each chunk: the others stay in the engine. Only by probability.
  void evaluate_best(CandidateStream& stream, std::size_t top) {
    const BestFields best = loaded_.engine().best_fields(loaded_.slots(), stream.fields(), top);
    tally_.errors.include(best.smallest_error);
    tally_.errors.include(best.largest_error);
    const OverMembers accessibility =
        loaded_.accessibility().judge(loaded_.engine(), gather(stream.fields(), best.index));
    for (std::size_t i = 0; i < best.index.size(); ++i) {
      keep(stream.candidates()[best.index[i]], best.statistics[i], accessibility, i);
    }
  }

 private:
  void keep(Candidate& candidate, const FieldStatistics& statistics, const OverMembers& accessibility, std::size_t i) {
    candidate.probability = statistics.probability;
    candidate.deviation = statistics.deviation;
    candidate.error = statistics.error;
    candidate.accessibility = accessibility.mean[i];
    candidate.accessibility_deviation = accessibility.deviation[i];
    const Run& run = loaded_.run();
    candidate.calibrated =
        run.calibrated(candidate.probability, run.weighs_neighbours() ? set_.field(candidate.rank) : PhaseField());
    candidate.score = order_ == RankBy::probability     ? probability(candidate)
                      : order_ == RankBy::accessibility ? candidate.accessibility
                                                        : probability(candidate) * candidate.accessibility;
    sorter_.add(candidate);
  }

  // The calibrated one of a calibrated run. By probability alone, a calibration that keeps the order is not needed.
  float probability(const Candidate& candidate) const {
    const bool needed = order_ != RankBy::probability || loaded_.run().weighs_neighbours();
    return needed && loaded_.contents().calibration ? candidate.calibrated : candidate.probability;
  }

  LoadedRun& loaded_;
  const CandidateSet& set_;
  RankBy order_;
  CandidateSorter& sorter_;
  ScreeningTally& tally_;
};

// What the state of a resumable screening is of. Another engine would give other bits.
ScreeningState::Identity identity_of(const ScreenRequest& request, LoadedRun& loaded, const CandidateSet& set,
                                     RankBy order, const KnownLists& known) {
  std::string elements;
  for (const Element element : set.elements) elements += std::string(symbol(element)) + " ";
  ScreeningState::Identity identity{{"run", loaded.run().file().metadata().at("sha256")},
                                    {"run.json", loaded.run().checksum()},
                                    {"engine", loaded.engine().kind()},
                                    {"instruction_set", loaded.engine().instruction_set()},
                                    {"arity", fmt::format("{}", set.arity)},
                                    {"elements", elements},
                                    {"known fields", known.identity},
                                    {"unknown-only", request.unknown_only ? "yes" : "no"},
                                    {"top", fmt::format("{}", request.top)},
                                    {"order", order_name(order)}};
  if (const SafetensorsReader* file = loaded.run().accessibility_file()) {
    identity["accessibility"] = file->metadata().at("sha256");
  }
  return identity;
}

// One screening from its first candidate, or the first that is not yet judged, to its last.
class Screening {
 public:
  Screening(const ScreenRequest& request, const Execution& execution, LoadedRun& loaded, const CandidateSet& set,
            RankBy order, CandidateSorter& sorter, ScreeningState* state)
      : request_(request),
        execution_(execution),
        sorter_(sorter),
        state_(state),
        tally_(state == nullptr ? ScreeningTally{} : state->progress().tally),
        evaluation_(loaded, set, order, sorter, tally_),
        engine_knows_best_(request.top > 0 && order == RankBy::probability && !loaded.run().weighs_neighbours()) {}

  const ScreeningTally& run(CandidateStream stream) {
    const Stopwatch watch;
    while (true) {
      if (execution_.stop_requested()) stop(stream);
      if (!stream.fill(tally_)) break;
      if (engine_knows_best_) {
        evaluation_.evaluate_best(stream, request_.top);
      } else {
        evaluation_.evaluate(stream);
      }
      judged_ += stream.candidates().size();
      tally_.screened += stream.candidates().size();
      execution_.progress(stream.fraction(), fmt::format("{} candidates, {:.0f} a second", tally_.screened,
                                                         static_cast<double>(judged_) / watch.seconds()));
      if (saved_.seconds() >= request_.checkpoint_seconds) save(stream.next_rank());
    }
    if (tally_.screened > 0) save(stream.next_rank());
    sorter_.finish();
    return tally_;
  }

  std::uint64_t judged() const { return judged_; }  // by this process

 private:
  [[noreturn]] void stop(const CandidateStream& stream) {
    if (state_ == nullptr) {
      throw Interrupted("interrupted; nothing was written (a screening with --resume can be continued)");
    }
    save(stream.next_rank());
    throw Interrupted(fmt::format("stopped with {} of {} candidates done, state saved: repeat the command to continue",
                                  stream.next_rank(), stream.set().count));
  }

  void save(std::uint64_t next_rank) {
    if (state_ == nullptr) return;
    state_->save({next_rank, tally_, sorter_.save()});
    saved_ = Stopwatch();
  }

  const ScreenRequest& request_;
  const Execution& execution_;
  CandidateSorter& sorter_;
  ScreeningState* state_;  // null where nothing is kept
  ScreeningTally tally_;
  Evaluation evaluation_;
  bool engine_knows_best_;
  std::uint64_t judged_ = 0;
  Stopwatch saved_;
};

// Beside the result, where there must be room anyway; in the temporary folder when the result is a stream.
std::filesystem::path spill_folder(const std::filesystem::path& output) {
  if (!is_stream(output)) return output.has_parent_path() ? output.parent_path() : std::filesystem::path(".");
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  // One that cannot be used matters only when something has to be spilled, and is named then.
  const char* const wanted = std::getenv("TMPDIR");
  return !error ? folder : std::filesystem::path(wanted != nullptr ? wanted : "/tmp");
}

nlohmann::json write_ranking(OutputFile& file, CandidateSorter& sorter, const CandidateSet& set,
                             const ScreeningTally& tally, const Run& run) {
  nlohmann::json best = nlohmann::json::array();
  std::uint64_t written = 0;
  file.write(damaged_comment(run.contents()) + result_header() + "\n");
  for (Candidate candidate; sorter.next(candidate); ++written) {
    const ResultRow row{.statistics = {candidate.probability, candidate.deviation, candidate.error},
                        .uncertainty = tally.errors.normalised(candidate.error),
                        .percentile = run.percentile(candidate.error),
                        .accessibility = candidate.accessibility,
                        .accessibility_deviation = candidate.accessibility_deviation,
                        .known = static_cast<std::uint8_t>(candidate.known),
                        .calibrated = candidate.calibrated};
    const std::string phases = to_string(set.field(candidate.rank));
    file.write(result_cells(phases, row) + "\n");
    if (best.size() < summary_rows) best.push_back(to_json(phases, row));
  }
  return {{"written", written}, {"best", best}};
}

}  // namespace

nlohmann::json screen(const ScreenRequest& request, const Execution& execution) {
  const Stopwatch total;
  check_output_paths({request.output}, request.known, request.run);
  if (request.resume && is_stream(request.output)) {
    throw UsageError("--resume: a screening can only be continued into a file: name one with -o");
  }
  const auto begun = request.resume ? engine_of_screening(request.output) : std::nullopt;
  LoadedRun loaded(request.run,
                   begun ? resumed_execution({request.output, begun->first, begun->second}, execution) : execution);
  const CandidateSet set = choose_candidates(request, loaded.contents(), execution);
  const RankBy order = choose_order(request.order, loaded);
  note_accessibility(loaded, execution);
  const KnownLists known = read_known_lists(loaded.contents(), request.known, request.format, execution);
  if (request.resume) execution.resumable("the same command");
  std::optional<ScreeningState> state;
  if (request.resume) state.emplace(request.output, identity_of(request, loaded, set, order, known), execution.remark);
  if (state && state->result()) {
    execution.note(fmt::format("{} is already finished", request.output.string()));
    return *state->result();
  }
  OutputFile file(request.output);  // before the work: a folder that cannot be written is found at once
  const std::uint64_t first_rank = state ? state->progress().next_rank : 0;
  CandidateSorter sorter =
      state ? CandidateSorter(state->candidates(), state->progress().runs, sort_capacity, request.top)
            : CandidateSorter(spill_folder(request.output), sort_capacity, request.top);
  const Stopwatch watch;
  Screening screening(request, execution, loaded, set, order, sorter, state ? &*state : nullptr);
  const ScreeningTally tally = screening.run(CandidateStream(set, known.fields, request.unknown_only, first_rank));
  const double seconds = watch.seconds();
  if (tally.screened == 0) {
    throw UsageError(
        fmt::format("there is no candidate: all {} are known fields, which --unknown-only leaves out", set.count));
  }
  nlohmann::json result = write_ranking(file, sorter, set, tally, loaded.run());
  file.commit();
  result.update(
      {{"arity", set.arity},
       {"elements", set.elements.size()},
       {"members", loaded.run().members()},
       {"accessibility_members", loaded.run().accessibility_members()},
       {"order", order_name(order)},
       {"calibrated", loaded.contents().calibration.has_value()},
       {"candidates", set.count},
       {"screened", tally.screened},
       {"known", tally.known},
       {"left_out", tally.left_out},
       {"seconds", total.seconds()},
       {"field_members_per_second", static_cast<double>(screening.judged()) * loaded.run().members() / seconds}});
  add_counts(result, known);
  add_damaged_members(result, loaded.contents());
  if (state) state->finish(result);
  return result;
}

}  // namespace phaseselect
