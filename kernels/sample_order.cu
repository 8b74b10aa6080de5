// Keys of the sample order; the sort itself is SegmentedSort (kernels/runtime/device_algorithms.hpp).
#include "kernels/common/launch.hpp"
#include "kernels/sample_order.hpp"

namespace phaseselect::cuda {
namespace {

constexpr unsigned threads = sample_order_threads;

__global__ void sample_order_kernel(const __grid_constant__ SampleOrderParams params) {
  const Task task = params.tasks[blockIdx.y];
  if (task.slot < 0) return;
  const MemberState& member = params.members[task.slot];
  const std::uint32_t position = blockIdx.x * blockDim.x + threadIdx.x;
  if (position >= member.training_count) return;
  const RandomStream random{params.seed, member.id, params.purpose, task.epoch, 0};
  params.keys[static_cast<std::uint32_t>(task.first) + position] =
      (static_cast<std::uint64_t>(random(position)) << 32) | position;
}

}  // namespace

void sample_order_keys(Stream& stream, const SampleOrderParams& params, int tasks, std::uint32_t most_training) {
  launch(stream, "sample_order", sample_order_kernel,
         {.grid_x = (most_training + threads - 1) / threads, .grid_y = static_cast<unsigned>(tasks), .block = threads},
         params);
}

}  // namespace phaseselect::cuda
