// Which samples, which order of slots and which dropped units a member sees: the random numbers of its training, from
// their specification in random.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "phaseselect/engine/engine.hpp"
#include "phaseselect/model/random.hpp"
#include "tests/oracle/network.hpp"

namespace phaseselect::oracle {

// 0 .. count-1 ordered by (random number, index).
inline std::vector<std::size_t> random_order(const RandomStream& stream, std::size_t first, std::size_t count) {
  std::vector<std::pair<std::uint32_t, std::size_t>> keys;
  for (std::size_t i = 0; i < count; ++i) keys.emplace_back(stream(static_cast<std::uint32_t>(first + i)), i);
  std::sort(keys.begin(), keys.end());
  std::vector<std::size_t> order;
  for (const auto& key : keys) order.push_back(key.second);
  return order;
}

// Positions in the member's training list, batch by batch; the last batch may be shorter.
inline std::vector<std::vector<std::size_t>> batches(std::uint64_t seed, std::uint32_t member, Stream stream,
                                                     std::uint32_t epoch, std::size_t samples, int batch) {
  const auto order = random_order(RandomStream{seed, member, stream, epoch, 0}, 0, samples);
  std::vector<std::vector<std::size_t>> result;
  for (std::size_t i = 0; i < samples; ++i) {
    if (i % static_cast<std::size_t>(batch) == 0) result.emplace_back();
    result.back().push_back(order[i]);
  }
  return result;
}

// The rows of a field without its padding.
inline std::vector<int> field_elements(FieldView fields, std::size_t field) {
  std::vector<int> elements;
  for (int slot = 0; slot < fields.slots; ++slot) {
    const int row = fields.rows[field * static_cast<std::size_t>(fields.slots) + static_cast<std::size_t>(slot)];
    if (row >= 0) elements.push_back(row);
  }
  return elements;
}

// The elements of a sample of the batch in the slots of this step.
inline std::vector<int> shuffled(const std::vector<int>& elements, const RandomStream& stream, std::size_t sample) {
  std::vector<int> result;
  for (const std::size_t i : random_order(stream, sample * 64, elements.size())) result.push_back(elements[i]);
  return result;
}

template <typename T>
DropoutMask<T> dropout_mask(const RandomStream& stream, std::size_t layer, std::size_t sample, std::size_t units,
                            double rate) {
  DropoutMask<T> mask;
  for (std::size_t unit = 0; unit < units; ++unit) {
    const std::size_t index = layer * (std::size_t{1} << 26) + sample * (std::size_t{1} << 16) + unit;
    const float uniform_draw = static_cast<float>(stream(static_cast<std::uint32_t>(index)) >> 8) / 16777216.0f;
    mask.push_back(uniform_draw >= static_cast<float>(rate) ? T(1.0 / (1.0 - rate)) : T(0));
  }
  return mask;
}

// Masks of consecutive layers, numbered from `first_layer`; none without dropout.
template <typename T>
std::vector<DropoutMask<T>> dropout_masks(const RandomStream& stream, std::size_t first_layer, std::size_t sample,
                                          std::span<const int> widths, double rate) {
  std::vector<DropoutMask<T>> masks;
  for (std::size_t i = 0; rate > 0 && i < widths.size(); ++i) {
    masks.push_back(dropout_mask<T>(stream, first_layer + i, sample, static_cast<std::size_t>(widths[i]), rate));
  }
  return masks;
}

}  // namespace phaseselect::oracle
