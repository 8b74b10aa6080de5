// Statistics. Every sum is in double and in a fixed order.
#include "kernels/common/launch.hpp"
#include "kernels/common/reduce.cuh"
#include "kernels/common/shared.cuh"
#include "kernels/statistics.hpp"

namespace phaseselect::cuda {
namespace {

constexpr unsigned threads = statistics_threads;

__device__ double penalty(const EpochStatisticsParams& params, const float* slab) {
  double sum = 0;
  for (int l = 0; l < params.penalised_layers; ++l) {
    const DenseLayer& layer = params.penalised[l];
    for (int i = static_cast<int>(threadIdx.x); i < layer.inputs * layer.outputs; i += static_cast<int>(blockDim.x)) {
      const double w = static_cast<double>(slab[layer.weights + i]);
      sum += params.l1 * fabs(w) + params.l2 * w * w;
    }
  }
  return sum;
}

// A float probability of exactly 0 or 1 on the wrong side counts as 1e-7 away from it.
__device__ double cross_entropy(float probability, bool positive) {
  const double p = static_cast<double>(probability);
  return -log(fmax(positive ? p : 1.0 - p, 1e-7));
}

__global__ void __launch_bounds__(threads)
    epoch_statistics_kernel(const __grid_constant__ EpochStatisticsParams params) {
  const Task task = params.tasks[blockIdx.y];
  if (task.slot < 0) return;
  const MemberState& member = params.members[task.slot];
  const bool classifier = params.network == Network::classifier;
  SharedCarver carver(shared_memory());
  double* scratch = carver.take<double>(threads / warp_lanes);
  unsigned* counts = carver.take<unsigned>(threads / warp_lanes);
  const float* held_out = params.held_out + static_cast<std::size_t>(blockIdx.y) * params.stride;
  double loss = 0;
  unsigned correct = 0;
  for (unsigned i = threadIdx.x; i < member.held_out_count; i += blockDim.x) {
    const float value = held_out[i];
    if (classifier) {
      const bool positive = params.labels[member.held_out[i]] != 0;
      loss += cross_entropy(value, positive);
      correct += (value >= 0.5f) == positive ? 1u : 0u;
    } else {
      loss += static_cast<double>(value) * static_cast<double>(value) / params.width;
    }
  }
  const double held_out_loss = block_sum(loss, scratch);
  const unsigned held_out_correct = block_sum(correct, counts);
  const double penalties = block_sum(classifier ? penalty(params, member.classifier.weights) : 0.0, scratch);
  if (threadIdx.x != 0) return;
  double decoder = 0;
  for (int p = 0; classifier && p < params.partitions; ++p) {
    decoder += params.decoder_losses[blockIdx.y * params.partitions + p];
  }
  EpochResult& result = params.results[blockIdx.y];
  result.autoencoder_loss = decoder;
  result.penalty = penalties;
  result.held_out_loss = held_out_loss;
  result.held_out_correct = held_out_correct;
}

// Larger floats give smaller keys when `descending`; NaN always gives the largest.
__device__ std::uint32_t sort_key(float value, bool descending) {
  if (isnan(value)) return 0xffffffffu;
  const std::uint32_t bits = __float_as_uint(value + 0.0f);  // -0 becomes 0
  const std::uint32_t ascending = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return descending ? ~ascending : ascending;
}

__global__ void ensemble_statistics_kernel(const __grid_constant__ EnsembleParams params) {
  const int field = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (field >= params.fields) return;
  const double members = static_cast<double>(params.members);
  double mean = 0, squares = 0, error = 0;
  for (int m = 0; m < params.members; ++m) {
    const std::size_t value = static_cast<std::size_t>(m) * params.stride + field;
    mean += static_cast<double>(params.probabilities[value]);
    error += static_cast<double>(params.errors[value]);
  }
  mean /= members;
  error /= members;
  for (int m = 0; m < params.members; ++m) {
    const double difference =
        static_cast<double>(params.probabilities[static_cast<std::size_t>(m) * params.stride + field]) - mean;
    squares = __dadd_rn(squares, __dmul_rn(difference, difference));  // the host's bits: no fused multiply-add
  }
  const FieldStatistics result{static_cast<float>(mean), static_cast<float>(sqrt(squares / members)),
                               static_cast<float>(error)};
  const int at = params.first + field;
  params.out[at] = result;
  if (params.keys == nullptr) return;
  params.keys[at] =
      (static_cast<std::uint64_t>(sort_key(result.probability, true)) << 32) | sort_key(result.error, false);
  params.positions[at] = static_cast<std::uint32_t>(at);
  params.mean_errors[at] = result.error;
}

__global__ void gather_statistics_kernel(const __grid_constant__ GatherParams params) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < params.count) params.out[i] = params.in[params.positions[i]];
}

LaunchShape one_thread_each(int count) {
  return {.grid_x = (static_cast<unsigned>(count) + threads - 1) / threads, .block = threads};
}

}  // namespace

std::size_t epoch_statistics_shared_bytes() {
  SharedCarver carver(nullptr);
  carver.take<double>(threads / warp_lanes);
  carver.take<unsigned>(threads / warp_lanes);
  return carver.bytes();
}

void epoch_statistics(Stream& stream, const EpochStatisticsParams& params, int tasks) {
  launch(stream, "epoch_statistics", epoch_statistics_kernel,
         {.grid_y = static_cast<unsigned>(tasks), .block = threads, .shared_bytes = epoch_statistics_shared_bytes()},
         params);
}

void ensemble_statistics(Stream& stream, const EnsembleParams& params) {
  launch(stream, "ensemble_statistics", ensemble_statistics_kernel, one_thread_each(params.fields), params);
}

void gather_statistics(Stream& stream, const GatherParams& params) {
  launch(stream, "gather_statistics", gather_statistics_kernel, one_thread_each(params.count), params);
}

}  // namespace phaseselect::cuda
