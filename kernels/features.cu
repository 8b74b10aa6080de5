// Element features: z_e = sum of the partitions' partial sums, in ascending order; h_e = relu(r_e z_e + b)
// (DESIGN.md 3.1). grid (1, tasks). Reads z_partial [partitions][E][k], writes h [E][k]; 0.1 MB a member at the paper's
// shape. On request also the attention's tables [E][table_width], and the optimiser's constants of the step, which take
// a power in double precision: once a member here, not once a block in the kernels that use them.
#include "kernels/common/attention.cuh"
#include "kernels/common/dense.cuh"
#include "kernels/common/launch.hpp"
#include "kernels/features.hpp"

namespace phaseselect::cuda {
namespace {

constexpr unsigned threads = features_threads;

__global__ void __launch_bounds__(threads) features_kernel(const __grid_constant__ FeaturesParams params) {
  const Task task = params.tasks[blockIdx.y];
  if (task.slot < 0 || (!params.tables && params.step >= task.steps)) return;
  const MemberState& member = params.members[task.slot];
  const int size = params.elements * params.features;
  const float* bias = member.classifier.weights + params.encoder_bias;
  for (int i = static_cast<int>(threadIdx.x); i < size; i += static_cast<int>(blockDim.x)) {
    float z = 0;
    for (int p = 0; p < params.partitions; ++p) z += member.z_partial[p * size + i];
    member.h[i] = fmaxf(params.row_factors[i / params.features] * z + bias[i % params.features], 0.0f);
  }
  for (int i = size + static_cast<int>(threadIdx.x); i < params.attention.elements * params.features;
       i += static_cast<int>(blockDim.x)) {
    member.h[i] = 0;
  }
  if (params.adam != nullptr && threadIdx.x == 0) {
    const double steps = static_cast<double>(task.steps);
    params.adam[blockIdx.y] =
        adam_step(params.plan, task.epoch * steps + params.step, static_cast<double>(params.plan.epochs) * steps);
  }
  if (!params.tables) return;
  __syncthreads();
  project_elements(params.attention, Weights{member.classifier.weights, 0}, member.h, member.tables);
}

}  // namespace

void features(Stream& stream, const FeaturesParams& params, int tasks) {
  launch(stream, "features", features_kernel, {.grid_y = static_cast<unsigned>(tasks), .block = threads}, params);
}

}  // namespace phaseselect::cuda
