// A run on disk: config.yaml (resolved), run.json, members.safetensors, fields.csv (training fields with value and
// label), environment_fields.csv (fields of the environment formulas), history.csv; accessibility.safetensors and
// accessibility_history.csv where there are accessibility members; checkpoint.safetensors while training. Everything
// that predict, screen, explain and export need is in the folder: the input tables are not read again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/pipeline/calibration.hpp"
#include "host/pipeline/population.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/model/safetensors.hpp"

namespace phaseselect {

// What a run's file says apart from the weights.
struct RunContents {
  Config config;
  Problem problem;                // architecture, groups, seed, plans; fields and labels of the training table
  std::vector<Element> elements;  // rows of the matrix
  std::vector<FieldRecord> training_fields;  // row i of problem.fields
  std::vector<PhaseField> environment_fields;
  std::vector<std::uint32_t> members;                // ids, ascending
  std::vector<std::uint32_t> accessibility_members;  // the same of the accessibility members
  std::vector<float> reference_errors;  // ascending: for each field that some member held out, the mean of its
                                        // reconstruction errors over those members
  std::vector<std::uint32_t> damaged_members, damaged_accessibility_members;    // in the files, and left out
  std::vector<std::uint32_t> diverged_members, diverged_accessibility_members;  // set aside by the training
  nlohmann::json run;                                                           // run.json
  std::optional<Calibration> calibration;
};

// Writes a finished run into `directory` (which exists), without the members that diverged. members.safetensors is a
// pure function of configuration, data and the members themselves: a merged run and a single one are the same bytes.
// Returns run.json: what it is given and "files", the checksums of what lies beside it.
nlohmann::json write_run(const std::filesystem::path& directory, const Config& config, const PreparedData& data,
                         const std::vector<TrainedMember>& members, nlohmann::json run);

inline constexpr const char* run_file_name = "run.json";
inline constexpr const char* history_file_name = "history.csv";

inline constexpr const char* accessibility_file_name = "accessibility.safetensors";
inline constexpr const char* accessibility_history_file_name = "accessibility_history.csv";

// What says whose accessibility members a file holds.
std::map<std::string, std::string> accessibility_metadata(const Config& config, const PreparedData& data);

// Writes accessibility_history.csv and, last, accessibility.safetensors: a folder with that file needs to train no
// accessibility members any more.
void write_accessibility(const std::filesystem::path& directory, const Config& config, const PreparedData& data,
                         const std::vector<TrainedMember>& members);

// Whether these members, with those that diverged, are the ones from `range.first` to before `range.second`.
bool holds_members(std::vector<std::uint32_t> ids, const std::vector<std::uint32_t>& diverged,
                   std::pair<std::uint32_t, std::uint32_t> range);

// Throws Error unless the folder has the accessibility members of this configuration and data.
void check_accessibility(const std::filesystem::path& directory, const Config& config, const PreparedData& data,
                         std::pair<std::uint32_t, std::uint32_t> members);

// What becomes of members with numbers that are infinite or none: an error, or the run goes without them.
enum class DamagedMembers { refused, refused_always, left_out };  // always: leaving them out is no remedy

class Run {
 public:
  // Throws Error: no such run, unfinished (says how to resume), damaged, written by another version.
  explicit Run(std::filesystem::path directory, DamagedMembers damaged = DamagedMembers::refused);
  const RunContents& contents() const { return contents_; }
  const SafetensorsReader& file() const { return reader_; }
  std::string checksum() const;  // of run.json, which has those of the other files
  int members() const { return static_cast<int>(contents_.members.size()); }
  int accessibility_members() const { return static_cast<int>(contents_.accessibility_members.size()); }
  // Null where the configuration asks for none.
  const SafetensorsReader* accessibility_file() const { return accessibility_ ? &*accessibility_ : nullptr; }
  // Opens every member in slots 0 .. members-1 of the engine, the accessibility members in those that follow.
  void load(Engine& engine) const;
  // Of each training field, the mean of its reconstruction errors over the members that held it out; NaN where none
  // did.
  const std::vector<float>& held_out_errors() const { return held_out_errors_; }
  // Percentile (0-100) of an ensemble-mean reconstruction error among the held-out known fields: the share of them with
  // a smaller error. NaN when the run has none.
  float percentile(float error) const;
  // A field's probability of the ensemble as the run's calibration corrects it; NaN when the run has none.
  float calibrated(float probability, const PhaseField& field) const;
  // Whether calibration needs the field: otherwise it keeps the order of the probabilities.
  bool weighs_neighbours() const { return contents_.calibration && contents_.calibration->neighbours; }
  // The known fields that differ from it by one element.
  Neighbours neighbours(const PhaseField& field) const { return neighbourhood_.neighbours(field); }

 private:
  void read_members(DamagedMembers damaged);
  void read_accessibility(DamagedMembers damaged);

  std::filesystem::path directory_;
  SafetensorsReader reader_;
  RunContents contents_;
  std::vector<std::size_t> places_, accessibility_places_;  // of the members in their files
  std::vector<float> held_out_errors_;
  Neighbourhood neighbourhood_;  // of the training fields
  std::optional<SafetensorsReader> accessibility_;
};

struct Merged {
  std::vector<std::uint32_t> missing;   // ids of the ensemble's members that are in none of the runs; also in run.json
  std::vector<std::uint32_t> diverged;  // set aside by the trainings; also in run.json
  bool calibration_dropped = false;     // the runs' calibrations differ: the whole has none
};

// Of the files of a run that is being written, for run.json.
nlohmann::json checksums_beside(const std::filesystem::path& directory, const std::string& members_sha256);

// The table of a file of the run. Throws Error where it is not the one that run.json was written beside.
CsvTable read_file_of_run(const std::filesystem::path& run, const RunContents& contents, const char* name);

// Joins runs of different members of the same ensemble (same configuration, seed and data) into `directory`. Throws
// Error when they do not belong together, a member occurs twice, more than a tenth of the ensemble diverged, or the
// runs were trained with different instruction sets, whose bits differ, unless those may be mixed.
Merged merge_runs(const std::vector<std::filesystem::path>& runs, const std::filesystem::path& directory,
                  bool mixed_instruction_sets = false);

}  // namespace phaseselect
