// The field network's part of a training step: attention, classifier, loss, backward and optimiser, one block a member.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/common/member.hpp"
#include "kernels/common/place.hpp"
#include "kernels/runtime/runtime.hpp"

namespace phaseselect::cuda {

// Where the arrays of a block live, most important first (kernels/common/placement.cuh).
struct FieldStepPlan {
  Place weights;  // of attention and classifier; in place in the slab when not in_shared
  Place table, h, element, size, first_row, row_field, largest, total, context, flat, pooled;
  Place activations;   // of all hidden layers, one after another
  Place gradients[2];  // of activations, in turn
  Place d_context, d_rows, weighted, d_flat, received, d_received, d_table, dh, sums;
  unsigned threads = 0;
  std::size_t shared_bytes = 0;
  std::size_t scratch_bytes = 0;  // of one block
};

struct FieldStepParams {
  int elements = 0;
  int slots = 0;
  int batch = 0;
  int layers = 0;                     // hidden layers and the logit
  const DenseLayer* dense = nullptr;  // [layers]
  AttentionShape attention;
  int encoder_bias = 0;                // offset in the slab
  const float* row_factors = nullptr;  // [E], r_e
  int first_weight = 0;  // the field network's blocks in the slab: [first_weight, first_weight + weight_count)
  int weight_count = 0;
  int partitions = 0;
  float dropout = 0;
  float l1 = 0, l2 = 0;         // of the hidden kernels
  float autoencoder_scale = 0;  // of dh_partial: lambda / (E V)
  bool random_order = false;
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  const std::int16_t* fields = nullptr;  // [N][slots]
  const std::uint8_t* labels = nullptr;  // [N]
  const std::uint64_t* order = nullptr;  // sorted keys of SampleOrder
  const AdamStep* adam = nullptr;        // [tasks]
  const Task* tasks = nullptr;
  const MemberState* members = nullptr;
  EpochResult* results = nullptr;  // [tasks], training_loss is added to
  std::byte* scratch = nullptr;    // [tasks][plan.scratch_bytes]
  FieldStepPlan plan;
};

// Fills params.plan from the shapes in params and the widths of the dense layers, for blocks with this much shared
// memory.
void plan_field_step(FieldStepParams& params, std::span<const DenseLayer> dense, std::size_t shared_limit);

void field_step(Stream& stream, const FieldStepParams& params, int tasks);

}  // namespace phaseselect::cuda
