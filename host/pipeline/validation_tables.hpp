// The tables that a validation writes, as text.
#pragma once

#include <string>

#include "host/pipeline/cross_validation.hpp"
#include "host/pipeline/problem.hpp"

namespace phaseselect {

// One row for each judgement: a field that several folds judge has several.
std::string predictions_csv(const PreparedData& data, const FoldPlans& plans, const HeldOutPredictions& predictions);
// The same rows with what each member of the fold says: member_0, ...
std::string member_predictions_csv(const PreparedData& data, const FoldPlans& plans,
                                   const HeldOutPredictions& predictions);
// What each fold did with each field: training, judged, or empty where it was left out.
std::string splits_csv(const PreparedData& data, const FoldPlans& plans);
std::string roc_csv(const HeldOutPredictions& predictions);
// Raw and calibrated, all folds together; empty bins have no mean and no share.
std::string reliability_csv(const HeldOutPredictions& predictions);

}  // namespace phaseselect
