#include "host/engine/cpu/attention.hpp"

#include <algorithm>
#include <cmath>

namespace phaseselect::cpu {
namespace {

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

}  // namespace

Attention::Attention(const Architecture& architecture, const ParameterLayout& layout)
    : combine_(architecture.combine),
      elements_(architecture.attention_elements()),
      k_(architecture.features),
      kp_(static_cast<int>(padded(static_cast<std::size_t>(architecture.features)))),
      heads_(architecture.heads),
      key_dim_(architecture.key_dim),
      width_(architecture.attention_width()),
      scale_(1.0f / std::sqrt(static_cast<float>(architecture.key_dim))),
      weight_(static_cast<float>(architecture.attention_weight)) {
  const auto dense = [&](const std::string& name) {
    return Dense{layout[name + ".weights"].offset, layout[name + ".bias"].offset};
  };
  query_ = dense("attention.query");
  key_ = dense("attention.key");
  if (combine_ != Combine::scores) {
    value_ = dense("attention.value");
    output_ = dense("attention.output");
  }
}

void Attention::project(const VectorKernels& kernels, const float* weights, const float* h, Tables& tables) const {
  const auto table = [&](const Dense& dense, Buffer& out) {
    out.need(product(elements_, width_));
    kernels.multiply(Product{elements_, width_, k_, h, kp_, 1, weights + dense.weights, width_, out.data(), width_,
                             Start::bias, weights + dense.bias});
  };
  table(query_, tables.query);
  table(key_, tables.key);
  if (combine_ != Combine::scores) table(value_, tables.value);
}

// probabilities: [H][slots][slots]; received: [slots], zero on entry.
void Attention::field_probabilities(const Tables& tables, const std::int16_t* rows, int size, int slots,
                                    float* probabilities, float* received) const {
  const float share = 1.0f / static_cast<float>(heads_ * size);
  for (int head = 0; head < heads_; ++head) {
    for (int q = 0; q < size; ++q) {
      float* p = probabilities + (head * slots + q) * slots;
      const float* query = tables.query.data() + rows[q] * width_ + head * key_dim_;
      float largest = -INFINITY;
      for (int j = 0; j < size; ++j) {
        const float* key = tables.key.data() + rows[j] * width_ + head * key_dim_;
        float dot = 0;
        for (int d = 0; d < key_dim_; ++d) dot += query[d] * key[d];
        p[j] = dot * scale_;
        largest = std::max(largest, p[j]);
      }
      float sum = 0;
      for (int j = 0; j < size; ++j) sum += p[j] = std::exp(p[j] - largest);
      for (int j = 0; j < size; ++j) {
        p[j] /= sum;
        received[j] += p[j] * share;
      }
    }
  }
}

void Attention::scores(const Tables& tables, const FieldBatch& batch, Context& context) const {
  const std::size_t square = product(heads_ * batch.slots, batch.slots);
  context.probabilities.need(square * static_cast<std::size_t>(batch.fields));
  context.received.need(product(batch.fields, batch.slots));
  std::fill_n(context.received.data(), product(batch.fields, batch.slots), 0.0f);
  for (int f = 0; f < batch.fields; ++f) {
    field_probabilities(tables, batch.rows.data() + f * batch.slots, batch.sizes[static_cast<std::size_t>(f)],
                        batch.slots, context.probabilities.data() + square * static_cast<std::size_t>(f),
                        context.received.data() + f * batch.slots);
  }
}

// heads and output of every real row: concat_h(P V), then W_o and b_o.
void Attention::attend(const VectorKernels& kernels, const float* weights, const Tables& tables,
                       const FieldBatch& batch, Context& context) const {
  context.heads.need(product(context.real_rows, width_));
  context.output.need(product(context.real_rows, k_));
  for (int f = 0; f < batch.fields; ++f) {
    const std::int16_t* rows = batch.rows.data() + f * batch.slots;
    const int size = batch.sizes[static_cast<std::size_t>(f)];
    for (int q = 0; q < size; ++q) {
      float* out = context.heads.data() + (context.first_row[static_cast<std::size_t>(f)] + q) * width_;
      std::fill_n(out, width_, 0.0f);
      for (int head = 0; head < heads_; ++head) {
        const float* p = context.probabilities.data() + probability_row(f, head, q, batch.slots);
        for (int j = 0; j < size; ++j) {
          const float* value = tables.value.data() + rows[j] * width_ + head * key_dim_;
          for (int d = 0; d < key_dim_; ++d) out[head * key_dim_ + d] += p[j] * value[d];
        }
      }
    }
  }
  kernels.multiply(Product{context.real_rows, k_, width_, context.heads.data(), width_, 1, weights + output_.weights,
                           k_, context.output.data(), k_, Start::bias, weights + output_.bias});
}

// The field vectors from X, Y and s.
void Attention::combine(const float* h, const FieldBatch& batch, const Context& context, float* flat) const {
  std::fill_n(flat, product(batch.fields, batch.slots * k_), 0.0f);
  for (int f = 0; f < batch.fields; ++f) {
    const auto first = static_cast<std::ptrdiff_t>(context.first_row[static_cast<std::size_t>(f)]);
    for (int i = 0; i < batch.sizes[static_cast<std::size_t>(f)]; ++i) {
      const int slot = f * batch.slots + i;
      const float* x = h + batch.rows[static_cast<std::size_t>(slot)] * kp_;
      const float* y = combine_ == Combine::scores ? nullptr : context.output.data() + (first + i) * k_;
      const float s = context.received.data()[slot];
      float* target = flat + static_cast<std::ptrdiff_t>(slot) * k_;
      switch (combine_) {
        case Combine::values:
          std::copy_n(y, k_, target);
          break;
        case Combine::residual:
          for (int c = 0; c < k_; ++c) target[c] = x[c] + weight_ * y[c];
          break;
        case Combine::scores:
          for (int c = 0; c < k_; ++c) target[c] = s * x[c];
          break;
        case Combine::pooled:
          break;  // pool()
      }
    }
  }
}

// Sum and maximum of X + w Y over the elements of each field.
void Attention::pool(const float* h, const FieldBatch& batch, Context& context, float* flat) const {
  context.largest.resize(product(batch.fields, k_));
  for (int f = 0; f < batch.fields; ++f) {
    float* sum = flat + static_cast<std::ptrdiff_t>(f) * 2 * k_;
    float* maximum = sum + k_;
    int* largest = context.largest.data() + static_cast<std::ptrdiff_t>(f) * k_;
    for (int i = 0; i < batch.sizes[static_cast<std::size_t>(f)]; ++i) {
      const float* x = h + batch.rows.data()[f * batch.slots + i] * kp_;
      const float* y = context.output.data() + (context.first_row[static_cast<std::size_t>(f)] + i) * k_;
      for (int c = 0; c < k_; ++c) {
        const float value = x[c] + weight_ * y[c];
        sum[c] = i == 0 ? value : sum[c] + value;
        if (i > 0 && value <= maximum[c]) continue;
        maximum[c] = value;
        largest[c] = i;
      }
    }
  }
}

void Attention::forward(const VectorKernels& kernels, const float* weights, const float* h, const Tables& tables,
                        const FieldBatch& batch, Context& context, float* flat) const {
  scores(tables, batch, context);
  context.first_row.resize(static_cast<std::size_t>(batch.fields));
  context.real_rows = 0;
  for (int f = 0; f < batch.fields; ++f) {
    context.first_row[static_cast<std::size_t>(f)] = context.real_rows;
    context.real_rows += batch.sizes[static_cast<std::size_t>(f)];
  }
  if (combine_ != Combine::scores) attend(kernels, weights, tables, batch, context);
  if (combine_ == Combine::pooled) {
    pool(h, batch, context, flat);
  } else {
    combine(h, batch, context, flat);
  }
}

void Attention::attend_fields(const VectorKernels& kernels, const Tables& tables, const float* value,
                              const FieldBatch& batch, Context& context) const {
  const std::size_t stride = padded(static_cast<std::size_t>(batch.fields));
  const auto slots = static_cast<std::size_t>(batch.slots);
  context.lane_received.need(slots * stride);
  if (value != nullptr) context.attended.need(slots * static_cast<std::size_t>(width_) * stride);
  context.attend.need(attend_scratch(batch.slots, width_));
  FieldAttention attention{batch.fields, batch.slots, heads_, key_dim_, static_cast<int>(stride), scale_};
  attention.query = tables.query.data();
  attention.key = tables.key.data();
  attention.value = value;
  attention.rows = batch.rows.data();
  attention.sizes = batch.sizes.data();
  attention.received = context.lane_received.data();
  attention.attended = context.attended.data();
  attention.scratch = context.attend.data();
  kernels.attend(attention);
}

const float* Attention::evaluate_scores(const VectorKernels& kernels, const Tables& tables, const FieldBatch& batch,
                                        Context& context) const {
  attend_fields(kernels, tables, nullptr, batch, context);
  return context.lane_received.data();
}

void Attention::evaluate(const VectorKernels& kernels, const float* weights, const float* h, const Tables& tables,
                         const FieldBatch& batch, Context& context, float* flat) const {
  const float* value = combine_ == Combine::scores ? nullptr : tables.value.data();
  attend_fields(kernels, tables, value, batch, context);
  const float* received = context.lane_received.data();
  const int stride = static_cast<int>(padded(static_cast<std::size_t>(batch.fields)));
  const int filled = *std::max_element(batch.sizes.begin(), batch.sizes.end());
  const int row = batch.slots * k_;
  float* slots = flat;  // [fields][slots][k], turned into what `combine_` asks for
  if (combine_ == Combine::pooled) {
    context.output.need(product(batch.fields, row));
    slots = context.output.data();
  }
  if (combine_ != Combine::scores) {
    for (int slot = 0; slot < filled; ++slot) {
      kernels.multiply(Product{batch.fields, k_, width_, context.attended.data() + slot * width_ * stride, 1, stride,
                               weights + output_.weights, k_, slots + slot * k_, row, Start::bias,
                               weights + output_.bias});
    }
  }
  for (int f = 0; f < batch.fields; ++f) {
    const int size = batch.sizes[static_cast<std::size_t>(f)];
    float* field = slots + static_cast<std::ptrdiff_t>(f) * row;
    for (int i = 0; i < size; ++i) {
      const float* x = h + batch.rows.data()[f * batch.slots + i] * kp_;
      float* target = field + i * k_;
      if (combine_ == Combine::residual || combine_ == Combine::pooled) {
        for (int c = 0; c < k_; ++c) target[c] = x[c] + weight_ * target[c];
      } else if (combine_ == Combine::scores) {
        for (int c = 0; c < k_; ++c) target[c] = received[i * stride + f] * x[c];
      }
    }
    if (combine_ == Combine::pooled) {
      float* sum = flat + static_cast<std::ptrdiff_t>(f) * 2 * k_;
      float* maximum = sum + k_;
      std::copy_n(field, k_, sum);
      std::copy_n(field, k_, maximum);
      for (int i = 1; i < size; ++i) {
        for (int c = 0; c < k_; ++c) {
          sum[c] += field[i * k_ + c];
          maximum[c] = std::max(maximum[c], field[i * k_ + c]);
        }
      }
    } else {
      std::fill(field + size * k_, field + row, 0.0f);
    }
  }
}

// From d_flat to d_output [real rows][k] or d_received [fields][slots], and the direct paths into dh.
void Attention::backward_combine(const FieldBatch& batch, const float* h, const float* d_flat, Context& context,
                                 float* dh) const {
  context.d_output.need(product(context.real_rows, k_));
  context.d_received.need(product(batch.fields, batch.slots));
  for (int f = 0; f < batch.fields; ++f) {
    const auto first = static_cast<std::ptrdiff_t>(context.first_row[static_cast<std::size_t>(f)]);
    for (int i = 0; i < batch.sizes[static_cast<std::size_t>(f)]; ++i) {
      const int slot = f * batch.slots + i;
      const float* d = d_flat + static_cast<std::ptrdiff_t>(slot) * k_;
      const std::ptrdiff_t element = batch.rows[static_cast<std::size_t>(slot)] * kp_;
      if (combine_ == Combine::scores) {
        float dot = 0;
        const float s = context.received.data()[slot];
        for (int c = 0; c < k_; ++c) {
          dot += d[c] * h[element + c];
          dh[element + c] += s * d[c];
        }
        context.d_received.data()[slot] = dot;
        continue;
      }
      float* row = context.d_output.data() + (first + i) * k_;
      for (int c = 0; c < k_; ++c) row[c] = weight_ * d[c];
      if (combine_ == Combine::residual) {
        for (int c = 0; c < k_; ++c) dh[element + c] += d[c];
      }
    }
  }
}

// The same from d_flat [fields][2 k]: every element has its share of the sum, one of each feature has the maximum.
void Attention::backward_pool(const FieldBatch& batch, const float* d_flat, Context& context, float* dh) const {
  context.d_output.need(product(context.real_rows, k_));
  for (int f = 0; f < batch.fields; ++f) {
    const float* d = d_flat + static_cast<std::ptrdiff_t>(f) * 2 * k_;
    const int* largest = context.largest.data() + static_cast<std::ptrdiff_t>(f) * k_;
    for (int i = 0; i < batch.sizes[static_cast<std::size_t>(f)]; ++i) {
      float* row = context.d_output.data() + (context.first_row[static_cast<std::size_t>(f)] + i) * k_;
      float* element = dh + batch.rows.data()[f * batch.slots + i] * kp_;
      for (int c = 0; c < k_; ++c) {
        const float change = largest[c] == i ? d[c] + d[k_ + c] : d[c];
        row[c] = weight_ * change;
        element[c] += change;
      }
    }
  }
}

// Gradients of W_o and b_o, and d_heads = d_output W_o^T.
void Attention::backward_output(const VectorKernels& kernels, const float* weights, Context& context,
                                float* gradients) const {
  const int rows = context.real_rows;
  kernels.multiply(Product{width_, k_, rows, context.heads.data(), 1, width_, context.d_output.data(), k_,
                           gradients + output_.weights, k_, Start::zero, nullptr});
  kernels.column_sums(context.d_output.data(), rows, k_, gradients + output_.bias);
  context.transposed.need(product(k_, width_));
  kernels.transpose(weights + output_.weights, width_, k_, context.transposed.data());
  context.d_heads.need(product(rows, width_));
  kernels.multiply(Product{rows, width_, k_, context.d_output.data(), k_, 1, context.transposed.data(), width_,
                           context.d_heads.data(), width_, Start::zero, nullptr});
}

// Softmax and dot products of one field: adds to the tables' gradients.
void Attention::field_backward(const Tables& tables, const FieldBatch& batch, int field, Context& context) const {
  const int slots = batch.slots;
  const int size = batch.sizes[static_cast<std::size_t>(field)];
  const std::int16_t* rows = batch.rows.data() + field * slots;
  const float share = 1.0f / static_cast<float>(heads_ * size);
  float* dp = context.d_probabilities.data();
  for (int head = 0; head < heads_; ++head) {
    for (int q = 0; q < size; ++q) {
      const float* p = context.probabilities.data() + probability_row(field, head, q, slots);
      float weighted = 0;  // sum_j P_j dP_j
      for (int j = 0; j < size; ++j) {
        if (combine_ == Combine::scores) {
          dp[j] = context.d_received.data()[field * slots + j] * share;
        } else {
          const int row = context.first_row[static_cast<std::size_t>(field)] + q;
          const float* d = context.d_heads.data() + row * width_ + head * key_dim_;
          const std::ptrdiff_t at = rows[j] * width_ + head * key_dim_;
          dp[j] = 0;
          for (int c = 0; c < key_dim_; ++c) {
            dp[j] += d[c] * tables.value.data()[at + c];
            context.d_tables.value.data()[at + c] += p[j] * d[c];
          }
        }
        weighted += p[j] * dp[j];
      }
      const std::ptrdiff_t query = rows[q] * width_ + head * key_dim_;
      for (int j = 0; j < size; ++j) {
        const float d_score = p[j] * (dp[j] - weighted) * scale_;
        const std::ptrdiff_t key = rows[j] * width_ + head * key_dim_;
        for (int c = 0; c < key_dim_; ++c) {
          context.d_tables.query.data()[query + c] += d_score * tables.key.data()[key + c];
          context.d_tables.key.data()[key + c] += d_score * tables.query.data()[query + c];
        }
      }
    }
  }
}

// Gradients of one projection from those of its table, and its share of dh.
void Attention::backward_projection(const VectorKernels& kernels, const float* weights, const float* h,
                                    const Dense& dense, const Buffer& d_table, Context& context, float* gradients,
                                    float* dh) const {
  kernels.multiply(Product{k_, width_, elements_, h, 1, kp_, d_table.data(), width_, gradients + dense.weights, width_,
                           Start::zero, nullptr});
  kernels.column_sums(d_table.data(), elements_, width_, gradients + dense.bias);
  context.transposed.need(product(k_, width_));
  kernels.transpose(weights + dense.weights, k_, width_, context.transposed.data());
  kernels.multiply(Product{elements_, k_, width_, d_table.data(), width_, 1, context.transposed.data(), k_, dh, kp_,
                           Start::accumulate, nullptr});
}

void Attention::backward(const VectorKernels& kernels, const float* weights, const float* h, const Tables& tables,
                         const FieldBatch& batch, Context& context, const float* d_flat, float* gradients,
                         float* dh) const {
  if (combine_ == Combine::pooled) {
    backward_pool(batch, d_flat, context, dh);
  } else {
    backward_combine(batch, h, d_flat, context, dh);
  }
  if (combine_ != Combine::scores) backward_output(kernels, weights, context, gradients);
  const std::size_t table = product(elements_, width_);
  for (Buffer* buffer : {&context.d_tables.query, &context.d_tables.key, &context.d_tables.value}) {
    buffer->need(table);
    std::fill_n(buffer->data(), table, 0.0f);
  }
  context.d_probabilities.need(static_cast<std::size_t>(batch.slots));
  for (int f = 0; f < batch.fields; ++f) field_backward(tables, batch, f, context);
  backward_projection(kernels, weights, h, query_, context.d_tables.query, context, gradients, dh);
  backward_projection(kernels, weights, h, key_, context.d_tables.key, context, gradients, dh);
  if (combine_ != Combine::scores) {
    backward_projection(kernels, weights, h, value_, context.d_tables.value, context, gradients, dh);
  }
}

}  // namespace phaseselect::cpu
