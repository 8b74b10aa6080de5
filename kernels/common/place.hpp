// Where one array of a block lives; see placement.cuh.
#pragma once

#include <cstdint>

namespace phaseselect::cuda {

struct Place {
  std::uint32_t offset = 0;  // bytes from the start of shared memory or of the block's scratch
  std::uint32_t bytes = 0;
  bool in_shared = false;
};

}  // namespace phaseselect::cuda
