// Element features of every member, and what they need at the start of a step.
#pragma once

#include <cstdint>

#include "kernels/common/member.hpp"
#include "kernels/runtime/runtime.hpp"

namespace phaseselect::cuda {

struct FeaturesParams {
  int elements = 0;    // E
  int features = 0;    // k
  int partitions = 0;  // of the grouped matrix
  int encoder_bias = 0;
  const float* row_factors = nullptr;  // [E], r_e
  AttentionShape attention;
  bool tables = false;       // also write MemberState::tables
  std::uint32_t step = 0;    // of the epoch; members with fewer steps are left out unless `tables` is set
  AdamStep* adam = nullptr;  // [tasks], written when not null
  OptimiserPlan plan;
  const Task* tasks = nullptr;
  const MemberState* members = nullptr;
};

inline constexpr unsigned features_threads = 256;

void features(Stream& stream, const FeaturesParams& params, int tasks);

}  // namespace phaseselect::cuda
