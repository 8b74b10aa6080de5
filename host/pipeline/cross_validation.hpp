// What the members of a cross-validation say of the fields that they never saw, and how good that is: shared by
// validate, which keeps it in files, and study, which does it again and again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "host/pipeline/calibration.hpp"
#include "host/pipeline/metrics.hpp"
#include "host/pipeline/population.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

// Of one fold; beside SplitFold::judged.
struct FoldPredictions {
  std::vector<std::uint8_t> labels;
  std::vector<float> of_members;              // [members][judged]; NaN of a member that diverged
  std::vector<float> probability, deviation;  // over members
  std::vector<Evidence> evidence;             // from the fields that the fold learned from; empty: not asked for
  // Fitted on what the other folds' members say of fields that this fold does not judge; empty when there are none.
  std::optional<Calibration> calibration;
  std::vector<float> calibrated;                 // empty without one
  std::vector<float> prevalence, nearest_field;  // plain predictions (baselines.hpp); empty: not asked for
};

struct HeldOutPredictions {
  std::vector<FoldPredictions> folds;
  Calibration calibration;  // fitted on all of them: for a run of the same configuration
};

// Each fold's fields judged by the fold's own members.
HeldOutPredictions judge_folds(Engine& engine, const Config& config, const PreparedData& data, const FoldPlans& plans,
                               const std::vector<TrainedMember>& members);

// What plain predictions say of the same fields.
void add_baselines(const PreparedData& data, const FoldPlans& plans, HeldOutPredictions& predictions);
// Their measures by name, each as those of the members: mean, standard_deviation, folds_defined, folds, pooled.
nlohmann::json measures_of_baselines(const HeldOutPredictions& predictions);

// The measures of metrics.json: mean, standard_deviation, folds_defined, folds, pooled; the same of the calibrated
// probabilities below "calibrated" (null when some fold has no calibration); calibration: that of all.
nlohmann::json measures(const FoldPlans& plans, const HeldOutPredictions& predictions);

inline constexpr const char* validation_result_file_name = "metrics.json";  // a folder with it holds a whole validation
nlohmann::json to_json(const DataIdentity& identity);
// metrics.json of a finished validation. Throws Error where it is damaged.
nlohmann::json read_metrics(const std::filesystem::path& directory);
[[noreturn]] void damaged_validation(const std::filesystem::path& path, std::string_view reason);

// The calibration of a run, for run.json: its numbers (calibration.hpp), where they are from and the verdict there
// (verdict.hpp). Throws UsageError unless the folder holds a finished validation of the same tables and model; members,
// seeds, validation and ranking may differ. Throws Error where metrics.json is damaged.
nlohmann::json calibration_of_validation(const std::filesystem::path& directory, const Config& config,
                                         const DataIdentity& identity);

// All folds in a row.
struct Pooled {
  std::vector<std::uint8_t> labels;
  std::vector<float> probability, calibrated;  // calibrated: empty when some fold has no calibration
  std::vector<float> prevalence, nearest_field;
};
Pooled pooled(const HeldOutPredictions& predictions);

}  // namespace phaseselect
