// Masked multi-head attention over the elements of a field and the ways to combine it into a field vector
// (DESIGN.md 3.1). Q, K and V depend on the element alone, so each is computed once per element, not per field.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "host/engine/cpu/buffer.hpp"
#include "host/engine/cpu/vector/vector_kernels.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect::cpu {

// Elements of a batch's fields in slot order, real ones first; padding is -1. Without a mask there is none: absent
// slots hold the row of zeros behind the elements' features.
struct FieldBatch {
  int fields = 0;
  int slots = 0;
  std::vector<std::int16_t> rows;  // [fields][slots]
  std::vector<int> sizes;          // [fields] real elements
  void resize(int fields_, int slots_) {
    fields = fields_;
    slots = slots_;
    rows.assign(static_cast<std::size_t>(fields_) * static_cast<std::size_t>(slots_), -1);
    sizes.assign(static_cast<std::size_t>(fields_), 0);
  }
  void fill_absent(int row) {
    std::replace(rows.begin(), rows.end(), std::int16_t{-1}, static_cast<std::int16_t>(row));
    std::fill(sizes.begin(), sizes.end(), slots);
  }
};

class Attention {
 public:
  Attention(const Architecture& architecture, const ParameterLayout& layout);

  // E: Architecture::attention_elements().
  // Projections of every element: [E][H d] each; value is empty for Combine::scores.
  struct Tables {
    Buffer query, key, value;
  };
  // h: [E][padded(k)].
  void project(const VectorKernels& kernels, const float* weights, const float* h, Tables& tables) const;

  // What a forward pass keeps for the backward pass; one per thread.
  struct Context {
    Buffer probabilities;        // [fields][H][slots][slots], row q: softmax over real keys
    Buffer heads;                // [real rows][H d], concatenated P V
    Buffer output;               // [real rows][k]
    Buffer received;             // [fields][slots], s_i
    std::vector<int> first_row;  // [fields] index of a field's first real row
    std::vector<int> largest;    // [fields][k] slot of the maximum, with Combine::pooled
    int real_rows = 0;
    // evaluation only: received and attended with fields in the lanes, scratch memory
    Buffer lane_received, attended, attend;
    // backward only
    Buffer d_output, d_heads, d_received, d_probabilities, transposed, d_h;
    Tables d_tables;
  };

  // flat: [fields][slots * k], the field vectors; [fields][2 k] with Combine::pooled.
  void forward(const VectorKernels& kernels, const float* weights, const float* h, const Tables& tables,
               const FieldBatch& batch, Context& context, float* flat) const;
  // The same without what a backward pass needs, many fields at a time.
  void evaluate(const VectorKernels& kernels, const float* weights, const float* h, const Tables& tables,
                const FieldBatch& batch, Context& context, float* flat) const;
  // s_i only, [slots][padded(fields)]; valid until the context is used again.
  const float* evaluate_scores(const VectorKernels& kernels, const Tables& tables, const FieldBatch& batch,
                               Context& context) const;
  // Gradients of the attention's blocks into `gradients` (overwritten); adds d(loss)/dh to dh [E][padded(k)].
  void backward(const VectorKernels& kernels, const float* weights, const float* h, const Tables& tables,
                const FieldBatch& batch, Context& context, const float* d_flat, float* gradients, float* dh) const;

 private:
  struct Dense {
    std::size_t weights = 0, bias = 0;
  };
  void field_probabilities(const Tables& tables, const std::int16_t* rows, int size, int slots, float* probabilities,
                           float* received) const;
  // Where row q of a field's head starts in Context::probabilities.
  std::size_t probability_row(int field, int head, int q, int slots) const {
    const auto n = static_cast<std::size_t>(slots);
    return ((static_cast<std::size_t>(field) * static_cast<std::size_t>(heads_) + static_cast<std::size_t>(head)) * n +
            static_cast<std::size_t>(q)) *
           n;
  }
  // Fields in the lanes: lane_received, and attended where `value` (a table) is given.
  void attend_fields(const VectorKernels& kernels, const Tables& tables, const float* value, const FieldBatch& batch,
                     Context& context) const;
  // Of the forward pass that keeps what a backward pass needs.
  void scores(const Tables& tables, const FieldBatch& batch, Context& context) const;
  void attend(const VectorKernels& kernels, const float* weights, const Tables& tables, const FieldBatch& batch,
              Context& context) const;
  void combine(const float* h, const FieldBatch& batch, const Context& context, float* flat) const;
  void pool(const float* h, const FieldBatch& batch, Context& context, float* flat) const;
  void field_backward(const Tables& tables, const FieldBatch& batch, int field, Context& context) const;
  void backward_combine(const FieldBatch& batch, const float* h, const float* d_flat, Context& context,
                        float* dh) const;
  void backward_pool(const FieldBatch& batch, const float* d_flat, Context& context, float* dh) const;
  void backward_output(const VectorKernels& kernels, const float* weights, Context& context, float* gradients) const;
  void backward_projection(const VectorKernels& kernels, const float* weights, const float* h, const Dense& dense,
                           const Buffer& d_table, Context& context, float* gradients, float* dh) const;

  Combine combine_;
  int elements_, k_, kp_, heads_, key_dim_, width_;
  float scale_;   // 1 / sqrt(d)
  float weight_;  // of Y beside X
  Dense query_, key_, value_, output_;
};

}  // namespace phaseselect::cpu
