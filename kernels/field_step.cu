// The field network of a training step (DESIGN.md 3.1), one block a member: gather, masked attention, classifier with
// dropout, class-weighted cross-entropy, backward through all of it, optimiser. grid (1, tasks).
//
// Memory contract: reads h [E][k], dh_partial [partitions][E][k] and the field network's weights once into shared
// memory; reads and writes weights and moments once; writes dz [E][k], the gradient of the encoder's sums, in which
// the decoder's share and the classifier's meet; adds the batch's loss to the member's result.
//
// Where the field network's weights do not fit, they are used in place (they stay in L2), and what else does not fit
// goes to scratch memory: the same code for every shape and GPU. Updated weights go to the slab alone; the copy in
// shared memory keeps those of before, which the backward pass needs.
#include <algorithm>

#include "kernels/common/attention.cuh"
#include "kernels/common/cross_entropy.cuh"
#include "kernels/common/dense.cuh"
#include "kernels/common/launch.hpp"
#include "kernels/common/placement.cuh"
#include "kernels/common/reduce.cuh"
#include "kernels/field_step.hpp"

namespace phaseselect::cuda {
namespace {

constexpr unsigned most_threads = 512;

struct Block {
  const FieldStepParams& params;
  const FieldStepPlan& plan;
  const MemberState& member;
  Task task;
  Areas areas;
  AdamStep adam;
  Weights weights;
  FieldBatch batch;
  AttentionArrays arrays;
  Dropout dropout;

  template <typename T>
  __device__ T* at(const Place& place) const {
    return areas.at<T>(place);
  }
  __device__ int thread() const { return static_cast<int>(threadIdx.x); }
  __device__ int threads() const { return static_cast<int>(blockDim.x); }
  __device__ Attention attention() const { return Attention{params.attention, batch, arrays}; }
  __device__ bool scores() const { return params.attention.combine == Combine::scores; }
  __device__ int features() const { return params.attention.features; }
  // d(loss)/d(row of the field vector), from d_flat; pooled: the sum's share, and the maximum's where the row has it.
  __device__ float row_gradient(int row, int c) const {
    const int k = features(), field = batch.row_field[row], slot = row - batch.first_row[field];
    const float* d = at<float>(plan.d_flat) + field * params.attention.field_width(params.slots);
    if (params.attention.combine != Combine::pooled) return d[slot * k + c];
    return largest_slot(batch, arrays.pooled, k, field, c) == slot ? d[c] + d[k + c] : d[c];
  }
  __device__ float* activation(int layer) const {
    return at<float>(plan.activations) + params.dense[layer].units_before * params.batch;
  }
  __device__ std::uint32_t row_of(int sample) const {
    const std::uint64_t key = params.order[task.first + static_cast<int>(params.step) * params.batch + sample];
    return member.training[static_cast<std::uint32_t>(key)];
  }
};

__device__ Block make_block(const FieldStepParams& params, const Task& task) {
  const MemberState& member = params.members[task.slot];
  Block block{params, params.plan, member, task, {}, params.adam[blockIdx.y], {}, {}, {}, {}};
  block.areas = {shared_memory(), params.scratch + blockIdx.y * params.plan.scratch_bytes};
  block.weights = params.plan.weights.in_shared ? Weights{block.at<float>(params.plan.weights), params.first_weight}
                                                : Weights{member.classifier.weights, 0};
  const int trained = static_cast<int>(params.step) * params.batch;
  block.batch = {min(params.batch, static_cast<int>(member.training_count) - trained),
                 params.slots,
                 block.at<std::int16_t>(params.plan.element),
                 block.at<int>(params.plan.size),
                 block.at<int>(params.plan.first_row),
                 block.at<std::int16_t>(params.plan.row_field),
                 params.attention.absent};
  block.arrays = {block.at<float>(params.plan.h),       block.at<float>(params.plan.table),
                  block.at<float>(params.plan.largest), block.at<float>(params.plan.total),
                  block.at<float>(params.plan.context), block.at<float>(params.plan.pooled)};
  block.dropout = {{params.seed, member.id, phaseselect::Stream::classifier_dropout, task.epoch, params.step},
                   params.dropout};
  return block;
}

// The batch's elements in slot order: alphabetical, or sorted by (draw, alphabetical place).
__device__ void gather_batch(const Block& block) {
  const FieldStepParams& params = block.params;
  const RandomStream random{params.seed, block.member.id, phaseselect::Stream::slot_order, block.task.epoch,
                            params.step};
  for (int i = block.thread(); i < block.batch.fields * params.slots; i += block.threads()) {
    const int sample = i / params.slots, place = i % params.slots;
    const std::int16_t* source = params.fields + block.row_of(sample) * static_cast<std::uint32_t>(params.slots);
    int slot = place;
    if (params.random_order && source[place] >= 0) {
      const std::uint32_t own = random(static_cast<std::uint32_t>(sample * 64 + place));
      slot = 0;
      for (int other = 0; other < params.slots && source[other] >= 0; ++other) {
        const std::uint32_t draw = random(static_cast<std::uint32_t>(sample * 64 + other));
        slot += draw < own || (draw == own && other < place) ? 1 : 0;
      }
    }
    block.batch.element[sample * params.slots + slot] = source[place];
  }
  number_rows(block.batch);
}

__device__ void load(const Block& block) {
  const FieldStepParams& params = block.params;
  if (block.plan.weights.in_shared) {
    float* copy = block.at<float>(block.plan.weights);
    const float* source = block.member.classifier.weights + params.first_weight;
    for (int i = block.thread(); i < params.weight_count; i += block.threads()) copy[i] = source[i];
  }
  float* h = block.at<float>(block.plan.h);
  const int size = params.attention.elements * block.features();
  for (int i = block.thread(); i < size; i += block.threads()) h[i] = block.member.h[i];
  __syncthreads();
}

// Hidden layers and logits [fields]. Returns the logits; ends with a barrier.
__device__ const float* classify(const Block& block) {
  const float* x = block.at<float>(block.plan.flat);
  for (int l = 0; l < block.params.layers; ++l) {
    const DenseLayer& layer = block.params.dense[l];
    const bool last = l + 1 == block.params.layers;
    float* y = last ? block.at<float>(block.plan.gradients[0]) : block.activation(l);
    dense_forward(layer, block.weights, x, layer.inputs, layer.inputs, block.batch.fields,
                  last ? Activation::linear : Activation::relu, block.dropout, static_cast<std::uint32_t>(l + 1), y);
    __syncthreads();
    x = y;
  }
  return x;
}

// Class-weighted cross-entropy: adds the batch's sum to the result; turns the logits into the gradient of the mean.
__device__ void logit_loss(const Block& block, float* logits) {
  double loss = 0;
  for (int b = block.thread(); b < block.batch.fields; b += block.threads()) {
    const float z = logits[b];
    const int label = block.params.labels[block.row_of(b)];
    const float weight = block.member.class_weight[label];
    const float decay = expf(-fabsf(z));
    const float probability = z >= 0 ? 1.0f / (1.0f + decay) : decay / (1.0f + decay);
    loss += static_cast<double>(weight * (softplus(z) - (label != 0 ? z : 0.0f)));
    logits[b] = weight * (probability - static_cast<float>(label)) / static_cast<float>(block.batch.fields);
  }
  const double total = block_sum(loss, block.at<double>(block.plan.sums));
  if (block.thread() == 0) block.params.results[blockIdx.y].training_loss += total;
}

// From the gradient of the logits in gradients[0] to that of the field vectors in d_flat; updates the classifier.
__device__ void classifier_backward(const Block& block) {
  const FieldStepParams& params = block.params;
  float* dy = block.at<float>(block.plan.gradients[0]);
  float* next = block.at<float>(block.plan.gradients[1]);
  for (int l = params.layers - 1; l >= 0; --l) {
    const DenseLayer& layer = params.dense[l];
    const float* x = l == 0 ? block.at<float>(block.plan.flat) : block.activation(l - 1);
    float* dx = l == 0 ? block.at<float>(block.plan.d_flat) : next;
    dense_input_gradient(layer, block.weights, dy, block.batch.fields, l == 0 ? nullptr : x, block.dropout.scale(), dx);
    __syncthreads();
    const bool hidden = l + 1 < params.layers;
    dense_update(layer, x, dy, block.batch.fields, block.adam, block.member.classifier,
                 {.decays = true, .l1 = hidden ? params.l1 : 0.0f, .l2 = hidden ? params.l2 : 0.0f});
    __syncthreads();
    next = dy;
    dy = dx;
  }
}

// d_received of every slot, and the paths from d_flat to dh that do not go through the attention: X itself with
// Combine::residual and pooled, s_i X_i with Combine::scores. dh is written. One thread a feature, rows in ascending
// order.
__device__ void direct_gradient(const Block& block) {
  const int k = block.features(), field_width = block.params.slots * k;
  const float* d_flat = block.at<float>(block.plan.d_flat);
  float* dh = block.at<float>(block.plan.dh);
  for (int i = block.thread(); i < block.params.attention.elements * k; i += block.threads()) dh[i] = 0;
  float* received = block.at<float>(block.plan.received);
  float* d_received = block.at<float>(block.plan.d_received);
  const Attention attention = block.attention();
  if (block.scores()) {
    for (int row = block.thread(); row < block.batch.rows(); row += block.threads()) {
      const int field = block.batch.row_field[row], slot = row - block.batch.first_row[field];
      const float* d = d_flat + field * field_width + slot * k;
      const float* x = block.arrays.h + block.batch.element_of(field, slot) * k;
      float dot = 0;
      for (int c = 0; c < k; ++c) dot += d[c] * x[c];
      d_received[row] = dot;
      received[row] = attention.received(field, slot);
    }
  }
  __syncthreads();
  if (block.params.attention.combine == Combine::values) return;
  for (int c = block.thread(); c < k; c += block.threads()) {
    for (int row = 0; row < block.batch.rows(); ++row) {
      const float factor = block.scores() ? received[row] : 1.0f;
      dh[block.batch.element_of_row(row) * k + c] += factor * block.row_gradient(row, c);
    }
  }
  __syncthreads();
}

// d_context = d_output W_o^T, then the update of W_o and b_o. d_output, in d_rows, is the gradient of each
// row of the field vectors times the weight of the attention.
__device__ void output_backward(const Block& block) {
  const AttentionShape& shape = block.params.attention;
  const int k = shape.features, rows = block.batch.rows();
  float* d_output = block.at<float>(block.plan.d_rows);
  for (int i = block.thread(); i < rows * k; i += block.threads()) {
    d_output[i] = shape.weight * block.row_gradient(i / k, i % k);
  }
  __syncthreads();
  dense_input_gradient(shape.output, block.weights, d_output, rows, nullptr, 1.0f,
                       block.at<float>(block.plan.d_context));
  __syncthreads();
  dense_update(shape.output, block.arrays.context, d_output, rows, block.adam, block.member.classifier,
               {.decays = true});
  __syncthreads();
}

// Gradients through softmax and dot products.
struct SoftmaxGradient {
  Attention attention;
  const float* d_context;   // [rows][width]
  const float* d_received;  // [rows], with Combine::scores
  float* weighted;          // [rows][heads], sum over j of P dP

  // dP of a query row and slot j.
  __device__ float weight_gradient(int row, int head, int j) const {
    const AttentionShape& shape = attention.shape;
    const int field = attention.batch.row_field[row];
    if (shape.combine == Combine::scores) {
      return d_received[attention.batch.first_row[field] + j] /
             static_cast<float>(shape.heads * attention.batch.size[field]);
    }
    const float* d = d_context + row * shape.width + head * shape.key_dim;
    const float* v = attention.value(attention.batch.element_of(field, j), head);
    float dot = 0;
    for (int c = 0; c < shape.key_dim; ++c) dot += d[c] * v[c];
    return dot;
  }
  // Gradient of the unscaled dot product Q_row . K_j.
  __device__ float score_gradient(int row, int head, int j) const {
    const float rest = weight_gradient(row, head, j) - weighted[row * attention.shape.heads + head];
    return attention.weight(row, head, j) * rest * attention.shape.scale;
  }
};

// d_rows[rows][width]: gradient of one projection (0 query, 1 key, 2 value) of each row.
__device__ void projection_rows(const Block& block, const SoftmaxGradient& gradient, int part, float* d_rows) {
  const Attention& attention = gradient.attention;
  const FieldBatch& batch = attention.batch;
  const AttentionShape& shape = attention.shape;
  for (int i = block.thread(); i < batch.rows() * shape.width; i += block.threads()) {
    const int row = i / shape.width, column = i % shape.width;
    const int head = column / shape.key_dim, place = column % shape.key_dim;
    const int field = batch.row_field[row], first = batch.first_row[field], slot = row - first;
    float sum = 0;
    for (int other = 0; other < batch.size[field]; ++other) {
      const int element = batch.element_of(field, other);
      if (part == 0) {
        sum += gradient.score_gradient(row, head, other) * attention.key(element, head)[place];
      } else if (part == 1) {
        sum += gradient.score_gradient(first + other, head, slot) * attention.query(element, head)[place];
      } else {
        sum += attention.weight(first + other, head, slot) * gradient.d_context[(first + other) * shape.width + column];
      }
    }
    d_rows[i] = sum;
  }
}

// Attention backward: adds to dh; updates the projections. Uses one row buffer for the three in turn.
__device__ void attention_backward(const Block& block) {
  const AttentionShape& shape = block.params.attention;
  const Attention attention = block.attention();
  const SoftmaxGradient gradient{attention, block.at<float>(block.plan.d_context),
                                 block.at<float>(block.plan.d_received), block.at<float>(block.plan.weighted)};
  for (int i = block.thread(); i < block.batch.rows() * shape.heads; i += block.threads()) {
    const int row = i / shape.heads, head = i % shape.heads;
    float sum = 0;
    for (int j = 0; j < block.batch.size[block.batch.row_field[row]]; ++j) {
      sum += attention.weight(row, head, j) * gradient.weight_gradient(row, head, j);
    }
    gradient.weighted[i] = sum;
  }
  float* d_rows = block.at<float>(block.plan.d_rows);
  float* d_table = block.at<float>(block.plan.d_table);
  float* dh = block.at<float>(block.plan.dh);
  for (int part = 0; part < shape.table_width / shape.width; ++part) {
    __syncthreads();
    projection_rows(block, gradient, part, d_rows);
    for (int i = block.thread(); i < shape.elements * shape.width; i += block.threads()) d_table[i] = 0;
    __syncthreads();
    for (int column = block.thread(); column < shape.width; column += block.threads()) {
      for (int row = 0; row < block.batch.rows(); ++row) {
        d_table[block.batch.element_of_row(row) * shape.width + column] += d_rows[row * shape.width + column];
      }
    }
    __syncthreads();
    const DenseLayer& layer = shape.projections[part];
    block_product<2>(shape.elements, shape.features, shape.width, Operand<Depth::contiguous>{d_table, shape.width},
                     Operand<Depth::contiguous>{block.weights.at(layer.weights), shape.width},
                     [&](int e, int c0, int count, const float(&sum)[4]) {
#pragma unroll
                       for (int q = 0; q < 4; ++q) {
                         if (q < count) dh[e * shape.features + c0 + q] += sum[q];
                       }
                     });
    __syncthreads();
    dense_update(layer, block.arrays.h, d_table, shape.elements, block.adam, block.member.classifier, {.decays = true});
  }
  __syncthreads();
}

// dz = relu'(r z + b) (classifier's dh + decoder's dh): r dz goes to the encoder's rows, dz to its bias.
__device__ void finish_encoder_gradient(const Block& block) {
  const FieldStepParams& params = block.params;
  const int k = block.features(), size = params.elements * k;
  float* dh = block.at<float>(block.plan.dh);
  for (int i = block.thread(); i < size; i += block.threads()) {
    float decoder = 0;
    for (int p = 0; p < params.partitions; ++p) decoder += block.member.dh_partial[p * size + i];
    const float dz = block.arrays.h[i] > 0 ? dh[i] + params.autoencoder_scale * decoder : 0.0f;
    dh[i] = dz;
    block.member.dz[i] = params.row_factors[i / k] * dz;
  }
  __syncthreads();
  for (int c = block.thread(); c < k; c += block.threads()) {
    float sum = 0;
    for (int e = 0; e < params.elements; ++e) sum += dh[e * k + c];
    adam_update(block.adam, block.member.classifier, params.encoder_bias + c, sum, {});
  }
}

__global__ void __launch_bounds__(most_threads) field_step_kernel(const __grid_constant__ FieldStepParams params) {
  const Task task = params.tasks[blockIdx.y];
  if (task.slot < 0 || params.step >= task.steps) return;
  const Block block = make_block(params, task);
  load(block);
  gather_batch(block);
  project_elements(params.attention, block.weights, block.arrays.h, block.at<float>(params.plan.table));
  attention_forward(block.attention(), block.weights, block.at<float>(params.plan.flat));
  classify(block);
  logit_loss(block, block.at<float>(params.plan.gradients[0]));
  classifier_backward(block);
  direct_gradient(block);
  if (!block.scores()) output_backward(block);
  attention_backward(block);
  finish_encoder_gradient(block);
}

}  // namespace

void plan_field_step(FieldStepParams& params, std::span<const DenseLayer> dense, std::size_t shared_limit) {
  const AttentionShape& shape = params.attention;
  const auto of = [](auto... factors) { return (static_cast<std::size_t>(factors) * ...); };
  const std::size_t rows = of(params.batch, params.slots), flat = of(params.batch, shape.field_width(params.slots));
  const std::size_t activations = of(params.batch, dense.back().units_before);
  std::size_t widest = 1;
  for (const DenseLayer& layer : dense) widest = std::max(widest, of(layer.outputs));
  FieldStepPlan plan;
  Placer placer(shared_limit);
  // Weights first: every one is read twice, by all samples of the batch.
  if (placer.fits<float>(of(params.weight_count))) plan.weights = placer.place<float>(of(params.weight_count));
  plan.sums = placer.place<double>(most_threads / warp_lanes);
  plan.size = placer.place<int>(of(params.batch));
  plan.first_row = placer.place<int>(of(params.batch) + 1);
  plan.row_field = placer.place<std::int16_t>(rows);
  plan.element = placer.place<std::int16_t>(rows);
  plan.table = placer.place<float>(of(shape.elements, shape.table_width));
  plan.h = placer.place<float>(of(shape.elements, shape.features));
  plan.largest = placer.place<float>(of(rows, shape.heads));
  plan.total = placer.place<float>(of(rows, shape.heads));
  plan.gradients[0] = placer.place<float>(of(params.batch, widest));
  plan.gradients[1] = placer.place<float>(of(params.batch, widest));
  plan.context = placer.place<float>(of(rows, shape.width));
  plan.d_context = placer.place<float>(of(rows, shape.width));
  plan.flat = placer.place<float>(flat);
  plan.pooled = placer.place<float>(of(shape.pooled_values(static_cast<int>(rows))));
  plan.activations = placer.place<float>(activations);
  plan.d_rows = placer.place<float>(of(rows, std::max(shape.width, shape.features)));
  plan.weighted = placer.place<float>(of(rows, shape.heads));
  plan.received = placer.place<float>(rows);
  plan.d_received = placer.place<float>(rows);
  plan.d_flat = placer.place<float>(flat);
  plan.dh = placer.place<float>(of(shape.elements, shape.features));
  plan.d_table = placer.place<float>(of(shape.elements, shape.width));
  plan.shared_bytes = placer.shared_bytes();
  plan.scratch_bytes = placer.scratch_bytes();
  // A small network does not keep many threads busy.
  const std::size_t work = std::max(of(shape.elements, shape.table_width), of(params.batch, widest)) / 8;
  plan.threads = work > 256 ? most_threads : work > 64 ? 256u : 64u;
  params.plan = plan;
}

void field_step(Stream& stream, const FieldStepParams& params, int tasks) {
  launch(
      stream, "field_step", field_step_kernel,
      {.grid_y = static_cast<unsigned>(tasks), .block = params.plan.threads, .shared_bytes = params.plan.shared_bytes},
      params);
}

}  // namespace phaseselect::cuda
