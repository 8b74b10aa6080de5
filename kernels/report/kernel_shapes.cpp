// Prints as JSON what each kernel launches and costs at the shape of the paper's superconductors: read by resources.py.
#include <iostream>
#include <nlohmann/json.hpp>

#include "kernels/engine/costs.hpp"

namespace phaseselect {
namespace {

// The published tables, grouped exactly; the model of configs/paper/superconductors.yaml.
Architecture paper_architecture() {
  Architecture paper;
  paper.elements = 87;
  paper.groups = 10423;
  paper.environments = 63384;
  paper.slots = 8;
  paper.features = 20;
  paper.heads = 8;
  paper.key_dim = 2;
  paper.hidden = {80, 80, 80, 20};
  paper.dropout = 0.5;
  paper.l1 = 0.03;
  paper.l2 = 1e-4;
  paper.ranking_dropout = 0.1;
  return paper;
}

// Batch, grouped ones and mean size of a field: of the same configuration and tables.
nlohmann::json costs_of(const Architecture& architecture) {
  nlohmann::json kernels = nlohmann::json::array();
  for (const cuda::KernelCost& cost : cuda::kernel_costs({architecture, 16, 82852, 3.6})) {
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
      {"kernels", phaseselect::costs_of(phaseselect::paper_architecture())}};
  std::cout << printed.dump() << '\n';
}
