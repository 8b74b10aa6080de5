// What an engine does not do in a way of its own: ensembles of what each member says, epochs that nobody ends early.
#include "host/engine/ensemble.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace phaseselect {
namespace {

// Negative where a comes before b in ascending order, with NaN last; 0 where they are equal.
int compare(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
  return static_cast<int>(a > b) - static_cast<int>(a < b);
}

// The smallest and the largest error that is a number; NaN where there is none.
void find_error_range(const std::vector<FieldStatistics>& statistics, BestFields& best) {
  best.smallest_error = best.largest_error = std::numeric_limits<float>::quiet_NaN();
  for (const FieldStatistics& field : statistics) {
    best.smallest_error = std::fmin(best.smallest_error, field.error);
    best.largest_error = std::fmax(best.largest_error, field.error);
  }
}

}  // namespace

std::vector<std::optional<EpochStatistics>> Engine::run_epoch_until(Network network, std::span<const EpochTask> tasks,
                                                                    const std::function<bool()>&) {
  const std::vector<EpochStatistics> statistics = run_epoch(network, tasks);
  return {statistics.begin(), statistics.end()};
}

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

bool ranks_before(const RankingKey& a, const RankingKey& b) {
  if (const int order = compare(-a.probability, -b.probability); order != 0) return order < 0;
  if (const int order = compare(a.error, b.error); order != 0) return order < 0;
  return a.position < b.position;
}

std::vector<FieldStatistics> Engine::ensemble_statistics(std::span<const Slot> slots, FieldView fields) {
  std::vector<FieldStatistics> result;
  result.reserve(fields.size());
  const auto width = static_cast<std::size_t>(fields.slots);
  std::vector<float> values;
  while (result.size() < fields.size()) {
    const std::size_t count = std::min(evaluation_chunk, fields.size() - result.size());
    const FieldView chunk(fields.slots, fields.rows.subspan(result.size() * width, count * width));
    values.resize(slots.size() * count);
    probabilities(slots, chunk, values);
    const OverMembers probability = over_members(values, count);
    reconstruction_errors(slots, chunk, values);
    const OverMembers error = over_members(values, count);
    for (std::size_t i = 0; i < count; ++i) {
      result.push_back({probability.mean[i], probability.deviation[i], error.mean[i]});
    }
  }
  return result;
}

BestFields Engine::best_fields(std::span<const Slot> slots, FieldView fields, std::size_t top) {
  const std::vector<FieldStatistics> statistics = ensemble_statistics(slots, fields);
  BestFields best;
  find_error_range(statistics, best);
  best.index.resize(statistics.size());
  std::iota(best.index.begin(), best.index.end(), 0u);
  const std::size_t kept = std::min(top, statistics.size());
  const auto key = [&](std::uint32_t i) { return RankingKey{statistics[i].probability, statistics[i].error, i}; };
  std::partial_sort(best.index.begin(), best.index.begin() + static_cast<std::ptrdiff_t>(kept), best.index.end(),
                    [&](std::uint32_t a, std::uint32_t b) { return ranks_before(key(a), key(b)); });
  best.index.resize(kept);
  best.statistics.reserve(kept);
  for (const std::uint32_t i : best.index) best.statistics.push_back(statistics[i]);
  return best;
}

}  // namespace phaseselect
