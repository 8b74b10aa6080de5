// Seeded splits: each class's rows in the order of their draws (ties by row), dealt out like cards.
#include "phaseselect/data/folds.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "phaseselect/error.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect {
namespace {

// Sorts rows by (draw, row), so that equal draws have a defined order.
void shuffle(std::vector<std::uint32_t>& rows, const RandomStream& stream) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> drawn;
  drawn.reserve(rows.size());
  for (const std::uint32_t row : rows) drawn.emplace_back(stream(row), row);
  std::sort(drawn.begin(), drawn.end());
  std::transform(drawn.begin(), drawn.end(), rows.begin(), [](const auto& each) { return each.second; });
}

}  // namespace

std::vector<std::uint8_t> make_folds(std::span<const std::uint8_t> labels, int folds, bool stratified,
                                     std::uint64_t seed) {
  if (folds < 2 || folds > most_folds) {
    throw UsageError(fmt::format("{} folds were asked for; validation needs from 2 to {}", folds, most_folds));
  }
  const auto count = static_cast<std::size_t>(folds);
  if (labels.size() < count) {
    throw UsageError(fmt::format("{} fields cannot be split into {} folds; use fewer folds", labels.size(), folds));
  }
  std::array<std::vector<std::uint32_t>, 2> classes;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    classes[stratified && labels[i] != 0 ? 1 : 0].push_back(static_cast<std::uint32_t>(i));
  }
  const RandomStream stream{seed, 0, Stream::folds};
  std::vector<std::uint8_t> fold(labels.size());
  std::size_t next = 0;  // dealing goes on where the last class ended: whole folds also differ by at most one
  for (std::size_t label = 0; label < (stratified ? 2u : 1u); ++label) {
    std::vector<std::uint32_t>& rows = classes[label];
    if (rows.size() < count) {
      throw UsageError(
          fmt::format("class {} has {} fields, too few for {} stratified folds; use fewer folds or another "
                      "threshold",
                      label, rows.size(), folds));
    }
    shuffle(rows, stream);
    for (const std::uint32_t row : rows) fold[row] = static_cast<std::uint8_t>(next++ % count);
  }
  return fold;
}

Split hold_out(std::span<const std::uint32_t> rows, std::span<const std::uint8_t> labels, double fraction,
               std::uint64_t seed, std::uint32_t member) {
  if (!(fraction > 0 && fraction < 1)) {
    throw UsageError(fmt::format("the held-out fraction is {}; it must lie between 0 and 1", fraction));
  }
  std::array<std::vector<std::uint32_t>, 2> classes;
  for (const std::uint32_t row : rows) classes[labels[row] != 0 ? 1 : 0].push_back(row);
  const RandomStream stream{seed, member, Stream::hold_out};
  Split split;
  for (std::size_t label = 0; label < classes.size(); ++label) {
    std::vector<std::uint32_t>& members = classes[label];
    if (members.size() < 2) {
      throw UsageError(
          fmt::format("class {} has {} training fields; at least 2 are needed to hold one out", label, members.size()));
    }
    shuffle(members, stream);
    const double wanted = std::round(fraction * static_cast<double>(members.size()));
    const auto held = static_cast<std::ptrdiff_t>(std::clamp(wanted, 1.0, static_cast<double>(members.size() - 1)));
    split.held_out.insert(split.held_out.end(), members.begin(), members.begin() + held);
    split.training.insert(split.training.end(), members.begin() + held, members.end());
  }
  std::sort(split.training.begin(), split.training.end());
  std::sort(split.held_out.begin(), split.held_out.end());
  return split;
}

}  // namespace phaseselect
