// The studies of an ensemble: each answers one question with a table.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "host/pipeline/commands.hpp"

namespace phaseselect {

// Cells of a CSV.
struct StudyTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  nlohmann::json counts =
      nlohmann::json::object();  // of rows of the lists that were read, and which members are left out
  std::string comment = {};      // lines above the header of the CSV
};
std::string to_csv(const StudyTable& table);

// What a key of the configuration does: a validation for each value, in memory. A row each: value, fields, positives,
// the measures' means over folds (the calibration error is that of all folds together), deviations of accuracy and
// area, calibrated accuracy, log loss and calibration error, seconds. `after_row` sees the table as it grows.
struct Variation {
  std::string value;
  Config config;
};
StudyTable study_variations(const std::string& key, const std::vector<Variation>& variations,
                            const Execution& execution, const std::function<void(const StudyTable&)>& after_row);

// How many members it takes: for each size, measures of `subsets` random choices of so many members, from the folder
// of a validation with member predictions. mean_shift: mean difference of a field's probability from that of all
// members.
inline constexpr int member_subsets = 20;
StudyTable study_ensemble_sizes(const std::filesystem::path& validation, const std::vector<int>& sizes,
                                std::uint64_t seed);

// All fields of `arity` metals (is_metal) that a run can judge: how many it expects below the threshold; of the
// measured ones among them, how many are.
StudyTable study_metals(const std::filesystem::path& run, int arity, const Execution& execution);

// Whether the reconstruction error tells known from unreported fields of `arity` elements: for each kind of known field
// the errors, their percentiles, and the area under the curve (probability of a smaller error than an unreported one).
// Held-out fields count with the mean error over the members that held them out, as the percentiles' reference does.
struct ReportedLists {
  std::vector<std::filesystem::path> files;
  ListFormat format;
};
StudyTable study_ranking(const std::filesystem::path& run, int arity, const ReportedLists& lists,
                         const Execution& execution);

}  // namespace phaseselect
