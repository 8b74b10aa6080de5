// What kernels know of the model, of a member and of its task. Plain data, shared with the engine's host code.
// Gradients: a kernel that is said to write an array overwrites it; none accumulates into what another one left there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "phaseselect/engine/engine.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect::cuda {

// A dense layer inside a slab: kernel [inputs][outputs], bias [outputs]; offsets in floats.
struct DenseLayer {
  int weights = 0;
  int bias = 0;
  int inputs = 0;
  int outputs = 0;
  int units_before = 0;  // outputs of the layers below it in its stack
};

// Attention of the classifier. Tables hold, for each element, query, key and value side by side: [E][table_width].
struct AttentionShape {
  int elements = 0;  // E; without a mask one more, whose features are zero and which stands for absent slots
  int absent = -1;   // that one, or -1: absent slots take part in nothing
  int features = 0;  // k
  int heads = 0;
  int key_dim = 0;      // d
  int width = 0;        // heads * d
  int table_width = 0;  // 3 * width, 2 * width with Combine::scores
  float scale = 0;      // 1 / sqrt(d)
  Combine combine = Combine::values;
  float weight = 1;  // of Y beside X
  // Of a field vector: n k, or 2 k where elements are pooled.
  PHASESELECT_HOST_DEVICE constexpr int field_width(int slots) const {
    return (combine == Combine::pooled ? 2 : slots) * features;
  }
  // Values of X + w Y that pooling keeps of so many rows.
  PHASESELECT_HOST_DEVICE constexpr int pooled_values(int rows) const {
    return combine == Combine::pooled ? rows * features : 0;
  }
  DenseLayer projections[3];  // query, key, value
  DenseLayer output;
};

// The three arrays of a network that the optimiser works on, each [layout.size()].
struct Slab {
  float* weights = nullptr;
  float* first = nullptr;
  float* second = nullptr;
};

// A member on the device. Arrays that its current use does not need are null.
struct MemberState {
  std::uint32_t id = 0;
  Slab classifier;
  Slab ranking;
  const std::uint32_t* training = nullptr;  // [training_count] rows of the problem's fields
  const std::uint32_t* held_out = nullptr;  // [held_out_count]
  std::uint32_t training_count = 0;
  std::uint32_t held_out_count = 0;
  float class_weight[2] = {0, 0};
  float* z_partial = nullptr;   // [partitions][E][k], sums of encoder rows
  float* h = nullptr;           // [E][k], element features; E here and below: AttentionShape::elements
  float* tables = nullptr;      // [E][table_width]
  float* dh_partial = nullptr;  // [partitions][E][k], from the decoder, not yet scaled
  float* dz = nullptr;          // [E][k], of the sums of encoder rows
};

// One member's part in a launch. slot < 0: no member, its blocks return at once.
struct Task {
  int slot = -1;
  std::uint32_t epoch = 0;
  std::uint32_t steps = 0;  // of the epoch
  std::int32_t first = 0;   // where its keys begin in the sample order
};

// Adam's constants for one update: w -= rate * (m^ / (sqrt(v^) + epsilon) + decay * w).
struct AdamStep {
  float rate = 0;
  float decay = 0;
  float beta1 = 0, beta2 = 0;
  float rest1 = 0, rest2 = 0;  // 1 - beta, rounded once
  float correction1 = 0, correction2 = 0;
  float epsilon = 0;
};

// Results of an epoch as they leave the device.
struct EpochResult {
  double training_loss = 0;  // sum over samples
  double autoencoder_loss = 0;
  double penalty = 0;
  double held_out_loss = 0;  // sum over rows
  std::uint32_t held_out_correct = 0;
  std::uint32_t unused = 0;
};

// The grouped matrix is cut into partitions of whole tiles; each is one block's share of a member's autoencoder. The
// cut depends on the number of groups alone, so a member's bits do not depend on how many members there are.
inline constexpr int tile_groups = 128;
inline constexpr int partition_tiles = 8;
inline constexpr int partition_groups = tile_groups * partition_tiles;
constexpr int partitions_of(int groups) { return (groups + partition_groups - 1) / partition_groups; }

}  // namespace phaseselect::cuda
