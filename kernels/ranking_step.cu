// A training step of the ranking autoencoder (DESIGN.md 3.3), one block a member: field vectors of the batch, scaled,
// noise, forward, squared error, backward, Adam. grid (1, tasks).
// Memory contract: reads the member's tables and ranking weights (into shared memory where they fit), reads and writes
// weights and moments once. Updated weights go to the slab alone.
#include "kernels/common/launch.hpp"
#include "kernels/common/ranking_network.cuh"

namespace phaseselect::cuda {
namespace {

struct Step {
  const RankingStepParams& params;
  const MemberState& member;
  Areas areas;
  Weights weights;
  FieldBatch batch;
  Dropout dropout;
  int width;  // of a field vector

  const __device__ RankingPlan& plan() const { return params.network.plan; }
  __device__ int thread() const { return static_cast<int>(threadIdx.x); }
  __device__ int threads() const { return static_cast<int>(blockDim.x); }
  __device__ float* array(const Place& place) const { return areas.at<float>(place); }
};

__device__ void load_batch(const Step& step, const Task& task) {
  const RankingStepParams& params = step.params;
  const int slots = params.network.slots;
  if (step.plan().weights.in_shared) {
    float* copy = step.array(step.plan().weights);
    for (int i = step.thread(); i < params.network.weight_count; i += step.threads()) {
      copy[i] = step.member.ranking.weights[i];
    }
  }
  for (int i = step.thread(); i < step.batch.fields * slots; i += step.threads()) {
    const int sample = task.first + static_cast<int>(params.step) * params.batch + i / slots;
    const std::uint32_t row = step.member.training[static_cast<std::uint32_t>(params.order[sample])];
    step.batch.element[i] =
        params.fields[row * static_cast<std::uint32_t>(slots) + static_cast<std::uint32_t>(i % slots)];
  }
  number_rows(step.batch);
}

// The noisy input: dropout of layer 0. Ends with a barrier.
__device__ void add_noise(const Step& step) {
  const int quads = (step.width + 3) / 4;
  const float* clean = step.array(step.plan().flat);
  float* noisy = step.array(step.plan().noisy);
  for (int i = step.thread(); i < step.batch.fields * quads; i += step.threads()) {
    const int sample = i / quads, unit = i % quads * 4, count = min(4, step.width - unit);
    float values[4] = {};
#pragma unroll
    for (int q = 0; q < 4; ++q) {
      if (q < count) values[q] = clean[sample * step.width + unit + q];
    }
    step.dropout.apply(0, sample, unit, count, values);
#pragma unroll
    for (int q = 0; q < 4; ++q) {
      if (q < count) noisy[sample * step.width + unit + q] = values[q];
    }
  }
  __syncthreads();
}

// Squared error against the clean vectors: adds to the result, turns the output into its gradient.
__device__ void squared_error(const Step& step, float* output) {
  const float* target = step.array(step.plan().flat);
  const int size = step.batch.fields * step.width;
  double loss = 0;
  for (int i = step.thread(); i < size; i += step.threads()) {
    const float difference = output[i] - target[i];
    loss += static_cast<double>(difference) * static_cast<double>(difference);
    output[i] = 2.0f * difference / static_cast<float>(size);
  }
  const double total = block_sum(loss, step.areas.at<double>(step.plan().sums));
  if (step.thread() == 0) step.params.results[blockIdx.y].training_loss += total / static_cast<double>(step.width);
}

__device__ void backward(const Step& step, const AdamStep& adam) {
  const RankingParams& network = step.params.network;
  float* dy = step.array(step.plan().gradients[0]);
  float* next = step.array(step.plan().gradients[1]);
  for (int l = network.layers - 1; l >= 0; --l) {
    const DenseLayer& layer = network.dense[l];
    const float* x = l == 0
                         ? step.array(step.plan().noisy)
                         : step.array(step.plan().activations) + network.dense[l - 1].units_before * step.plan().fields;
    if (l > 0) dense_input_gradient(layer, step.weights, dy, step.batch.fields, x, step.dropout.scale(), next);
    __syncthreads();
    dense_update(layer, x, dy, step.batch.fields, adam, step.member.ranking, {});
    __syncthreads();
    float* const spent = dy;
    dy = next;
    next = spent;
  }
}

__global__ void __launch_bounds__(most_ranking_threads)
    ranking_step_kernel(const __grid_constant__ RankingStepParams params) {
  const Task task = params.network.tasks[blockIdx.y];
  if (task.slot < 0 || params.step >= task.steps) return;
  const MemberState& member = params.network.members[task.slot];
  const RankingPlan& plan = params.network.plan;
  const Areas areas{shared_memory(), params.network.scratch + blockIdx.y * plan.scratch_bytes};
  const int trained = static_cast<int>(params.step) * params.batch;
  const int fields = min(params.batch, static_cast<int>(member.training_count) - trained);
  const Step step{
      params,
      member,
      areas,
      {plan.weights.in_shared ? areas.at<float>(plan.weights) : member.ranking.weights, 0},
      ranking_batch(params.network, areas, fields),
      {{params.seed, member.id, phaseselect::Stream::ranking_dropout, task.epoch, params.step}, params.dropout},
      params.network.attention.field_width(params.network.slots)};
  AdamStep* adam = areas.at<AdamStep>(plan.adam);
  if (threadIdx.x == 0) {  // powers in double precision: once a block
    const double steps = static_cast<double>(task.steps);
    *adam = adam_step(params.optimiser, task.epoch * steps + params.step,
                      static_cast<double>(params.optimiser.epochs) * steps);
  }
  load_batch(step, task);
  standardised_vectors(params.network, areas, member, step.batch);
  add_noise(step);
  reconstruct(params.network, areas, step.weights, step.array(plan.noisy), fields, step.dropout);
  squared_error(step, step.array(plan.gradients[0]));
  backward(step, *adam);
}

}  // namespace

void plan_ranking_step(RankingStepParams& params, std::span<const DenseLayer> dense, std::size_t shared_limit) {
  params.network.plan = place_ranking(params.network, dense, {.fields = params.batch, .training = true}, shared_limit);
}

void ranking_step(Stream& stream, const RankingStepParams& params, int tasks) {
  launch(stream, "ranking_step", ranking_step_kernel,
         {.grid_y = static_cast<unsigned>(tasks),
          .block = params.network.plan.threads,
          .shared_bytes = params.network.plan.shared_bytes},
         params);
}

}  // namespace phaseselect::cuda
