// From member outputs to ensemble means and spreads.
#include "host/pipeline/ensemble_statistics.hpp"

#include <cmath>
#include <numeric>

namespace phaseselect {

OverMembers over_members(std::span<const float> values, std::size_t count) {
  OverMembers result;
  if (count == 0) return result;
  const std::size_t members = values.size() / count;
  std::vector<double> mean(count, 0.0);
  for (std::size_t member = 0; member < members; ++member) {
    for (std::size_t i = 0; i < count; ++i) mean[i] += values[member * count + i];
  }
  for (double& value : mean) value /= static_cast<double>(members);
  std::vector<double> squares(count, 0.0);
  for (std::size_t member = 0; member < members; ++member) {
    for (std::size_t i = 0; i < count; ++i) {
      const double difference = values[member * count + i] - mean[i];
      squares[i] += difference * difference;
    }
  }
  result.mean.resize(count);
  result.deviation.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    result.mean[i] = static_cast<float>(mean[i]);
    result.deviation[i] = static_cast<float>(std::sqrt(squares[i] / static_cast<double>(members)));
  }
  return result;
}

std::vector<Slot> all_slots(int members) {
  std::vector<Slot> slots(static_cast<std::size_t>(members));
  std::iota(slots.begin(), slots.end(), 0);
  return slots;
}

std::vector<FieldStatistics> evaluate(Engine& engine, int members, FieldView fields) {
  const std::vector<Slot> slots = all_slots(members);
  std::vector<float> values(slots.size() * fields.size());
  engine.probabilities(slots, fields, values);
  const OverMembers probability = over_members(values, fields.size());
  engine.reconstruction_errors(slots, fields, values);
  const OverMembers error = over_members(values, fields.size());
  std::vector<FieldStatistics> result(fields.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = {probability.mean[i], probability.deviation[i], error.mean[i]};
  }
  return result;
}

LoadedRun::LoadedRun(const std::filesystem::path& directory, const Execution& execution)
    : run_(directory), engine_(make_engine(run_.contents().problem, execution)) {
  run_.load(*engine_);
}

}  // namespace phaseselect
