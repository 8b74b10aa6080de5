// What each kernel launches, from the same functions that launch it, and costs: the arithmetic of host/engine/work.hpp,
// and what passes between kernels.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "host/engine/work.hpp"

namespace phaseselect::cuda {

struct KernelCost {
  std::string kernel;  // with its template arguments
  unsigned block = 0;  // threads
  std::size_t shared_bytes = 0;
  double bytes = 0;       // device memory that one unit of work of one member has to move
  double operations = 0;  // of that; a multiply-add is two
  std::string unit = "step";
};

inline constexpr std::size_t h100_shared_per_block = 232448;

std::vector<KernelCost> kernel_costs(const WorkShape& shape, std::size_t shared_per_block = h100_shared_per_block);

}  // namespace phaseselect::cuda
