// The encoder's part of a training step: gradient, optimiser and the next step's z in one pass over S, m and v.
#pragma once

#include <cstdint>

#include "kernels/common/member.hpp"
#include "kernels/runtime/runtime.hpp"

namespace phaseselect::cuda {

struct EncodeParams {
  int elements = 0;    // E
  int groups = 0;      // G
  int features = 0;    // k
  int weights = 0;     // offset of encoder.weights [G][k] in the slab
  int chunk = 0;       // features handled at once; chosen by the launcher
  float rate = 1;      // the encoder's learning rate as a multiple of AdamStep::rate
  bool update = true;  // false: z of the weights as they are
  std::uint32_t step = 0;
  const float* multiplicity = nullptr;     // [G]
  const std::uint32_t* offsets = nullptr;  // [G + 1] into rows
  const std::uint16_t* rows = nullptr;     // [ones], the elements of each group, ascending
  // The same ones by tile and element: element e of tile t has the groups
  // tile_members[tile_offsets[t * (E + 1) + e] .. tile_offsets[t * (E + 1) + e + 1]), counted from the tile's start.
  const std::uint32_t* tile_offsets = nullptr;  // [tiles * (E + 1)]
  const std::uint8_t* tile_members = nullptr;   // [ones]
  const AdamStep* adam = nullptr;               // [tasks]
  const Task* tasks = nullptr;
  const MemberState* members = nullptr;
};

inline constexpr unsigned encode_threads = 256;
std::size_t encode_shared_bytes(int elements, int features, std::size_t shared_limit);

void encode_step(Stream& stream, EncodeParams params, int tasks, std::size_t shared_limit);

}  // namespace phaseselect::cuda
