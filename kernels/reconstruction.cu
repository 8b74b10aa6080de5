// Reconstruction errors of fields by members (DESIGN.md 3.3), dropout off. grid (blocks of fields, tasks).
// Memory contract: reads the member's tables, weights and scaler (from L2), writes one number a field. A field's bits
// do not depend on the fields beside it.
#include "kernels/common/launch.hpp"
#include "kernels/common/ranking_network.cuh"
#include "kernels/common/selection.cuh"

namespace phaseselect::cuda {
namespace {

__global__ void __launch_bounds__(most_ranking_threads)
    reconstruction_kernel(const __grid_constant__ ReconstructionParams params) {
  const Task task = params.network.tasks[blockIdx.y];
  if (task.slot < 0) return;
  const MemberState& member = params.network.members[task.slot];
  const RankingPlan& plan = params.network.plan;
  const SelectedFields selected(params.selection, member);
  const int first = static_cast<int>(blockIdx.x) * plan.fields;
  if (first >= selected.count) return;
  const Areas areas{
      shared_memory(),
      params.network.scratch + (static_cast<std::size_t>(blockIdx.y) * gridDim.x + blockIdx.x) * plan.scratch_bytes};
  const FieldBatch batch = ranking_batch(params.network, areas, min(plan.fields, selected.count - first));
  gather_fields(selected, first, nullptr, 0, batch);
  standardised_vectors(params.network, areas, member, batch);
  const float* x = areas.at<float>(plan.flat);
  const float* y = reconstruct(params.network, areas, Weights{member.ranking.weights, 0}, x, batch.fields, Dropout{});
  const int width = params.network.attention.field_width(params.network.slots);
  for (int f = static_cast<int>(threadIdx.x); f < batch.fields; f += static_cast<int>(blockDim.x)) {
    float sum = 0;
    for (int i = f * width; i < (f + 1) * width; ++i) {
      const float difference = y[i] - x[i];
      sum += difference * difference;
    }
    params.out[static_cast<std::size_t>(blockIdx.y) * params.stride + first + f] = sqrtf(sum);
  }
}

}  // namespace

void plan_reconstruction(ReconstructionParams& params, std::span<const DenseLayer> dense, std::size_t shared_limit) {
  // As many fields as share a pass over the weights, as long as everything stays in shared memory.
  for (int fields = 64; fields > 1; fields /= 2) {
    params.network.plan = place_ranking(params.network, dense, {.fields = fields}, shared_limit / 2);
    if (params.network.plan.scratch_bytes == 0) return;
  }
  params.network.plan = place_ranking(params.network, dense, {.fields = 1}, shared_limit);
}

std::size_t reconstruction_blocks(const ReconstructionParams& params, int tasks) {
  const int fields = params.network.plan.fields;
  return static_cast<std::size_t>((params.selection.count + fields - 1) / fields) * static_cast<std::size_t>(tasks);
}

void reconstruction(Stream& stream, const ReconstructionParams& params, int tasks) {
  if (tasks == 0) return;
  launch(stream, "reconstruction", reconstruction_kernel,
         {.grid_x = static_cast<unsigned>(reconstruction_blocks(params, 1)),
          .grid_y = static_cast<unsigned>(tasks),
          .block = params.network.plan.threads,
          .shared_bytes = params.network.plan.shared_bytes},
         params);
}

}  // namespace phaseselect::cuda
