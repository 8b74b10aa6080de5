// Keys whose ascending order is the sample order of an epoch: random number in the high half, position in the member's
// training list in the low half (DESIGN.md 3.5).
#pragma once

#include <cstdint>

#include "kernels/common/member.hpp"
#include "kernels/runtime/runtime.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect::cuda {

struct SampleOrderParams {
  std::uint64_t seed = 0;
  phaseselect::Stream purpose = phaseselect::Stream::sample_order;  // or ranking_sample_order
  const Task* tasks = nullptr;                                      // [tasks]
  const MemberState* members = nullptr;                             // [slots]
  std::uint64_t* keys = nullptr;  // task t writes keys[tasks[t].first ..] of its member's training rows
};

inline constexpr unsigned sample_order_threads = 256;

void sample_order_keys(Stream& stream, const SampleOrderParams& params, int tasks, std::uint32_t most_training);

}  // namespace phaseselect::cuda
