// Random decisions as the kernels make them, for comparison with the CPU engine's.
#pragma once

#include <cstdint>

#include "kernels/runtime/runtime.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect::cuda {

// What dropout of a layer makes of ones.
struct DropoutDraws {
  RandomStream random;
  std::uint32_t layer = 0;
  float rate = 0;
  int samples = 0;
  int units = 0;
  float* out = nullptr;  // [samples][units]
};

void draw_dropout(Stream& stream, const DropoutDraws& params);

}  // namespace phaseselect::cuda
