// Prints as JSON what each kernel launches and costs at the shape of the paper's superconductors: read by resources.py.
#include <iostream>
#include <nlohmann/json.hpp>

#include "host/model/paper_shape.hpp"
#include "kernels/engine/costs.hpp"

namespace phaseselect {
namespace {

nlohmann::json costs() {
  const WorkShape shape{paper_shape::architecture(), paper_shape::batch, paper_shape::ones,
                        paper_shape::elements_of_field};
  nlohmann::json kernels = nlohmann::json::array();
  for (const cuda::KernelCost& cost : cuda::kernel_costs(shape)) {
    kernels.push_back({{"kernel", cost.kernel},
                       {"block", cost.block},
                       {"shared_bytes", cost.shared_bytes},
                       {"bytes", cost.bytes},
                       {"operations", cost.operations},
                       {"unit", cost.unit}});
  }
  return kernels;
}

}  // namespace
}  // namespace phaseselect

int main() {
  const nlohmann::json printed = {
      {"shape", "the paper's superconductors (87 elements, 10,423 groups, k 20, 8 slots, batch 16)"},
      {"kernels", phaseselect::costs()}};
  std::cout << printed.dump() << '\n';
}
