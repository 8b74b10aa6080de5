#include "kernels/engine/costs.hpp"

#include <utility>

#include "kernels/engine/launches.hpp"
#include "kernels/initial_weights.hpp"
#include "kernels/sample_order.hpp"
#include "kernels/statistics.hpp"

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

// What is done once an epoch, once a member, or for fields. Members' weights are read from L2 by all blocks of fields.
std::vector<KernelCost> other_costs(const CostShape& shape, const ModelShape& model, const Sizes& n) {
  constexpr double fields = 1000, draw_operations = 100;
  const Architecture& architecture = shape.architecture;
  const EvaluateParams evaluation =
      evaluate_shape(architecture, model, FieldOutput::probability, architecture.slots, shape.shared_per_block);
  const RankingPlan reconstruction = reconstruction_shape(architecture, model, shape.shared_per_block).network.plan;
  const double attention = shape.elements_of_field * (n.k + 2 * shape.elements_of_field) * model.attention.width;
  const double width = architecture.field_width();
  double penalised = 0;
  for (std::size_t l = 0; l + 1 < model.head.size(); ++l) penalised += multiply_adds({&model.head[l], 1});
  const double weights = static_cast<double>(model.classifier.size());
  return {
      {"initial_weights_kernel", initial_weights_threads, 0, sizeof(float) * weights,
       draw_operations * n.k * (n.groups + architecture.environments), "member"},
      {"sample_order_kernel", sample_order_threads, 0, sizeof(std::uint64_t) * fields, draw_operations * fields,
       "1,000 rows"},
      {"epoch_statistics_kernel", statistics_threads, epoch_statistics_shared_bytes(), sizeof(float) * penalised,
       4 * penalised, "epoch"},
      {"evaluate_kernel", evaluation.plan.threads, evaluation.plan.shared_bytes, sizeof(float) * fields,
       2 * fields * (multiply_adds(model.head) + attention), "1,000 fields"},
      {"reconstruction_kernel", reconstruction.threads, reconstruction.shared_bytes, sizeof(float) * fields,
       2 * fields * (multiply_adds(model.ranking_stack) + attention), "1,000 fields"},
      {"ranking_scaler_kernel", ranking_scaler_threads, 0, sizeof(float) * fields * width, 2 * fields * width,
       "1,000 rows"},
      {"ensemble_statistics_kernel", statistics_threads, 0, 3 * sizeof(float) * fields, 6 * fields, "1,000 fields"}};
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
  for (KernelCost& cost : other_costs(shape, model, n)) costs.push_back(std::move(cost));
  return costs;
}

}  // namespace phaseselect::cuda
