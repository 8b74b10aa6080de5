// Evaluation of fields by members (DESIGN.md 3.1), dropout off. grid (blocks of fields, tasks).
// A block takes some fields of one member through attention and classifier; everything between gather and result stays
// on the multiprocessor. Memory contract: reads the member's tables and weights (from L2: members' weights are read by
// all their blocks), writes one number a field (or its vector, or its attention).
// A field's bits do not depend on the fields beside it.
#include <algorithm>

#include "kernels/common/attention.cuh"
#include "kernels/common/dense.cuh"
#include "kernels/common/launch.hpp"
#include "kernels/common/placement.cuh"
#include "kernels/common/selection.cuh"
#include "kernels/evaluate.hpp"

namespace phaseselect::cuda {
namespace {

constexpr unsigned threads = 256;

// Logits of the batch; ends with a barrier.
__device__ const float* classify(const EvaluateParams& params, const Areas& areas, const Weights& weights, int fields) {
  const float* x = areas.at<float>(params.plan.flat);
  int used = params.attention.field_width(params.slots);
  for (int l = 0; l < params.layers; ++l) {
    const DenseLayer& layer = params.dense[l];
    float* y = areas.at<float>(params.plan.hidden[l % 2]);
    dense_forward(layer, weights, x, used, used, fields, l + 1 < params.layers ? Activation::relu : Activation::linear,
                  Dropout{}, 0, y);
    __syncthreads();
    x = y;
    used = layer.outputs;
  }
  return x;
}

// out: [fields][slots], slots at most the batch's.
__device__ void write_attention(const Attention& attention, int slots, float* out) {
  const FieldBatch& batch = attention.batch;
  __syncthreads();
  attention_softmax(attention);
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < batch.fields * slots; i += static_cast<int>(blockDim.x)) {
    const int field = i / slots, slot = i % slots, element = batch.element_of(field, slot);
    out[i] = element >= 0 && element != batch.absent ? attention.received(field, slot) : 0.0f;
  }
}

__global__ void __launch_bounds__(threads) evaluate_kernel(const __grid_constant__ EvaluateParams params) {
  const Task task = params.tasks[blockIdx.y];
  if (task.slot < 0) return;
  const MemberState& member = params.members[task.slot];
  const SelectedFields selected(params.selection, member);
  const int first = static_cast<int>(blockIdx.x) * params.plan.fields;
  if (first >= selected.count) return;
  const Areas areas{shared_memory(), params.scratch + (static_cast<std::size_t>(blockIdx.y) * gridDim.x + blockIdx.x) *
                                                          params.plan.scratch_bytes};
  const FieldBatch batch{min(params.plan.fields, selected.count - first),
                         params.slots,
                         areas.at<std::int16_t>(params.plan.element),
                         areas.at<int>(params.plan.size),
                         areas.at<int>(params.plan.first_row),
                         areas.at<std::int16_t>(params.plan.row_field),
                         params.attention.absent};
  const AttentionArrays arrays{member.h,
                               member.tables,
                               areas.at<float>(params.plan.largest),
                               areas.at<float>(params.plan.total),
                               areas.at<float>(params.plan.context),
                               areas.at<float>(params.plan.pooled)};
  const Attention attention{params.attention, batch, arrays};
  const Weights weights{member.classifier.weights, 0};
  const std::size_t at = static_cast<std::size_t>(blockIdx.y) * params.stride + first;
  float sums = 0;  // of this thread's field
  for (int order = 0; order < params.orders; ++order) {
    const std::uint8_t* permutation =
        order == 0 ? nullptr : params.permutations + order * (params.permutation_slots + 1) * params.permutation_slots;
    gather_fields(selected, first, permutation, params.permutation_slots, batch);
    if (params.output == FieldOutput::attention) {
      return write_attention(attention, params.selection.slots, params.out + at * params.selection.slots);
    }
    const int width = params.attention.field_width(params.slots);
    float* flat = areas.at<float>(params.plan.flat);
    attention_forward(attention, weights, flat);
    if (params.output == FieldOutput::representation) {
      for (int i = static_cast<int>(threadIdx.x); i < batch.fields * width; i += static_cast<int>(blockDim.x)) {
        params.out[at * width + i] = flat[i];
      }
      return;
    }
    const float* logits = classify(params, areas, weights, batch.fields);
    if (static_cast<int>(threadIdx.x) < batch.fields) sums += 1.0f / (1.0f + expf(-logits[threadIdx.x]));
    __syncthreads();
  }
  if (static_cast<int>(threadIdx.x) < batch.fields) {
    params.out[at + threadIdx.x] = sums / static_cast<float>(params.orders);
  }
}

EvaluatePlan place_arrays(const EvaluateParams& params, std::size_t widest, int fields, std::size_t shared_limit) {
  const auto of = [](auto... factors) { return (static_cast<std::size_t>(factors) * ...); };
  const std::size_t rows = of(fields, params.slots);
  EvaluatePlan plan;
  plan.fields = fields;
  plan.threads = threads;
  Placer placer(shared_limit);
  plan.size = placer.place<int>(of(fields));
  plan.first_row = placer.place<int>(of(fields) + 1);
  plan.row_field = placer.place<std::int16_t>(rows);
  plan.element = placer.place<std::int16_t>(rows);
  plan.largest = placer.place<float>(of(rows, params.attention.heads));
  plan.total = placer.place<float>(of(rows, params.attention.heads));
  plan.context = placer.place<float>(of(rows, params.attention.width));
  plan.flat = placer.place<float>(of(fields, params.attention.field_width(params.slots)));
  plan.pooled = placer.place<float>(of(params.attention.pooled_values(static_cast<int>(rows))));
  plan.hidden[0] = placer.place<float>(of(fields, widest));
  plan.hidden[1] = placer.place<float>(of(fields, widest));
  plan.shared_bytes = placer.shared_bytes();
  plan.scratch_bytes = placer.scratch_bytes();
  return plan;
}

}  // namespace

void plan_evaluate(EvaluateParams& params, std::span<const DenseLayer> dense, std::size_t shared_limit) {
  std::size_t widest = 1;
  if (params.output == FieldOutput::probability) {
    for (const DenseLayer& layer : dense) widest = std::max(widest, static_cast<std::size_t>(layer.outputs));
  }
  // As many fields as share a pass over the weights; two blocks to a multiprocessor hide each other's waits.
  for (int fields = 64; fields > 1; fields /= 2) {
    params.plan = place_arrays(params, widest, fields, shared_limit / 2);
    if (params.plan.scratch_bytes == 0) return;
  }
  params.plan = place_arrays(params, widest, 1, shared_limit);
}

std::size_t evaluate_blocks(const EvaluateParams& params, int tasks) {
  const int blocks = (params.selection.count + params.plan.fields - 1) / params.plan.fields;
  return static_cast<std::size_t>(blocks) * static_cast<std::size_t>(tasks);
}

void evaluate(Stream& stream, const EvaluateParams& params, int tasks) {
  if (tasks == 0) return;
  launch(stream, "evaluate", evaluate_kernel,
         {.grid_x = static_cast<unsigned>(evaluate_blocks(params, 1)),
          .grid_y = static_cast<unsigned>(tasks),
          .block = params.plan.threads,
          .shared_bytes = params.plan.shared_bytes},
         params);
}

}  // namespace phaseselect::cuda
