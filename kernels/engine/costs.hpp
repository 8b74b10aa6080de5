// What each kernel launches and costs, from the same functions that launch it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "phaseselect/model/architecture.hpp"

namespace phaseselect::cuda {

struct KernelCost {
  std::string kernel;  // with its template arguments
  unsigned block = 0;  // threads
  std::size_t shared_bytes = 0;
  double bytes = 0;       // device memory that one unit of work of one member has to move
  double operations = 0;  // of that; a multiply-add is two
  std::string unit = "step";
};

struct CostShape {
  Architecture architecture;
  int batch = 16;
  double ones = 0;                        // of the grouped matrix
  double elements_of_field = 0;           // on average
  std::size_t shared_per_block = 232448;  // of an H100
};

std::vector<KernelCost> kernel_costs(const CostShape& shape);

}  // namespace phaseselect::cuda
