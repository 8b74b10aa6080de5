// Scaler of the ranking autoencoder. grid (columns / threads, tasks); one thread a column, rows in ascending order, in
// double: the same sums whatever the chunks. Memory contract: reads each field vector once.
#include "kernels/common/launch.hpp"
#include "kernels/ranking.hpp"

namespace phaseselect::cuda {
namespace {

constexpr unsigned threads = ranking_scaler_threads;

__global__ void ranking_scaler_kernel(const __grid_constant__ ScalerParams params) {
  const Task task = params.tasks[blockIdx.y];
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (task.slot < 0 || column >= params.width) return;
  const MemberState& member = params.members[task.slot];
  const int rows = min(params.count, static_cast<int>(member.training_count) - params.first);
  const float* vectors = params.vectors + static_cast<std::size_t>(blockIdx.y) * params.count * params.width + column;
  double* sum = params.sums + static_cast<std::size_t>(blockIdx.y) * params.width + column;
  float* slab = member.ranking.weights;
  double total = *sum;
  const double mean = params.moment == Moment::mean ? 0.0 : static_cast<double>(slab[params.input_mean + column]);
  for (int row = 0; row < rows; ++row) {
    const double value = static_cast<double>(vectors[static_cast<std::size_t>(row) * params.width]) - mean;
    total += params.moment == Moment::mean ? value : value * value;
  }
  *sum = total;
  if (!params.last) return;
  const double moment = total / static_cast<double>(member.training_count);
  if (params.moment == Moment::mean) {
    slab[params.input_mean + column] = static_cast<float>(moment);
  } else {
    const float deviation = static_cast<float>(sqrt(moment));
    slab[params.input_deviation + column] = deviation > 0 ? deviation : 1.0f;
  }
  *sum = 0;
}

}  // namespace

void ranking_scaler(Stream& stream, const ScalerParams& params, int tasks) {
  launch(stream, "ranking_scaler", ranking_scaler_kernel,
         {.grid_x = (static_cast<unsigned>(params.width) + threads - 1) / threads,
          .grid_y = static_cast<unsigned>(tasks),
          .block = threads},
         params);
}

}  // namespace phaseselect::cuda
