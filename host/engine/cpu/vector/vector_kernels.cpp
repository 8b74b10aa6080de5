// Compiled once per instruction set with PHASESELECT_LANES floats a vector and PHASESELECT_KERNEL_TABLE as the name of
// the table. Nothing here may be an inline function shared with other files, nor use the standard library's: the linker
// could keep the copy with instructions that the running machine lacks. Hence static functions, plain loops and few
// includes.
#include "host/engine/cpu/vector/vector_kernels.hpp"

namespace phaseselect::cpu {
namespace {

constexpr int lanes = PHASESELECT_LANES;
// Rows of a tile of the product: with two vectors of columns the accumulators fill, but do not overflow, the registers.
constexpr int tile_rows = lanes == 16 ? 8 : lanes == 8 ? 6 : 4;

using Vector = float __attribute__((vector_size(sizeof(float) * lanes)));
using Loose = float __attribute__((vector_size(sizeof(float) * lanes), aligned(4), may_alias));
using Bits = std::int32_t __attribute__((vector_size(sizeof(float) * lanes)));

inline Vector load(const float* p) { return *reinterpret_cast<const Loose*>(p); }
inline void store(float* p, Vector v) { *reinterpret_cast<Loose*>(p) = v; }
inline Vector splat(float x) { return Vector{} + x; }
constexpr int round_up(int n) { return (n + lanes - 1) / lanes * lanes; }
constexpr int smaller(int a, int b) { return a < b ? a : b; }

// ---- product ----

// `Rows` x (`Vectors` * lanes) outputs from column j; only the first `columns` are stored (the rest are junk lanes).
template <int Rows, int Vectors>
inline void product_tile(const Product& p, int i, int j, int columns) {
  Vector sum[Rows][Vectors];
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      const int column = j + v * lanes;
      sum[r][v] = p.start == Start::zero   ? Vector{}
                  : p.start == Start::bias ? load(p.bias + column)
                                           : load(p.c + (i + r) * p.c_row + column);
    }
  }
  const float* a = p.a + i * p.a_row;
  const float* b = p.b + j;
  for (int t = 0; t < p.depth; ++t, a += p.a_depth, b += p.b_row) {
    Vector row[Vectors];
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) row[v] = load(b + v * lanes);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const Vector factor = splat(a[r * p.a_row]);
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) sum[r][v] += factor * row[v];
    }
  }
  for (int r = 0; r < Rows; ++r) {
    float* c = p.c + (i + r) * p.c_row + j;
    if (columns == Vectors * lanes) {
      for (int v = 0; v < Vectors; ++v) store(c + v * lanes, sum[r][v]);
    } else {
      // The static analyser does not follow the lanes of a vector.
      for (int column = 0; column < columns; ++column) c[column] = sum[r][column / lanes][column % lanes];  // NOLINT
    }
  }
}

template <int Vectors>
inline void product_columns(const Product& p, int j, int columns) {
  int i = 0;
  for (; i + tile_rows <= p.m; i += tile_rows) product_tile<tile_rows, Vectors>(p, i, j, columns);
  for (; i + 4 <= p.m; i += 4) product_tile<4, Vectors>(p, i, j, columns);
  for (; i + 2 <= p.m; i += 2) product_tile<2, Vectors>(p, i, j, columns);
  for (; i < p.m; ++i) product_tile<1, Vectors>(p, i, j, columns);
}

void multiply(const Product& p) {
  int j = 0;
  for (; j + 2 * lanes <= p.n; j += 2 * lanes) product_columns<2>(p, j, 2 * lanes);
  for (; j < p.n; j += lanes) product_columns<1>(p, j, smaller(lanes, p.n - j));
}

void transpose(const float* in, int rows, int columns, float* out) {
  constexpr int block = 16;  // a block of both sides stays in the L1 cache
  for (int i0 = 0; i0 < rows; i0 += block) {
    for (int j0 = 0; j0 < columns; j0 += block) {
      for (int j = j0; j < smaller(j0 + block, columns); ++j) {
        for (int i = i0; i < smaller(i0 + block, rows); ++i) {
          out[static_cast<std::ptrdiff_t>(j) * rows + i] = in[static_cast<std::ptrdiff_t>(i) * columns + j];
        }
      }
    }
  }
}

void column_sums(const float* in, int rows, int n, float* sums) {
  for (int j = 0; j < n; ++j) sums[j] = 0;
  for (int i = 0; i < rows; ++i) {
    const float* row = in + static_cast<std::ptrdiff_t>(i) * n;
    for (int j = 0; j < n; ++j) sums[j] += row[j];
  }
}

// ---- Adam ----

inline float sign(float x) { return static_cast<float>((x > 0) - (x < 0)); }

void adam(const AdamStep& step, const Moments& state, const float* __restrict gradient, std::size_t n) {
  float* __restrict w = state.weights;
  float* __restrict m = state.first;
  float* __restrict v = state.second;
  const AdamStep s = step;
  for (std::size_t i = 0; i < n; ++i) {
    const float g = s.scale * gradient[i] + s.l1 * sign(w[i]) + 2.0f * s.l2 * w[i];
    m[i] = s.beta1 * m[i] + s.rest1 * g;
    v[i] = s.beta2 * v[i] + s.rest2 * g * g;
    const float change = (m[i] * s.correction1) / (__builtin_sqrtf(v[i] * s.correction2) + s.epsilon);
    w[i] -= s.rate * (change + s.decay * w[i]);
  }
}

// ---- autoencoder ----

// exp(x) to about 1 ulp for |x| <= 87: 2^n exp(r), |r| <= ln(2) / 2, with the polynomial of Cephes' expf.
inline Vector exponential(Vector x) {
  constexpr float limit = 87.0f;
  x = x > splat(limit) ? splat(limit) : x;
  x = x < splat(-limit) ? splat(-limit) : x;
  constexpr float round = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const Vector shifted = x * 1.44269504088896341f + round;
  const Vector n = shifted - round;
  const Vector r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vector y = splat(1.9875691500e-4f);
  y = y * r + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * (r * r) + r + 1.0f;
  const Bits exponent = (__builtin_convertvector(n, Bits) + 127) << 23;
  return y * reinterpret_cast<Vector>(exponent);
}

inline Vector sigmoid(Vector x) { return 1.0f / (1.0f + exponential(-x)); }

struct Chunk {
  int first = 0;
  int size = 0;
};

// log(1 + exp(l)) = max(l, 0) + log1p(u), u = exp(-|l|) in (0, 1]; log1p(u) = 2 atanh(s), s = u / (2 + u) <= 1/3, by
// its series to s^15 (remainder below 2e-8 of the value).
inline Vector softplus(Vector l) {
  const Vector zero{};
  const Vector u = exponential(l > zero ? -l : l);
  const Vector s = u / (u + 2.0f);
  const Vector q = s * s;
  Vector series = splat(1.0f / 15.0f);
  series = series * q + 1.0f / 13.0f;
  series = series * q + 1.0f / 11.0f;
  series = series * q + 1.0f / 9.0f;
  series = series * q + 1.0f / 7.0f;
  series = series * q + 1.0f / 5.0f;
  series = series * q + 1.0f / 3.0f;
  series = series * q + 1.0f;
  return (l > zero ? l : zero) + 2.0f * s * series;
}

// buffer: logits [E][decode_chunk]. Sum over the chunk of m_g [softplus(l) - a l]. Multiplicities beyond the last group
// are zero (padding), so junk lanes add nothing.
double chunk_loss(const Pattern& pattern, Chunk chunk, const float* buffer) {
  const float* multiplicity = pattern.multiplicity + chunk.first;
  double loss = 0;
  for (int e = 0; e < pattern.elements; ++e) {
    Vector sum{};
    for (int g = 0; g < chunk.size; g += lanes) {
      sum += load(multiplicity + g) * softplus(load(buffer + e * decode_chunk + g));
    }
    for (int i = 0; i < lanes; ++i) loss += static_cast<double>(sum[i]);
  }
  for (int g = 0; g < chunk.size; ++g) {
    const std::uint32_t* offsets = pattern.offsets + chunk.first + g;
    float ones = 0;
    for (std::uint32_t i = offsets[0]; i < offsets[1]; ++i) ones += buffer[pattern.rows[i] * decode_chunk + g];
    loss -= static_cast<double>(multiplicity[g] * ones);
  }
  return loss;
}

// Turns logits into sigmoid(l) - a, in place. Lanes beyond the chunk hold finite junk from earlier chunks or zeros.
void chunk_differences(const Pattern& pattern, Chunk chunk, float* buffer) {
  const int width = round_up(chunk.size);
  for (int e = 0; e < pattern.elements; ++e) {
    float* row = buffer + e * decode_chunk;
    for (int g = 0; g < width; g += lanes) store(row + g, sigmoid(load(row + g)));
  }
  for (int g = 0; g < chunk.size; ++g) {
    const std::uint32_t* offsets = pattern.offsets + chunk.first + g;
    for (std::uint32_t i = offsets[0]; i < offsets[1]; ++i) buffer[pattern.rows[i] * decode_chunk + g] -= 1.0f;
  }
}

// tile[g][kp] = m_g D[.][g]; lanes beyond k stay zero.
void scaled_tile(const Pattern& pattern, Chunk chunk, const float* decoder, int kp, float* tile) {
  for (int c = 0; c < pattern.features; ++c) {
    const float* row = decoder + static_cast<std::ptrdiff_t>(c) * pattern.groups + chunk.first;
    const float* multiplicity = pattern.multiplicity + chunk.first;
    for (int g = 0; g < chunk.size; ++g) tile[g * kp + c] = multiplicity[g] * row[g];
  }
}

double decode_step(const Pattern& pattern, const float* h, const Moments& weights, const Moments& bias,
                   const AdamStep& step, bool loss, float* scratch, float* dh) {
  const int E = pattern.elements, G = pattern.groups, k = pattern.features;
  const int kp = static_cast<int>(padded(static_cast<std::size_t>(k)));
  float* buffer = scratch;                          // [E][decode_chunk]
  float* gradient = buffer + E * decode_chunk;      // [k + 1][decode_chunk]
  float* tile = gradient + (k + 1) * decode_chunk;  // [decode_chunk][kp]
  for (int i = 0; i < E * decode_chunk; ++i) buffer[i] = 0;
  for (int i = 0; i < decode_chunk * kp; ++i) tile[i] = 0;
  for (int i = 0; i < E * kp; ++i) dh[i] = 0;
  double total = 0;
  for (int first = 0; first < G; first += decode_chunk) {
    const Chunk chunk{first, smaller(decode_chunk, G - first)};
    multiply(Product{E, chunk.size, k, h, kp, 1, weights.weights + first, G, buffer, decode_chunk, Start::bias,
                     bias.weights + first});
    if (loss) total += chunk_loss(pattern, chunk, buffer);
    chunk_differences(pattern, chunk, buffer);
    multiply(Product{k, chunk.size, E, h, 1, kp, buffer, decode_chunk, gradient, decode_chunk, Start::zero, nullptr});
    const float one = 1;  // the bias sees the same sum with h = 1
    multiply(Product{1, chunk.size, E, &one, 0, 0, buffer, decode_chunk, gradient + k * decode_chunk, decode_chunk,
                     Start::zero, nullptr});
    scaled_tile(pattern, chunk, weights.weights, kp, tile);
    multiply(
        Product{E, round_up(k), chunk.size, buffer, decode_chunk, 1, tile, kp, dh, kp, Start::accumulate, nullptr});
    const auto size = static_cast<std::size_t>(chunk.size);
    for (int c = 0; c < k; ++c) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(c) * G + first;
      adam(step, Moments{weights.weights + at, weights.first + at, weights.second + at}, gradient + c * decode_chunk,
           size);
    }
    AdamStep plain = step;
    plain.decay = 0;
    adam(plain, Moments{bias.weights + first, bias.first + first, bias.second + first}, gradient + k * decode_chunk,
         size);
  }
  for (int i = 0; i < E * kp; ++i) dh[i] *= step.scale;
  return total;
}

// The moments of `n` gradients and the resulting change m^ / (sqrt(v^) + epsilon).
void adam_changes(const AdamStep& s, float* __restrict m, float* __restrict v, const float* __restrict gradient,
                  float* __restrict change, int n) {
  for (int i = 0; i < n; ++i) {
    const float g = gradient[i];
    m[i] = s.beta1 * m[i] + s.rest1 * g;
    v[i] = s.beta2 * v[i] + s.rest2 * g * g;
    change[i] = (m[i] * s.correction1) / (__builtin_sqrtf(v[i] * s.correction2) + s.epsilon);
  }
}

// Rows of S are k floats, not a multiple of a vector. They are handled as `Vectors` whole vectors; what lies beyond k
// is the start of the next row, which is read but written back unchanged. Vectors = 0: any number.
template <int Vectors>
struct EncoderRows {
  static constexpr int most = Vectors == 0 ? 1 : Vectors;

  static void gradients(const Pattern& pattern, Chunk chunk, int kp, const float* dz, float* gradient) {
    const int k = pattern.features;
    for (int g = 0; g < chunk.size; ++g) {
      const std::uint32_t* offsets = pattern.offsets + chunk.first + g;
      for (int c = 0; c < k; c += most * lanes) {
        Vector sum[most] = {};
        for (std::uint32_t i = offsets[0]; i < offsets[1]; ++i) {
          const float* row = dz + pattern.rows[i] * kp + c;
          for (int v = 0; v < most; ++v) sum[v] += load(row + v * lanes);
        }
        // The lanes beyond k are overwritten by the next row, which is stored after this one.
        for (int v = 0; v < most; ++v) store(gradient + g * k + c + v * lanes, sum[v]);
      }
    }
  }

  // S -= rate (m_g change + decay S), then z += S for the elements of the group. change may be null: z only.
  static void update(const Pattern& pattern, Chunk chunk, int kp, const AdamStep& step, const float* change,
                     float* weights, float* z) {
    const int k = pattern.features;
    for (int g = 0; g < chunk.size; ++g) {
      const std::uint32_t* offsets = pattern.offsets + chunk.first + g;
      float* row = weights + static_cast<std::ptrdiff_t>(chunk.first + g) * k;
      for (int c = 0; c < k; c += most * lanes) {
        Vector s[most];
        for (int v = 0; v < most; ++v) s[v] = load(row + c + v * lanes);
        if (change != nullptr) {
          const Vector multiplicity = splat(pattern.multiplicity[chunk.first + g]);
          for (int v = 0; v < most; ++v) {
            const Vector mask = lane_mask(k - c - v * lanes);
            s[v] -= mask * (step.rate * (multiplicity * load(change + g * k + c + v * lanes) + step.decay * s[v]));
            store(row + c + v * lanes, s[v]);
          }
        }
        for (std::uint32_t i = offsets[0]; i < offsets[1]; ++i) {
          float* sum = z + pattern.rows[i] * kp + c;
          for (int v = 0; v < most; ++v) store(sum + v * lanes, load(sum + v * lanes) + s[v]);
        }
      }
    }
  }

 private:
  // 1 in the first `count` lanes.
  static Vector lane_mask(int count) {
    Vector mask;
    for (int i = 0; i < lanes; ++i) mask[i] = i < count ? 1.0f : 0.0f;
    return mask;
  }
};

template <int Vectors>
void encode_rows(const Pattern& pattern, const float* dz, const Moments& weights, const AdamStep& step, float* scratch,
                 float* z) {
  const int k = pattern.features;
  const int kp = static_cast<int>(padded(static_cast<std::size_t>(k)));
  float* gradient = scratch;
  float* change = scratch + encode_chunk * k + static_cast<int>(padding);
  for (int i = 0; i < pattern.elements * kp; ++i) z[i] = 0;
  if (dz != nullptr) {
    for (int i = 0; i < 2 * (encode_chunk * k + static_cast<int>(padding)); ++i) scratch[i] = 0;
  }
  for (int first = 0; first < pattern.groups; first += encode_chunk) {
    const Chunk chunk{first, smaller(encode_chunk, pattern.groups - first)};
    if (dz != nullptr) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(first) * k;
      EncoderRows<Vectors>::gradients(pattern, chunk, kp, dz, gradient);
      adam_changes(step, weights.first + at, weights.second + at, gradient, change, chunk.size * k);
    }
    EncoderRows<Vectors>::update(pattern, chunk, kp, step, dz != nullptr ? change : nullptr, weights.weights, z);
  }
}

void encode_any(const Pattern& pattern, const float* dz, const Moments& weights, const AdamStep& step, float* scratch,
                float* z) {
  switch ((pattern.features + lanes - 1) / lanes) {
    case 1:
      return encode_rows<1>(pattern, dz, weights, step, scratch, z);
    case 2:
      return encode_rows<2>(pattern, dz, weights, step, scratch, z);
    case 3:
      return encode_rows<3>(pattern, dz, weights, step, scratch, z);
    case 4:
      return encode_rows<4>(pattern, dz, weights, step, scratch, z);
    case 5:
      return encode_rows<5>(pattern, dz, weights, step, scratch, z);
    default:
      return encode_rows<0>(pattern, dz, weights, step, scratch, z);
  }
}

void encode_step(const Pattern& pattern, const float* dz, const Moments& weights, const AdamStep& step, float* scratch,
                 float* z) {
  encode_any(pattern, dz, weights, step, scratch, z);
}

void encode(const Pattern& pattern, const float* weights, float* z) {
  // Nothing is written through the pointer when there is no gradient.
  encode_any(pattern, nullptr, Moments{const_cast<float*>(weights), nullptr, nullptr}, AdamStep{}, nullptr, z);
}

constexpr const char* name_of_lanes() { return lanes == 16 ? "AVX-512" : lanes == 8 ? "AVX2" : "SSE2"; }

}  // namespace

extern const VectorKernels PHASESELECT_KERNEL_TABLE;
const VectorKernels PHASESELECT_KERNEL_TABLE{name_of_lanes(), multiply,    transpose, column_sums, adam,
                                             decode_step,     encode_step, encode};

}  // namespace phaseselect::cpu
