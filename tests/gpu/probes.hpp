// Kernels that show what the runtime layer did.
#pragma once

#include <cstddef>

#include "kernels/runtime/runtime.hpp"

namespace phaseselect::cuda {

struct ScaleParams {
  const float* in;
  float* out;
  float factor;
  int count;
};

void scale(Stream& stream, const ScaleParams& params);  // out[i] = factor * in[i]

// One block that writes all of `shared_bytes` of shared memory and sums it up again: out = 0 + 1 + ... of its words.
struct SharedParams {
  double* out;
  int words;
};

void sum_of_shared(Stream& stream, double* out, std::size_t shared_bytes);
int resident_blocks_of_sum(std::size_t shared_bytes);

}  // namespace phaseselect::cuda
