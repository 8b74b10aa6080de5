// The ranking autoencoder (DESIGN.md 3.3): scaler, training step, reconstruction errors.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/common/member.hpp"
#include "kernels/common/place.hpp"
#include "kernels/evaluate.hpp"
#include "kernels/runtime/runtime.hpp"

namespace phaseselect::cuda {

// ---- scaler: mean and population deviation (0 becomes 1) of the training rows' field vectors ----

enum class Moment { mean, deviation };

// One chunk of rows of every member; chunks in ascending order. `sums` carries the running sums and must start at zero.
struct ScalerParams {
  Moment moment = Moment::mean;             // deviation: about the mean in the slab
  int width = 0;                            // of a field vector
  int first = 0;                            // of the chunk in the member's training rows
  int count = 0;                            // rows of the chunk, at most
  bool last = false;                        // write the moment to the ranking slab
  int input_mean = 0, input_deviation = 0;  // offsets in the slab
  const float* vectors = nullptr;           // [tasks][count][width]
  double* sums = nullptr;                   // [tasks][width]
  const Task* tasks = nullptr;
  const MemberState* members = nullptr;
};

inline constexpr unsigned ranking_scaler_threads = 128;

void ranking_scaler(Stream& stream, const ScalerParams& params, int tasks);

// ---- training step and reconstruction ----

struct RankingPlan {
  int fields = 0;  // of one block (reconstruction); the batch (step)
  Place weights;   // used in place in the slab when not in_shared; reconstruction never copies them
  Place element, size, first_row, row_field, largest, total, context, flat, pooled, noisy, sums, adam;
  Place activations;
  Place gradients[2];
  unsigned threads = 0;
  std::size_t shared_bytes = 0;
  std::size_t scratch_bytes = 0;
};

struct RankingParams {
  int slots = 0;  // of the model
  int layers = 0;
  const DenseLayer* dense = nullptr;  // [layers]
  AttentionShape attention;
  int input_mean = 0, input_deviation = 0;
  int weight_count = 0;  // of the whole ranking slab
  const Task* tasks = nullptr;
  const MemberState* members = nullptr;
  std::byte* scratch = nullptr;
  RankingPlan plan;
};

// One step of every member: representation of the batch from the member's tables, standardised, noise, forward,
// squared error, backward, Adam.
struct RankingStepParams {
  RankingParams network;
  int batch = 0;
  float dropout = 0;
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  OptimiserPlan optimiser;
  const std::int16_t* fields = nullptr;  // [N][slots]
  const std::uint64_t* order = nullptr;
  EpochResult* results = nullptr;  // training_loss is added to: sum over samples of the mean over dimensions
};

void plan_ranking_step(RankingStepParams& params, std::span<const DenseLayer> dense, std::size_t shared_limit);
void ranking_step(Stream& stream, const RankingStepParams& params, int tasks);

// Euclidean norm of the standardised field vector minus its reconstruction, dropout off.
struct ReconstructionParams {
  RankingParams network;
  FieldSelection selection;
  float* out = nullptr;  // [tasks][stride]
  int stride = 0;
};

void plan_reconstruction(ReconstructionParams& params, std::span<const DenseLayer> dense, std::size_t shared_limit);
std::size_t reconstruction_blocks(const ReconstructionParams& params, int tasks);
void reconstruction(Stream& stream, const ReconstructionParams& params, int tasks);

}  // namespace phaseselect::cuda
