// Initial weights of one parameter block, the bits of draw_initial_classifier and draw_initial_ranking
// (phaseselect/model/parameter_layout.hpp).
#pragma once

#include <cstdint>

#include "kernels/runtime/runtime.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect::cuda {

enum class InitialBlock {
  dense,    // position p of the block is draw p
  encoder,  // [G][k]: row g is the sum, ascending, of the draws of its environments' rows
  decoder,  // [k][G]: column g is the draw of the first environment of group g in the ungrouped [k][V] kernel
};

struct InitialWeightsParams {
  RandomStream random;
  InitialBlock block = InitialBlock::dense;
  float limit = 0;  // Glorot-uniform
  float* weights = nullptr;
  int rows = 0;
  int columns = 0;
  // encoder and decoder only
  std::uint32_t environments = 0;                   // V
  const std::uint32_t* column_offsets = nullptr;    // [G + 1]
  const std::uint32_t* columns_of_group = nullptr;  // [V], the environments of each group, ascending
};

inline constexpr unsigned initial_weights_threads = 256;

void initial_weights(Stream& stream, const InitialWeightsParams& params);

}  // namespace phaseselect::cuda
