// One epoch of one member's classifier: every step trains autoencoder, attention and head together (DESIGN.md
// 3.1).
#include <algorithm>
#include <cmath>

#include "host/engine/cpu/model.hpp"

namespace phaseselect::cpu {
namespace {

struct LossWeights {
  float of[2] = {1, 1};  // w_c
};

LossWeights loss_weights(const Problem& problem, const std::vector<std::uint32_t>& rows) {
  LossWeights weights;
  if (problem.architecture.class_weights == ClassWeights::none) return weights;
  double count[2] = {0, 0};
  for (const std::uint32_t row : rows) count[problem.labels[row]] += 1;
  for (int c = 0; c < 2; ++c) {
    if (count[c] > 0) weights.of[c] = static_cast<float>(static_cast<double>(rows.size()) / (2.0 * count[c]));
  }
  return weights;
}

// One step of the epoch: where it is in the random numbers, and which rows it trains on.
struct Step {
  std::uint32_t epoch = 0;
  std::uint32_t index = 0;
  std::span<const std::uint32_t> rows;  // of Problem::fields
};

// The batch's fields in slot order.
void fill_batch(const Model& model, const Member& member, const Step& step, FieldBatch& batch) {
  const Architecture& architecture = model.architecture();
  const int slots = architecture.slots;
  batch.resize(static_cast<int>(step.rows.size()), slots);
  const RandomStream random{model.problem.seed, member.plan.id, Stream::slot_order, step.epoch, step.index};
  for (std::size_t b = 0; b < step.rows.size(); ++b) {
    const std::int16_t* source = model.problem.fields.rows.data() + step.rows[b] * static_cast<std::size_t>(slots);
    std::int16_t* target = batch.rows.data() + b * static_cast<std::size_t>(slots);
    int size = 0;
    while (size < slots && source[size] >= 0) ++size;
    batch.sizes[b] = size;
    if (architecture.slot_order == SlotOrder::sorted) {
      std::copy_n(source, size, target);
      continue;
    }
    std::uint64_t keys[64];  // draw, then place in the alphabetical order
    for (int i = 0; i < size; ++i) {
      keys[i] = (std::uint64_t{random(static_cast<std::uint32_t>(b * 64) + static_cast<std::uint32_t>(i))} << 32) |
                static_cast<std::uint32_t>(i);
    }
    std::sort(keys, keys + size);
    for (int i = 0; i < size; ++i) target[i] = source[static_cast<std::uint32_t>(keys[i])];
  }
  if (!architecture.attention_mask) batch.fill_absent(architecture.elements);
}

// Class-weighted cross-entropy summed over the batch, in double; gradient of the batch mean into `gradient`.
double logit_loss(const Model& model, const Step& step, const LossWeights& weights, const float* logits,
                  float* gradient) {
  const float batch = static_cast<float>(step.rows.size());
  double loss = 0;
  for (std::size_t b = 0; b < step.rows.size(); ++b) {
    const float z = logits[b];
    const std::uint8_t label = model.problem.labels[step.rows[b]];
    const float weight = weights.of[label];
    const float decay = std::exp(-std::fabs(z));
    const float softplus = std::max(z, 0.0f) + std::log1p(decay);
    const float probability = z >= 0 ? 1.0f / (1.0f + decay) : decay / (1.0f + decay);
    loss += static_cast<double>(weight * (softplus - (label != 0 ? z : 0.0f)));
    gradient[b] = weight * (probability - static_cast<float>(label)) / batch;
  }
  return loss;
}

// Adam on every block from the attention on, and on the encoder's bias: those whose gradients lie in the workspace.
void update_small_blocks(const Model& model, Member& member, const AdamStep& base, const Workspace& workspace) {
  const Architecture& architecture = model.architecture();
  for (const ParameterBlock& block : model.classifier.blocks()) {
    if (block.name == "encoder.weights" || block.name == "decoder.weights" || block.name == "decoder.bias") continue;
    AdamStep adam = base;
    adam.scale = 1;
    if (!block.decays) adam.decay = 0;
    if (block.penalised) {
      adam.l1 = static_cast<float>(architecture.l1);
      adam.l2 = static_cast<float>(architecture.l2);
    }
    model.kernels.adam(adam, member.classifier.at(block.offset), workspace.gradients.data() + block.offset,
                       block.size());
  }
}

// From dh to the gradient of the sums over groups (r_e dz_e), the encoder's update and the next z.
void update_encoder(const Model& model, Member& member, AdamStep adam, Workspace& workspace) {
  const int elements = model.pattern.elements;
  const int k = model.pattern.features;
  float* bias_gradient = workspace.gradients.data() + model.encoder_bias;
  std::fill_n(bias_gradient, k, 0.0f);
  for (int e = 0; e < elements; ++e) {
    const std::ptrdiff_t row = e * model.kp;
    const float r = model.row_factors[static_cast<std::size_t>(e)];
    for (int c = 0; c < k; ++c) {
      const float dz = member.h.data()[row + c] > 0 ? workspace.dh.data()[row + c] : 0.0f;
      workspace.dz.data()[row + c] = r * dz;
      bias_gradient[c] += dz;
    }
  }
  adam.rate *= static_cast<float>(model.problem.classifier.encoder_rate);
  model.kernels.encode_step(model.pattern, workspace.dz.data(), member.classifier.at(model.encoder_weights), adam,
                            workspace.encode.data(), member.z.data());
}

struct StepLosses {
  double classification = 0;  // summed over the batch
  double autoencoder = 0;     // when asked for
};

StepLosses train_step(const Model& model, Member& member, const Step& step, const LossWeights& weights, AdamStep adam,
                      bool autoencoder_loss, Workspace& workspace) {
  const Architecture& architecture = model.architecture();
  const int fields = static_cast<int>(step.rows.size());
  float* slab = member.classifier.weights.data();
  refresh_tables(model, member);
  fill_batch(model, member, step, workspace.batch);
  model.attention.forward(model.kernels, slab, member.h.data(), member.tables, workspace.batch, workspace.attention,
                          workspace.flat.data());
  const DenseStack::Dropout dropout{
      {model.problem.seed, member.plan.id, Stream::classifier_dropout, step.epoch, step.index},
      static_cast<float>(architecture.dropout)};
  const float* logits = model.head.forward(model.kernels, slab, workspace.flat.data(), model.head.inputs(), fields,
                                           &dropout, workspace.activations);
  StepLosses losses;
  losses.classification = logit_loss(model, step, weights, logits, workspace.d_output.data());

  const double cells = static_cast<double>(architecture.elements) * static_cast<double>(architecture.environments);
  AdamStep decoder = adam;
  decoder.scale = static_cast<float>(architecture.autoencoder_weight / cells);
  losses.autoencoder =
      model.kernels.decode_step(model.pattern, member.h.data(), member.classifier.at(model.decoder_weights),
                                member.classifier.at(model.decoder_bias), decoder, autoencoder_loss,
                                workspace.decode.data(), workspace.dh.data()) /
      cells;
  model.head.backward(model.kernels, slab, workspace.flat.data(), fields, &dropout, workspace.d_output.data(),
                      workspace.activations, workspace.gradients.data(), workspace.d_flat.data());
  model.attention.backward(model.kernels, slab, member.h.data(), member.tables, workspace.batch, workspace.attention,
                           workspace.d_flat.data(), workspace.gradients.data(), workspace.dh.data());
  update_encoder(model, member, adam, workspace);
  update_small_blocks(model, member, adam, workspace);
  member.tables_current = false;  // z already belongs to the new weights
  return losses;
}

double penalty(const Model& model, const Member& member) {
  double l1 = 0, l2 = 0;
  for (const ParameterBlock& block : model.classifier.blocks()) {
    if (!block.penalised) continue;
    for (const float w : member.classifier.weights.span().subspan(block.offset, block.size())) {
      l1 += std::fabs(static_cast<double>(w));
      l2 += static_cast<double>(w) * static_cast<double>(w);
    }
  }
  return model.architecture().l1 * l1 + model.architecture().l2 * l2;
}

void evaluate_held_out(const Model& model, Member& member, Workspace& workspace, EpochStatistics& statistics) {
  const FieldSet fields = gather_fields(model.problem, member.plan.held_out);
  std::vector<float> probability(fields.size());
  refresh_tables(model, member);
  probabilities(model, member, fields, workspace, probability.data());
  double loss = 0;
  for (std::size_t i = 0; i < probability.size(); ++i) {
    const bool positive = model.problem.labels[member.plan.held_out[i]] != 0;
    const double p = static_cast<double>(probability[i]);
    // A float probability of exactly 0 or 1 on the wrong side counts as 1e-7 away from it.
    loss -= std::log(std::max(positive ? p : 1.0 - p, 1e-7));
    statistics.held_out_correct += (probability[i] >= 0.5f) == positive;
  }
  statistics.held_out = static_cast<std::uint32_t>(probability.size());
  statistics.held_out_loss = probability.empty() ? 0 : loss / static_cast<double>(probability.size());
}

void reserve(const Model& model, Workspace& workspace) {
  const auto batch = static_cast<std::size_t>(model.problem.classifier.batch);
  const std::size_t table =
      static_cast<std::size_t>(model.architecture().attention_elements()) * static_cast<std::size_t>(model.kp);
  const std::size_t flat = batch * static_cast<std::size_t>(model.architecture().field_width());
  workspace.flat.need(flat);
  workspace.d_flat.need(flat);
  workspace.d_output.need(batch);
  workspace.dh.need(table);
  workspace.dz.need(table);
  workspace.gradients.need(model.classifier.size());
  workspace.decode.need(decode_scratch(model.pattern.elements, model.pattern.features));
  workspace.encode.need(encode_scratch(model.pattern.features));
}

}  // namespace

std::optional<EpochStatistics> classifier_epoch(const Model& model, Member& member, std::uint32_t epoch,
                                                Workspace& workspace, const Stop& stop) {
  const OptimiserPlan& plan = model.problem.classifier;
  const std::vector<std::uint32_t>& training = member.plan.training;
  reserve(model, workspace);
  std::vector<std::uint32_t> order =
      sample_order(model.problem.seed, member.plan.id, Stream::sample_order, epoch, training.size());
  for (std::uint32_t& position : order) position = training[position];
  const LossWeights weights = loss_weights(model.problem, training);
  const auto batch = static_cast<std::size_t>(plan.batch);
  const std::size_t steps = (order.size() + batch - 1) / batch;
  EpochStatistics statistics;
  for (std::size_t i = 0; i < steps; ++i) {
    if (stop && stop()) return std::nullopt;
    const std::size_t first = i * batch;
    const Step step{epoch, static_cast<std::uint32_t>(i),
                    std::span(order).subspan(first, std::min(batch, order.size() - first))};
    AdamStep adam = adam_step(plan, epoch * std::uint64_t{steps} + i, static_cast<std::uint64_t>(plan.epochs) * steps);
    adam.decay = static_cast<float>(plan.weight_decay);
    const StepLosses losses = train_step(model, member, step, weights, adam, i + 1 == steps, workspace);
    statistics.training_loss += losses.classification;
    statistics.autoencoder_loss = losses.autoencoder;
  }
  statistics.training_loss /= static_cast<double>(order.size());
  statistics.penalty = penalty(model, member);
  evaluate_held_out(model, member, workspace, statistics);
  return statistics;
}

}  // namespace phaseselect::cpu
