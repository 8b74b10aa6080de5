// What an ensemble says of a field, from what each member says; the same for every engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

// Mean and population standard deviation over members, for each of `count` values; `values` is [members][count].
// Accumulated in double in the order of the members: the bits depend on the values alone.
struct OverMembers {
  std::vector<float> mean;
  std::vector<float> deviation;
};
OverMembers over_members(std::span<const float> values, std::size_t count);

// Slots 0 .. members-1.
std::vector<Slot> all_slots(int members);

// What decides a field's place in a ranking.
struct RankingKey {
  float probability = 0;
  float error = 0;
  std::uint64_t position = 0;
};

// Best first: probability descending, then error ascending, then position. A NaN comes after every number.
bool ranks_before(const RankingKey& a, const RankingKey& b);

// Fields evaluated in one go: bounds the [members][fields] buffers, 20 MB for 300 members.
inline constexpr std::size_t evaluation_chunk = 8192;

}  // namespace phaseselect
