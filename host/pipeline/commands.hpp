// What each command does, free of argument parsing and printing styles.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "phaseselect/config/config.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

enum class Device { automatic, cpu, cuda };

// Where CUDA engines come from; tests put another in its place.
struct CudaSource {
  std::function<std::string()> obstacle = cuda_engine_obstacle;  // why there are none, and what to do; empty: there are
  std::function<std::unique_ptr<Engine>(const Problem&)> make = [](const Problem& p) { return make_cuda_engine(p); };
};

struct Execution {
  Device device = Device::automatic;
  int threads = 0;                                     // of the CPU engine
  InstructionSet instructions = InstructionSet::best;  // of the CPU engine
  bool skip_damaged_members = false;                   // a run goes without members that have no finite weights
  CudaSource cuda;
  // For the user, one sentence each: remarks say what was guessed, repaired or left out and are shown even when notes
  // are not. Then progress, and the request to stop, asked between rounds of work by one thread. Never null.
  std::function<void(const std::string&)> remark = [](const std::string&) {};
  std::function<void(const std::string&)> note = [](const std::string&) {};
  std::function<void(double fraction, const std::string& what)> progress = [](double, const std::string&) {};
  std::function<bool()> stop_requested = [] { return false; };
  std::function<bool()> stopping = [] { return false; };  // the same, asked often within a round, by several threads
  // The command that goes on with the work should the process end before it does; told once there is something kept.
  std::function<void(const std::string& command)> resumable = [](const std::string&) {};
};

// What an engine is for. Only training needs the problem's precision and room for a member's moments.
enum class Work { training, evaluation };

// "this build has no CUDA engine: use --device cpu" -> "this build has no CUDA engine".
std::string without_advice(const std::string& sentence);

// The engine for a device. Device::cuda throws UsageError where it cannot be used or cannot hold the problem; automatic
// takes the CPU then, and notes what it took and why. A precision that the engine does not have throws UsageError.
std::unique_ptr<Engine> make_engine(const Problem& problem, const Execution& execution, Work work);

struct AggregateRequest {
  std::filesystem::path formulas;  // - is standard input
  std::filesystem::path output;
  std::filesystem::path rejects;  // the rows that were not used; may be empty
  std::string property, formula;  // names of columns; empty: guessed
  DecimalMark decimal = DecimalMark::point;
};
// Merges compositions into phase fields. Columns of the output: phases, <property>, n_compositions, minimum,
// maximum_formula. Returns counts, the property and its range, and the remarks.
nlohmann::json aggregate(const AggregateRequest& request, const Execution& execution);

// Data audit as JSON (the CLI prints it as text or as is).
nlohmann::json inspect(const Config& config, const Execution& execution);

struct TrainRequest {
  Config config;
  std::filesystem::path run;                                       // must not exist, unless resume
  std::optional<std::pair<std::uint32_t, std::uint32_t>> members;  // range [first, second); default: all
  bool resume = false;  // begin, go on with, or do nothing where it is finished
  double checkpoint_seconds = 60;
  std::filesystem::path calibration;  // folder of a validation of the same model; empty: none
};
nlohmann::json train(const TrainRequest& request, const Execution& execution);  // returns run.json

struct ValidateRequest {
  Config config;
  std::filesystem::path directory;
  bool resume = false;  // as of a training
  double checkpoint_seconds = 60;
  bool member_predictions = false;  // also write what each member says
};
inline constexpr const char* member_predictions_file_name = "member_predictions.csv";
nlohmann::json validate(const ValidateRequest& request, const Execution& execution);  // returns metrics.json

// How a list of phase fields is read.
struct ListFormat {
  std::string column;  // that names the fields; empty: by its usual names
  DecimalMark decimal = DecimalMark::point;
};

struct PredictRequest {
  std::filesystem::path run;
  std::filesystem::path fields;  // - is standard input
  std::filesystem::path output;
  ListFormat format;
};
// Judges listed fields. The output has every row and column of the list in their order, with what the run says of the
// row's field; a column with a name that predict writes itself becomes input_NAME, but for `phases`, whose cells become
// canonical. Rows that cannot be judged have empty values and a reason. Throws Error where no row can be judged.
nlohmann::json predict(const PredictRequest& request, const Execution& execution);

// What candidates are ranked by. automatic: the product where the run judges accessibility, otherwise the probability.
enum class RankBy { automatic, product, probability, accessibility };

struct ScreenRequest {
  std::filesystem::path run;
  std::filesystem::path output;
  int arity = 3;
  std::vector<std::string> elements;  // as ElementChoice reads them; empty: all modelled
  std::vector<std::string> exclude;
  std::vector<std::filesystem::path> known;  // lists of reported fields; - is standard input
  ListFormat format;                         // of these lists
  bool unknown_only = false;                 // leave known fields out instead of flagging them
  std::size_t top = 0;                       // 0: all
  RankBy order = RankBy::automatic;
  bool resume = false;  // begin, go on with, or do nothing where it is finished; the state lies beside the output
  double checkpoint_seconds = 60;
};
nlohmann::json screen(const ScreenRequest& request, const Execution& execution);

struct AccessibilityRequest {
  std::filesystem::path run;
  std::filesystem::path output;    // a row for each candidate
  std::filesystem::path reported;  // fields that are reported elsewhere; may be empty
  ListFormat format;               // of that list
  int arity = 3;
};
// How well a run tells known fields from others: every combination of `arity` modelled elements, judged out of fold.
nlohmann::json measure_accessibility(const AccessibilityRequest& request, const Execution& execution);

// A table that screen or predict wrote as a picture (SVG): how many fields at each probability and accessibility, and
// which unknown ones have the largest product of the two.
struct MapRequest {
  std::filesystem::path ranking, output;  // the output is called .svg, or a stream
  std::size_t named = 15;                 // fields named at most
  bool paper = false;  // axes of the paper: raw probability and reconstruction error, though there be better
};
nlohmann::json draw_map(const MapRequest& request);

nlohmann::json explain(const std::filesystem::path& run, const std::string& field, const Execution& execution);

void export_embeddings(const std::filesystem::path& run, const std::filesystem::path& output,
                       const Execution& execution);

}  // namespace phaseselect
