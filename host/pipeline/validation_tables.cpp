// Predictions, splits, curves and reliability of a validation as CSV.
#include "host/pipeline/validation_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "host/io/output_file.hpp"

namespace phaseselect {
namespace {

// A judgement of a field: its row, the fold and the place in it. In the order of the rows.
struct Judgement {
  std::uint32_t row;
  std::size_t fold, place;
};

std::vector<Judgement> judgements(const FoldPlans& plans) {
  std::vector<Judgement> all;
  for (std::size_t f = 0; f < plans.folds.size(); ++f) {
    const std::vector<std::uint32_t>& judged = plans.folds[f].judged;
    for (std::size_t i = 0; i < judged.size(); ++i) all.push_back({judged[i], f, i});
  }
  std::stable_sort(all.begin(), all.end(), [](const Judgement& a, const Judgement& b) { return a.row < b.row; });
  return all;
}

}  // namespace

std::string predictions_csv(const PreparedData& data, const FoldPlans& plans, const HeldOutPredictions& predictions) {
  std::string text = "phases,fold,value,label,probability,probability_std,calibrated\n";
  for (const auto& [row, f, i] : judgements(plans)) {
    const FoldPredictions& fold = predictions.folds[f];
    text += fmt::format("{},{},{},{},{},{},{}\n", to_string(data.kept[row].field), f, number(data.kept[row].value),
                        data.problem.labels[row], number(fold.probability[i]), number(fold.deviation[i]),
                        fold.calibrated.empty() ? "" : number(fold.calibrated[i]));
  }
  return text;
}

std::string member_predictions_csv(const PreparedData& data, const FoldPlans& plans,
                                   const HeldOutPredictions& predictions) {
  const std::size_t members = plans.members.size() / plans.folds.size();
  std::string text = "phases,fold,label";
  for (std::size_t m = 0; m < members; ++m) text += fmt::format(",member_{}", m);
  text += "\n";
  for (const auto& [row, f, i] : judgements(plans)) {
    text += fmt::format("{},{},{}", to_string(data.kept[row].field), f, data.problem.labels[row]);
    for (std::size_t m = 0; m < members; ++m) {
      text += "," + number(predictions.folds[f].of_members[m * plans.folds[f].judged.size() + i]);
    }
    text += "\n";
  }
  return text;
}

std::string splits_csv(const PreparedData& data, const FoldPlans& plans) {
  std::vector<std::string> lines;
  for (std::size_t row = 0; row < data.kept.size(); ++row) {
    lines.push_back(fmt::format("{},{}", to_string(data.kept[row].field), data.problem.labels[row]));
  }
  std::string text = "phases,label";
  for (std::size_t f = 0; f < plans.folds.size(); ++f) {
    text += fmt::format(",fold_{}", f);
    for (std::string& line : lines) line += ",";
    for (const std::uint32_t row : plans.folds[f].training) lines[row] += "training";
    for (const std::uint32_t row : plans.folds[f].judged) lines[row] += "judged";
  }
  for (const std::string& line : lines) text += "\n" + line;
  return text + "\n";
}

std::string roc_csv(const HeldOutPredictions& predictions) {
  std::string text = "fold,threshold,false_positive_rate,true_positive_rate\n";
  for (std::size_t f = 0; f < predictions.folds.size(); ++f) {
    for (const RocPoint& point : roc_curve(predictions.folds[f].labels, predictions.folds[f].probability)) {
      text += fmt::format("{},{},{},{}\n", f, number(point.threshold), number(point.false_positive_rate),
                          number(point.true_positive_rate));
    }
  }
  return text;
}

std::string reliability_csv(const HeldOutPredictions& predictions) {
  const Pooled all = pooled(predictions);
  std::string text = "probability,low,high,fields,mean_probability,observed_share\n";
  for (const auto& [name, probabilities] :
       {std::pair("raw", &all.probability), std::pair("calibrated", &all.calibrated)}) {
    if (probabilities->empty()) continue;
    double low = 0;
    for (const ReliabilityBin& bin : reliability(all.labels, *probabilities)) {
      const double fields = bin.fields == 0 ? std::nan("") : static_cast<double>(bin.fields);
      const double high = low + 1.0 / calibration_bins;
      text += fmt::format("{},{:.4f},{:.4f},{},{},{}\n", name, low, high, bin.fields, number(bin.probability / fields),
                          number(bin.positives / fields));
      low = high;
    }
  }
  return text;
}

}  // namespace phaseselect
