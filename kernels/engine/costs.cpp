#include "kernels/engine/costs.hpp"

#include "kernels/engine/launches.hpp"

namespace phaseselect::cuda {
namespace {

// Weight and two moments, read and written.
constexpr double bytes_of_weight = 6 * sizeof(float);
// Adam, with its square root and division as one operation each.
constexpr double adam_operations = 16;
constexpr double sigmoid_operations = 12;

double multiply_adds(std::span<const DenseLayer> layers) {
  double count = 0;
  for (const DenseLayer& layer : layers) count += static_cast<double>(layer.inputs) * layer.outputs;
  return count;
}

struct Sizes {
  double elements, groups, k, partitions, table;
};

std::vector<KernelCost> autoencoder_costs(const CostShape& shape, const Sizes& n) {
  const int elements = shape.architecture.elements, features = shape.architecture.features;
  const double partials = sizeof(float) * n.partitions * n.elements * n.k;
  const double h = sizeof(float) * n.elements * n.k;
  const DecodeShape decode = decode_shape(elements, features, shape.shared_per_block);
  const double decode_bytes = bytes_of_weight * (n.k + 1) * n.groups + h + partials;
  const double decode_operations = 6 * n.elements * n.groups * n.k + sigmoid_operations * n.elements * n.groups +
                                   adam_operations * (n.k + 1) * n.groups;
  const std::string name =
      "decode_step_kernel<" + std::to_string(decode.features) + ", " + std::to_string(decode.tile) + ">";
  return {{"features_kernel", features_threads, 0, partials + h, n.partitions * n.elements * n.k},
          {name, static_cast<unsigned>(decode.tile), decode.shared_bytes, decode_bytes, decode_operations},
          {"decode_step_tensor_kernel", decode_tensor_threads,
           decode_tensor_shared_bytes(elements, features, shape.shared_per_block), decode_bytes, decode_operations},
          {"encode_step_kernel", encode_threads, encode_shared_bytes(elements, features, shape.shared_per_block),
           bytes_of_weight * n.k * n.groups + h + partials, (2 * shape.ones + adam_operations * n.groups) * n.k}};
}

}  // namespace

std::vector<KernelCost> kernel_costs(const CostShape& shape) {
  const Architecture& architecture = shape.architecture;
  const ModelShape model(architecture);
  const Sizes n{static_cast<double>(architecture.elements), static_cast<double>(architecture.groups),
                static_cast<double>(architecture.features), static_cast<double>(model.partitions),
                static_cast<double>(model.attention.table_width)};
  std::vector<KernelCost> costs = autoencoder_costs(shape, n);
  const double h = sizeof(float) * n.elements * n.k, table = sizeof(float) * n.elements * n.table;
  // Forward, and backward to inputs and to weights: three products of each kind.
  const FieldStepParams field = field_step_shape(architecture, model, shape.batch, shape.shared_per_block);
  const double rows = shape.batch * shape.elements_of_field;
  const double attention = n.elements * n.k * n.table + rows * n.k * model.attention.width +
                           2 * rows * shape.elements_of_field * model.attention.width;
  costs.push_back({"field_step_kernel", field.plan.threads, field.plan.shared_bytes,
                   bytes_of_weight * model.field_weights + sizeof(float) * n.partitions * n.elements * n.k + 2 * h,
                   6 * (shape.batch * multiply_adds(model.head) + attention) + adam_operations * model.field_weights});
  const RankingStepParams ranking = ranking_step_shape(architecture, model, shape.batch, shape.shared_per_block);
  const double weights = static_cast<double>(model.ranking.size());
  costs.push_back({"ranking_step_kernel", ranking.network.plan.threads, ranking.network.plan.shared_bytes,
                   bytes_of_weight * weights + table + h,
                   6.0 * shape.batch * multiply_adds(model.ranking_stack) + adam_operations * weights});
  return costs;
}

}  // namespace phaseselect::cuda
