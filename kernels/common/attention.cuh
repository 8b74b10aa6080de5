// Masked multi-head attention over the elements of a batch of phase fields, and the ways to combine it into a
// field vector (DESIGN.md 3.1), by one block. Query, key and value depend on the element alone and come from a table.
//
// Only real elements have rows: field f has rows first_row[f] .. first_row[f + 1) in slot order, so that padding takes
// part in nothing. Without a mask every slot has one: absent slots hold an element whose features are zero.
// P(head, q, j) = softmax over j of scale * Q_q . K_j is not stored: its maximum and sum are.
#pragma once

#include <cstdint>

#include "kernels/common/member.hpp"
#include "kernels/common/product.cuh"

namespace phaseselect::cuda {

struct FieldBatch {
  int fields = 0;
  int slots = 0;
  std::int16_t* element = nullptr;    // [fields][slots] row of the element in each slot, real ones first, then -1
  int* size = nullptr;                // [fields] real elements
  int* first_row = nullptr;           // [fields + 1]
  std::int16_t* row_field = nullptr;  // [fields * slots], the field of a row
  int absent = -1;                    // AttentionShape::absent

  __device__ int rows() const { return first_row[fields]; }
  __device__ int element_of(int field, int slot) const { return element[field * slots + slot]; }
  __device__ int element_of_row(int row) const {
    const int field = row_field[row];
    return element_of(field, row - first_row[field]);
  }
};

// size, first_row and row_field from `element`, whose writes need no barrier before; ends with one.
__device__ inline void number_rows(const FieldBatch& batch) {
  __syncthreads();
  for (int f = static_cast<int>(threadIdx.x); f < batch.fields; f += static_cast<int>(blockDim.x)) {
    int size = 0;
    while (size < batch.slots && batch.element_of(f, size) >= 0) ++size;
    for (; batch.absent >= 0 && size < batch.slots; ++size) {
      batch.element[f * batch.slots + size] = static_cast<std::int16_t>(batch.absent);
    }
    batch.size[f] = size;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    int row = 0;
    for (int f = 0; f < batch.fields; ++f) {
      batch.first_row[f] = row;
      row += batch.size[f];
    }
    batch.first_row[batch.fields] = row;
  }
  __syncthreads();
  for (int f = static_cast<int>(threadIdx.x); f < batch.fields; f += static_cast<int>(blockDim.x)) {
    for (int row = batch.first_row[f]; row < batch.first_row[f + 1]; ++row) {
      batch.row_field[row] = static_cast<std::int16_t>(f);
    }
  }
  __syncthreads();
}

struct AttentionArrays {
  const float* h = nullptr;      // [E][k]
  const float* table = nullptr;  // [E][table_width]
  float* largest = nullptr;      // [rows][heads], of the scaled scores of a query
  float* total = nullptr;        // [rows][heads], sum of exp(score - largest)
  float* context = nullptr;      // [rows][width], concatenated P V; unused with Combine::scores
  float* pooled = nullptr;       // [rows][k], X + w Y with Combine::pooled
};

// Scores, weights and their gradients of one batch.
struct Attention {
  const AttentionShape& shape;
  const FieldBatch& batch;
  const AttentionArrays& arrays;

  __device__ const float* query(int element, int head) const {
    return arrays.table + element * shape.table_width + head * shape.key_dim;
  }
  __device__ const float* key(int element, int head) const { return query(element, head) + shape.width; }
  __device__ const float* value(int element, int head) const { return query(element, head) + 2 * shape.width; }

  __device__ float score(int query_element, int key_element, int head) const {
    const float* q = query(query_element, head);
    const float* k = key(key_element, head);
    float dot = 0;
    for (int c = 0; c < shape.key_dim; ++c) dot += q[c] * k[c];
    return dot * shape.scale;
  }
  // P of a query row and the element in slot j of its field.
  __device__ float weight(int row, int head, int j) const {
    const int field = batch.row_field[row];
    const int at = row * shape.heads + head;
    const int q = batch.element_of(field, row - batch.first_row[field]);
    return expf(score(q, batch.element_of(field, j), head) - arrays.largest[at]) / arrays.total[at];
  }
  // Attention received by slot j: mean over heads and real queries.
  __device__ float received(int field, int j) const {
    const int size = batch.size[field];
    const float share = 1.0f / static_cast<float>(shape.heads * size);
    float sum = 0;
    for (int head = 0; head < shape.heads; ++head) {
      for (int q = 0; q < size; ++q) sum += weight(batch.first_row[field] + q, head, j) * share;
    }
    return sum;
  }
};

// table[E][table_width] of the element features. No barrier before or after.
template <typename Weights>
__device__ void project_elements(const AttentionShape& shape, const Weights& weights, const float* h, float* table) {
  const int parts = shape.table_width / shape.width;
  for (int part = 0; part < parts; ++part) {
    const DenseLayer& layer = shape.projections[part];
    const float* bias = weights.at(layer.bias);
    float* target = table + part * shape.width;
    block_product<2>(shape.elements, shape.width, shape.features, Operand<Depth::contiguous>{h, shape.features},
                     Operand<Depth::strided>{weights.at(layer.weights), shape.width},
                     [&](int e, int j0, int count, const float(&sum)[4]) {
#pragma unroll
                       for (int q = 0; q < 4; ++q) {
                         if (q < count) target[e * shape.table_width + j0 + q] = sum[q] + bias[j0 + q];
                       }
                     });
  }
}

// largest and total of every row and head. No barrier before or after.
__device__ inline void attention_softmax(const Attention& attention) {
  const FieldBatch& batch = attention.batch;
  const int heads = attention.shape.heads;
  for (int i = static_cast<int>(threadIdx.x); i < batch.rows() * heads; i += static_cast<int>(blockDim.x)) {
    const int row = i / heads, head = i % heads;
    const int field = batch.row_field[row];
    const int query = batch.element_of_row(row);
    float largest = -INFINITY;
    for (int j = 0; j < batch.size[field]; ++j) {
      largest = fmaxf(largest, attention.score(query, batch.element_of(field, j), head));
    }
    float sum = 0;
    for (int j = 0; j < batch.size[field]; ++j) {
      sum += expf(attention.score(query, batch.element_of(field, j), head) - largest);
    }
    attention.arrays.largest[i] = largest;
    attention.arrays.total[i] = sum;
  }
}

// context = concat_h(P V). No barrier before or after.
__device__ inline void attention_context(const Attention& attention) {
  const FieldBatch& batch = attention.batch;
  const int width = attention.shape.width;
  for (int i = static_cast<int>(threadIdx.x); i < batch.rows() * width; i += static_cast<int>(blockDim.x)) {
    const int row = i / width, column = i % width;
    const int head = column / attention.shape.key_dim, place = column % attention.shape.key_dim;
    const int field = batch.row_field[row];
    float sum = 0;
    for (int j = 0; j < batch.size[field]; ++j) {
      sum += attention.weight(row, head, j) * attention.value(batch.element_of(field, j), head)[place];
    }
    attention.arrays.context[i] = sum;
  }
}

// The slot of the largest of feature c's values in a field, the first where several are.
__device__ inline int largest_slot(const FieldBatch& batch, const float* pooled, int features, int field, int c) {
  const float* values = pooled + batch.first_row[field] * features + c;
  int largest = 0;
  for (int i = 1; i < batch.size[field]; ++i) {
    if (values[i * features] > values[largest * features]) largest = i;
  }
  return largest;
}

// flat[fields][2 k]: sum and maximum of each field's rows.
__device__ inline void pool_rows(const Attention& attention, float* flat) {
  const FieldBatch& batch = attention.batch;
  const int k = attention.shape.features;
  const float* rows = attention.arrays.pooled;
  for (int i = static_cast<int>(threadIdx.x); i < batch.fields * k; i += static_cast<int>(blockDim.x)) {
    const int field = i / k, c = i % k;
    float sum = 0;
    for (int row = batch.first_row[field]; row < batch.first_row[field + 1]; ++row) sum += rows[row * k + c];
    flat[field * 2 * k + c] = sum;
    flat[field * 2 * k + k + c] = rows[(batch.first_row[field] + largest_slot(batch, rows, k, field, c)) * k + c];
  }
}

// flat[fields][slots * k] or [fields][2 k], the field vectors, from context and attention; padding is zero. Begins and
// ends with a barrier.
template <typename Weights>
__device__ void combine_fields(const Attention& attention, const Weights& weights, float* flat) {
  const AttentionShape& shape = attention.shape;
  const FieldBatch& batch = attention.batch;
  const int k = shape.features, field_width = batch.slots * k;
  const bool pooled = shape.combine == Combine::pooled;
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); !pooled && i < batch.fields * field_width;
       i += static_cast<int>(blockDim.x)) {
    const int field = i / field_width, slot = i % field_width / k;
    if (slot >= batch.size[field]) {
      flat[i] = 0;
    } else if (shape.combine == Combine::scores) {
      flat[i] = attention.received(field, slot) * attention.arrays.h[batch.element_of(field, slot) * k + i % k];
    }
  }
  if (shape.combine != Combine::scores) {
    const float* bias = weights.at(shape.output.bias);
    block_product<2>(batch.rows(), k, shape.width, Operand<Depth::contiguous>{attention.arrays.context, shape.width},
                     Operand<Depth::strided>{weights.at(shape.output.weights), k},
                     [&](int row, int c0, int count, const float(&sum)[4]) {
                       const int field = batch.row_field[row], slot = row - batch.first_row[field];
                       const float* x = attention.arrays.h + batch.element_of(field, slot) * k;
                       float* target =
                           pooled ? attention.arrays.pooled + row * k : flat + field * field_width + slot * k;
#pragma unroll
                       for (int q = 0; q < 4; ++q) {
                         if (q >= count) continue;
                         const float y = sum[q] + bias[c0 + q];
                         target[c0 + q] = shape.combine == Combine::values ? y : x[c0 + q] + shape.weight * y;
                       }
                     });
  }
  __syncthreads();
  if (!pooled) return;
  pool_rows(attention, flat);
  __syncthreads();
}

// The whole forward pass: softmax, context, combination. Begins and ends with a barrier.
template <typename Weights>
__device__ void attention_forward(const Attention& attention, const Weights& weights, float* flat) {
  __syncthreads();
  attention_softmax(attention);
  __syncthreads();
  if (attention.shape.combine != Combine::scores) attention_context(attention);
  combine_fields(attention, weights, flat);
}

}  // namespace phaseselect::cuda
