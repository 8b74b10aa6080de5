#include "kernels/engine/costs.hpp"

#include <span>
#include <utility>

#include "kernels/engine/launches.hpp"
#include "kernels/initial_weights.hpp"
#include "kernels/sample_order.hpp"
#include "kernels/statistics.hpp"

namespace phaseselect::cuda {
namespace {

double multiply_adds(std::span<const DenseLayer> layers) {
  double count = 0;
  for (const DenseLayer& layer : layers) count += static_cast<double>(layer.inputs) * layer.outputs;
  return count;
}

// h of all elements, and the partitions' partial sums of it or its gradient, in bytes.
struct Passed {
  double h, partials;
};

Passed passed_between_kernels(const Architecture& architecture, const ModelShape& model) {
  const double h = sizeof(float) * static_cast<double>(architecture.elements) * architecture.features;
  return {h, model.partitions * h};
}

std::vector<KernelCost> autoencoder_costs(const WorkShape& shape, const Passed& passed, std::size_t shared) {
  const int elements = shape.architecture.elements, features = shape.architecture.features;
  const DecodeShape decode = decode_shape(elements, features, shared);
  const Work decoder = decoder_step(shape), encoder = encoder_step(shape);
  const double between = passed.h + passed.partials;
  const std::string name =
      "decode_step_kernel<" + std::to_string(decode.features) + ", " + std::to_string(decode.tile) + ">";
  return {{"features_kernel", features_threads, 0, between, passed.partials / sizeof(float)},
          {name, static_cast<unsigned>(decode.tile), decode.shared_bytes, decoder.bytes + between, decoder.operations},
          {"decode_step_tensor_kernel", decode_tensor_threads, decode_tensor_shared_bytes(elements, features, shared),
           decoder.bytes + between, decoder.operations},
          {"encode_step_kernel", encode_threads, encode_shared_bytes(elements, features, shared),
           encoder.bytes + between, encoder.operations}};
}

// What is done once an epoch, once a member, or for fields. Members' weights are read from L2 by all blocks of fields.
std::vector<KernelCost> other_costs(const WorkShape& shape, const ModelShape& model, std::size_t shared) {
  constexpr double fields = 1000, draw_operations = 100;
  const Architecture& architecture = shape.architecture;
  const EvaluateParams evaluation =
      evaluate_shape(architecture, model, FieldOutput::probability, architecture.slots, shared);
  const RankingPlan reconstruction = reconstruction_shape(architecture, model, shared).network.plan;
  const Work probability = fields * field_probability(shape), error = fields * field_reconstruction(shape);
  const double width = architecture.field_width();
  const double penalised = multiply_adds(std::span(model.head).first(model.head.size() - 1));
  const double weights = static_cast<double>(model.classifier.size());
  const double draws = static_cast<double>(architecture.features) * (architecture.groups + architecture.environments);
  return {
      {"initial_weights_kernel", initial_weights_threads, 0, sizeof(float) * weights, draw_operations * draws,
       "member"},
      {"sample_order_kernel", sample_order_threads, 0, sizeof(std::uint64_t) * fields, draw_operations * fields,
       "1,000 rows"},
      {"epoch_statistics_kernel", statistics_threads, epoch_statistics_shared_bytes(), sizeof(float) * penalised,
       4 * penalised, "epoch"},
      {"evaluate_kernel", evaluation.plan.threads, evaluation.plan.shared_bytes, probability.bytes,
       probability.operations, "1,000 fields"},
      {"reconstruction_kernel", reconstruction.threads, reconstruction.shared_bytes, error.bytes, error.operations,
       "1,000 fields"},
      {"ranking_scaler_kernel", ranking_scaler_threads, 0, sizeof(float) * fields * width, 2 * fields * width,
       "1,000 rows"},
      {"ensemble_statistics_kernel", statistics_threads, 0, 3 * sizeof(float) * fields, 6 * fields, "1,000 fields"}};
}

}  // namespace

std::vector<KernelCost> kernel_costs(const WorkShape& shape, std::size_t shared_per_block) {
  const Architecture& architecture = shape.architecture;
  const ModelShape model(architecture);
  const Passed passed = passed_between_kernels(architecture, model);
  std::vector<KernelCost> costs = autoencoder_costs(shape, passed, shared_per_block);
  const FieldStepParams field = field_step_shape(architecture, model, shape.batch, shared_per_block);
  const Work field_work = field_step(shape), ranking_work = ranking_step(shape);
  costs.push_back({"field_step_kernel", field.plan.threads, field.plan.shared_bytes,
                   field_work.bytes + passed.partials + 2 * passed.h, field_work.operations});
  const RankingStepParams ranking = ranking_step_shape(architecture, model, shape.batch, shared_per_block);
  const double table = sizeof(float) * static_cast<double>(architecture.elements) * model.attention.table_width;
  costs.push_back({"ranking_step_kernel", ranking.network.plan.threads, ranking.network.plan.shared_bytes,
                   ranking_work.bytes + table + passed.h, ranking_work.operations});
  for (KernelCost& cost : other_costs(shape, model, shared_per_block)) costs.push_back(std::move(cost));
  return costs;
}

}  // namespace phaseselect::cuda
