// Fields by fold, each fold to its members.
#include "host/pipeline/accessibility.hpp"

#include <algorithm>
#include <limits>

#include "host/pipeline/accessibility_data.hpp"

namespace phaseselect {

AccessibilityMembers::AccessibilityMembers(const Run& run) : contents_(run.contents()) {
  const Config::Accessibility& config = contents_.config.accessibility;
  if (config.members == 0) return;
  by_fold_.resize(static_cast<std::size_t>(config.folds));
  for (std::size_t i = 0; i < contents_.accessibility_members.size(); ++i) {
    const int fold = left_out_fold(contents_.accessibility_members[i], config.folds);
    by_fold_[static_cast<std::size_t>(fold)].push_back(run.members() + static_cast<Slot>(i));
  }
  complete_ = std::none_of(by_fold_.begin(), by_fold_.end(), [](const auto& slots) { return slots.empty(); });
}

int AccessibilityMembers::fold(std::span<const std::int16_t> rows) const {
  FieldKey key;
  for (const std::int16_t row : rows) {
    if (row >= 0) key.add(contents_.elements[static_cast<std::size_t>(row)]);
  }
  return accessibility_fold(key, folds(), contents_.config.ensemble.seed);
}

OverMembers AccessibilityMembers::judge(Engine& engine, FieldView fields) const {
  OverMembers judged;
  judged.mean.assign(fields.size(), std::numeric_limits<float>::quiet_NaN());
  judged.deviation = judged.mean;
  if (!complete_) return judged;
  const auto width = static_cast<std::size_t>(fields.slots);
  std::vector<std::vector<std::uint32_t>> positions(by_fold_.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const int of_field = fold(fields.rows.subspan(i * width, width));
    positions[static_cast<std::size_t>(of_field)].push_back(static_cast<std::uint32_t>(i));
  }
  std::vector<float> values;
  for (std::size_t f = 0; f < by_fold_.size(); ++f) {
    if (positions[f].empty()) continue;
    const FieldSet part = gather(fields, positions[f]);
    values.resize(by_fold_[f].size() * part.size());
    engine.probabilities(by_fold_[f], part, values);
    const OverMembers statistics = over_members(values, part.size());
    for (std::size_t i = 0; i < part.size(); ++i) {
      judged.mean[positions[f][i]] = statistics.mean[i];
      judged.deviation[positions[f][i]] = statistics.deviation[i];
    }
  }
  return judged;
}

}  // namespace phaseselect
