// Compiled once per instruction set with PHASESELECT_LANES floats a vector and PHASESELECT_KERNEL_TABLE as the name of
// the table. Nothing here may be an inline function shared with other files, nor use the standard library's: the linker
// could keep the copy with instructions that the running machine lacks. Hence static functions, plain loops and few
// includes.
#include "host/engine/cpu/vector/vector_kernels.hpp"

#include <immintrin.h>

#include <utility>

namespace phaseselect::cpu {
namespace {

constexpr int lanes = PHASESELECT_LANES;
// A tile of the product is at most this large: its accumulators fill, but do not overflow, the registers.
constexpr int tile_rows = lanes == 16 ? 8 : lanes == 8 ? 6 : 4;
constexpr int tile_vectors = lanes == 16 ? 3 : 2;

using Vector = float __attribute__((vector_size(sizeof(float) * lanes)));
struct __attribute__((packed, aligned(4), may_alias)) Loose {  // a Vector at the address of any float
  Vector vector;
};
using Bits = std::int32_t __attribute__((vector_size(sizeof(float) * lanes)));

inline Vector load(const float* p) { return reinterpret_cast<const Loose*>(p)->vector; }
inline void store(float* p, Vector v) { reinterpret_cast<Loose*>(p)->vector = v; }
inline Vector splat(float x) { return Vector{} + x; }
constexpr int round_up(int n) { return (n + lanes - 1) / lanes * lanes; }
constexpr int smaller(int a, int b) { return a < b ? a : b; }

// The instructions that vector expressions do not compile to. minimum and maximum: where one is not a number, b.
#if PHASESELECT_LANES == 16
constexpr __mmask16 every = 0xffff;  // GCC 12 warns about the forms without a mask
inline Vector minimum(Vector a, Vector b) { return _mm512_maskz_min_ps(every, a, b); }
inline Vector maximum(Vector a, Vector b) { return _mm512_maskz_max_ps(every, a, b); }
inline Vector times_power_of_two(Vector x, Vector n) { return _mm512_maskz_scalef_ps(every, x, n); }
// 1 / x to 1 ulp, 1 <= x < 2^126: one Newton step from 14 bits, several times as fast as a division.
inline Vector reciprocal(Vector x) {
  const Vector r = _mm512_maskz_rcp14_ps(every, x);
  return r * (2.0f - x * r);
}
inline void store_first(float* p, Vector v, int count) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
}
#else
inline Vector minimum(Vector a, Vector b) { return a < b ? a : b; }
inline Vector maximum(Vector a, Vector b) { return a > b ? a : b; }
inline Vector times_power_of_two(Vector x, Vector n) {
  return x * reinterpret_cast<Vector>((__builtin_convertvector(n, Bits) + 127) << 23);
}
inline Vector reciprocal(Vector x) { return 1.0f / x; }
inline void store_first(float* p, Vector v, int count) {
  for (int i = 0; i < count; ++i) p[i] = v[i];  // NOLINT: the static analyser does not follow the lanes of a vector
}
#endif

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
#pragma GCC unroll 3
    for (int v = 0; v < Vectors; ++v) row[v] = load(b + v * lanes);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const Vector factor = splat(a[r * p.a_row]);
#pragma GCC unroll 3
      for (int v = 0; v < Vectors; ++v) sum[r][v] += factor * row[v];
    }
  }
  // Unrolled, so that the sums stay in registers.
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    float* c = p.c + (i + r) * p.c_row + j;
#pragma GCC unroll 3
    for (int v = 0; v < Vectors; ++v) {
      const Vector value = p.relu ? maximum(Vector{}, sum[r][v]) : sum[r][v];
      if (v + 1 < Vectors || columns == Vectors * lanes) {
        store(c + v * lanes, value);
      } else {
        store_first(c + v * lanes, value, columns - v * lanes);
      }
    }
  }
}

// The rows in tiles of nearly equal height: a last tile of one row would wait for its own sums.
template <int Vectors>
inline void product_columns(const Product& p, int j, int columns) {
  const int tiles = (p.m + tile_rows - 1) / tile_rows;
  for (int tile = 0, i = 0; tile < tiles; ++tile) {
    const int rows = (p.m - i + tiles - tile - 1) / (tiles - tile);
    switch (rows) {
      case 1:
        product_tile<1, Vectors>(p, i, j, columns);
        break;
      case 2:
        product_tile<2, Vectors>(p, i, j, columns);
        break;
      case 3:
        product_tile<3, Vectors>(p, i, j, columns);
        break;
      case 4:
        product_tile<4, Vectors>(p, i, j, columns);
        break;
      case 5:
        product_tile<smaller(5, tile_rows), Vectors>(p, i, j, columns);
        break;
      case 6:
        product_tile<smaller(6, tile_rows), Vectors>(p, i, j, columns);
        break;
      case 7:
        product_tile<smaller(7, tile_rows), Vectors>(p, i, j, columns);
        break;
      default:
        product_tile<tile_rows, Vectors>(p, i, j, columns);
    }
    i += rows;
  }
}

void multiply(const Product& p) {
  int j = 0;
  for (int vectors = (p.n + lanes - 1) / lanes; vectors > 0;) {
    // As wide as possible, but two and two rather than three and one.
    const int width = vectors <= tile_vectors ? vectors : vectors == 4 ? 2 : tile_vectors;
    const int columns = smaller(width * lanes, p.n - j);
    if (width == 1) product_columns<1>(p, j, columns);
    if (width == 2) product_columns<2>(p, j, columns);
    if (width == 3) product_columns<smaller(3, tile_vectors)>(p, j, columns);
    j += width * lanes;
    vectors -= width;
  }
}

// ---- transposition ----

template <int Step, int... Lane>
inline void exchange(Vector& a, Vector& b, std::integer_sequence<int, Lane...>) {
  const Vector low = __builtin_shufflevector(a, b, ((Lane & Step) != 0 ? lanes + Lane - Step : Lane)...);
  b = __builtin_shufflevector(a, b, ((Lane & Step) != 0 ? lanes + Lane : Lane + Step)...);
  a = low;
}

template <int Step>
inline void exchange_all(Vector (&rows)[lanes]) {
  if constexpr (Step < lanes) {
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i) {
      if ((i & Step) == 0) exchange<Step>(rows[i], rows[i + Step], std::make_integer_sequence<int, lanes>());
    }
    exchange_all<2 * Step>(rows);
  }
}

// rows[i][j] and rows[j][i] change places.
inline void transpose_square(Vector (&rows)[lanes]) { exchange_all<1>(rows); }

void transpose(const float* in, int rows, int columns, float* out) {
  for (int i0 = 0; i0 < rows; i0 += lanes) {
    const int height = smaller(lanes, rows - i0);
    for (int j0 = 0; j0 < columns; j0 += lanes) {
      const int width = smaller(lanes, columns - j0);
      Vector square[lanes] = {};
      for (int i = 0; i < height; ++i) square[i] = load(in + static_cast<std::ptrdiff_t>(i0 + i) * columns + j0);
      transpose_square(square);
      for (int j = 0; j < width; ++j) {
        float* row = out + static_cast<std::ptrdiff_t>(j0 + j) * rows + i0;
        if (height == lanes) {
          store(row, square[j]);
        } else {
          for (int i = 0; i < height; ++i) row[i] = square[j][i];
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
  x = minimum(splat(limit), maximum(splat(-limit), x));
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
  return times_power_of_two(y, n);
}

inline Vector sigmoid(Vector x) { return reciprocal(1.0f + exponential(-x)); }

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

// ---- decoder ----

// Columns of h that the last, mostly empty vector of a row would hold: dh of these is formed with groups in the lanes.
constexpr int tail_columns(int k) { return k % lanes <= lanes / 4 ? k % lanes : 0; }

// tile[g][kp] = m_g D[c][g] of the columns that fill vectors; tail[c][decode_chunk] = the same of the others. Groups
// beyond the last have multiplicity zero.
void scaled_decoder(const Pattern& pattern, Chunk chunk, const float* decoder, int kp, float* tile, float* tail) {
  const int k = pattern.features;
  const int whole = k - tail_columns(k);
  const float* multiplicity = pattern.multiplicity + chunk.first;
  const auto scaled = [&](int c, int g) {
    return load(multiplicity + g) * load(decoder + static_cast<std::ptrdiff_t>(c) * pattern.groups + chunk.first + g);
  };
  for (int g = 0; g < chunk.size; g += lanes) {
    for (int c0 = 0; c0 < whole; c0 += lanes) {
      Vector square[lanes] = {};
      for (int c = c0; c < smaller(c0 + lanes, whole); ++c) square[c - c0] = scaled(c, g);
      transpose_square(square);
      for (int i = 0; i < lanes; ++i) store(tile + (g + i) * kp + c0, square[i]);
    }
    for (int c = whole; c < k; ++c) store(tail + (c - whole) * decode_chunk + g, scaled(c, g));
  }
}

// sums[e][c] += the lanes' shares of sum_g differences[e][g] tail[c][g].
template <int Rows, int Columns>
inline void tail_sums(int width, const float* differences, const float* tail, float* sums) {
  Vector sum[Rows][Columns];
  for (int r = 0; r < Rows; ++r) {
    for (int c = 0; c < Columns; ++c) sum[r][c] = load(sums + (r * Columns + c) * lanes);
  }
  for (int g = 0; g < width; g += lanes) {
    Vector row[Columns];
    for (int c = 0; c < Columns; ++c) row[c] = load(tail + c * decode_chunk + g);
    for (int r = 0; r < Rows; ++r) {
      const Vector difference = load(differences + r * decode_chunk + g);
      for (int c = 0; c < Columns; ++c) sum[r][c] += difference * row[c];
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int c = 0; c < Columns; ++c) store(sums + (r * Columns + c) * lanes, sum[r][c]);
  }
}

template <int Columns>
void tail_of_chunk(int elements, int width, const float* differences, const float* tail, float* sums) {
  int e = 0;
  for (; e + 4 <= elements; e += 4) {
    tail_sums<4, Columns>(width, differences + e * decode_chunk, tail, sums + e * Columns * lanes);
  }
  for (; e < elements; ++e) {
    tail_sums<1, Columns>(width, differences + e * decode_chunk, tail, sums + e * Columns * lanes);
  }
}

void tail_of_chunk(int columns, int elements, int width, const float* differences, const float* tail, float* sums) {
  if (columns == 1) tail_of_chunk<1>(elements, width, differences, tail, sums);
  if (columns == 2) tail_of_chunk<2>(elements, width, differences, tail, sums);
  if (columns == 3) tail_of_chunk<3>(elements, width, differences, tail, sums);
  if (columns == 4) tail_of_chunk<4>(elements, width, differences, tail, sums);
}

// Where decode_step keeps what.
struct DecodeScratch {
  DecodeScratch(float* scratch, int elements, int k, int kp)
      : buffer(scratch),
        gradient(buffer + elements * decode_chunk),
        tile(gradient + (k + 1) * decode_chunk),
        tail(tile + decode_chunk * kp),
        sums(tail + decode_tail * decode_chunk),
        inputs(sums + elements * decode_tail * lanes) {}
  float* buffer;    // [E][decode_chunk] logits, then differences
  float* gradient;  // [k + 1][decode_chunk]
  float* tile;      // [decode_chunk][kp]
  float* tail;      // [decode_tail][decode_chunk]
  float* sums;      // [E][decode_tail][lanes]
  float* inputs;    // [E][k + 1] h and a one for the bias
};

double decode_step(const Pattern& pattern, const float* h, const Moments& weights, const Moments& bias,
                   const AdamStep& step, bool loss, float* scratch, float* dh) {
  const int E = pattern.elements, G = pattern.groups, k = pattern.features;
  const int kp = static_cast<int>(padded(static_cast<std::size_t>(k)));
  const int tail = tail_columns(k);
  const int whole = round_up(k - tail);
  const DecodeScratch s(scratch, E, k, kp);
  for (int i = 0; i < E * decode_chunk; ++i) s.buffer[i] = 0;
  for (int i = 0; i < E * tail * lanes; ++i) s.sums[i] = 0;
  for (int i = 0; i < E * kp; ++i) dh[i] = 0;
  for (int e = 0; e < E; ++e) {
    for (int c = 0; c < k; ++c) s.inputs[e * (k + 1) + c] = h[e * kp + c];
    s.inputs[e * (k + 1) + k] = 1;
  }
  double total = 0;
  for (int first = 0; first < G; first += decode_chunk) {
    const Chunk chunk{first, smaller(decode_chunk, G - first)};
    multiply(Product{E, chunk.size, k, h, kp, 1, weights.weights + first, G, s.buffer, decode_chunk, Start::bias,
                     bias.weights + first});
    if (loss) total += chunk_loss(pattern, chunk, s.buffer);
    chunk_differences(pattern, chunk, s.buffer);
    multiply(Product{k + 1, chunk.size, E, s.inputs, 1, k + 1, s.buffer, decode_chunk, s.gradient, decode_chunk,
                     Start::zero, nullptr});
    scaled_decoder(pattern, chunk, weights.weights, kp, s.tile, s.tail);
    multiply(Product{E, whole, chunk.size, s.buffer, decode_chunk, 1, s.tile, kp, dh, kp, Start::accumulate, nullptr});
    tail_of_chunk(tail, E, round_up(chunk.size), s.buffer, s.tail, s.sums);
    const auto size = static_cast<std::size_t>(chunk.size);
    for (int c = 0; c < k; ++c) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(c) * G + first;
      adam(step, Moments{weights.weights + at, weights.first + at, weights.second + at}, s.gradient + c * decode_chunk,
           size);
    }
    AdamStep plain = step;
    plain.decay = 0;
    adam(plain, Moments{bias.weights + first, bias.first + first, bias.second + first}, s.gradient + k * decode_chunk,
         size);
  }
  for (int e = 0; e < E; ++e) {
    for (int c = 0; c < tail; ++c) {
      const Vector lane_sums = load(s.sums + (e * tail + c) * lanes);
      float sum = 0;
      for (int i = 0; i < lanes; ++i) sum += lane_sums[i];
      dh[e * kp + k - tail + c] = sum;
    }
  }
  for (int i = 0; i < E * kp; ++i) dh[i] *= step.scale;
  return total;
}

// ---- encoder ----

// Adam on the sums of groups: w -= rate * (multiplicity m^ / (sqrt(v^) + epsilon) + decay w).
void adam_sums(const AdamStep& step, const Moments& state, const float* __restrict gradient,
               const float* __restrict multiplicity, int n) {
  float* __restrict w = state.weights;
  float* __restrict m = state.first;
  float* __restrict v = state.second;
  const AdamStep s = step;
  for (int i = 0; i < n; ++i) {
    const float g = gradient[i];
    m[i] = s.beta1 * m[i] + s.rest1 * g;
    v[i] = s.beta2 * v[i] + s.rest2 * g * g;
    const float change = (m[i] * s.correction1) / (__builtin_sqrtf(v[i] * s.correction2) + s.epsilon);
    w[i] -= s.rate * (multiplicity[i] * change + s.decay * w[i]);
  }
}

// Rows of S are k floats, not a multiple of a vector. They are read as `Vectors` whole vectors; the lanes beyond k hold
// the start of the next row and end where nobody looks. Vectors = 0: any number.
template <int Vectors>
struct EncoderRows {
  static constexpr int most = Vectors == 0 ? 1 : Vectors;

  // gradient, multiplicity: [groups of the chunk][k]. A row's junk lanes are overwritten by the next row, stored after
  // it.
  static void gradients(const Pattern& pattern, Chunk chunk, int kp, const float* dz, float* gradient,
                        float* multiplicity) {
    const int k = pattern.features;
    for (int g = 0; g < chunk.size; ++g) {
      const std::uint32_t* offsets = pattern.offsets + chunk.first + g;
      const Vector copies = splat(pattern.multiplicity[chunk.first + g]);
      for (int c = 0; c < k; c += most * lanes) {
        Vector sum[most] = {};
        for (std::uint32_t i = offsets[0]; i < offsets[1]; ++i) {
          const float* row = dz + pattern.rows[i] * kp + c;
          for (int v = 0; v < most; ++v) sum[v] += load(row + v * lanes);
        }
        for (int v = 0; v < most; ++v) {
          store(gradient + g * k + c + v * lanes, sum[v]);
          store(multiplicity + g * k + c + v * lanes, copies);
        }
      }
    }
  }

  // z += S for the elements of each group.
  static void accumulate(const Pattern& pattern, Chunk chunk, int kp, const float* weights, float* z) {
    const int k = pattern.features;
    for (int g = 0; g < chunk.size; ++g) {
      const std::uint32_t* offsets = pattern.offsets + chunk.first + g;
      const float* row = weights + static_cast<std::ptrdiff_t>(chunk.first + g) * k;
      for (int c = 0; c < k; c += most * lanes) {
        Vector s[most];
        for (int v = 0; v < most; ++v) s[v] = load(row + c + v * lanes);
        for (std::uint32_t i = offsets[0]; i < offsets[1]; ++i) {
          float* sum = z + pattern.rows[i] * kp + c;
          for (int v = 0; v < most; ++v) store(sum + v * lanes, load(sum + v * lanes) + s[v]);
        }
      }
    }
  }
};

// dz null: z only.
template <int Vectors>
void encode_rows(const Pattern& pattern, const float* dz, const Moments& weights, const AdamStep& step, float* scratch,
                 float* z) {
  const int k = pattern.features;
  const int kp = static_cast<int>(padded(static_cast<std::size_t>(k)));
  for (int i = 0; i < pattern.elements * kp; ++i) z[i] = 0;
  for (int first = 0; first < pattern.groups; first += encode_chunk) {
    const Chunk chunk{first, smaller(encode_chunk, pattern.groups - first)};
    if (dz != nullptr) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(first) * k;
      float* gradient = scratch;
      float* multiplicity = scratch + encode_chunk * k + static_cast<int>(padding);
      EncoderRows<Vectors>::gradients(pattern, chunk, kp, dz, gradient, multiplicity);
      adam_sums(step, Moments{weights.weights + at, weights.first + at, weights.second + at}, gradient, multiplicity,
                chunk.size * k);
    }
    EncoderRows<Vectors>::accumulate(pattern, chunk, kp, weights.weights, z);
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

// ---- attention ----

// The table's rows of one slot of `lanes` fields, turned so that fields are in the lanes: columns[c][lanes].
void gather_slot(const float* table, int width, const std::int16_t* rows, int row_stride, int fields, float* columns) {
  for (int c0 = 0; c0 < width; c0 += lanes) {
    Vector square[lanes];
    for (int f = 0; f < lanes; ++f) {
      const int row = f < fields ? rows[f * row_stride] : -1;
      square[f] = load(table + static_cast<std::ptrdiff_t>(row < 0 ? 0 : row) * width + c0);
    }
    transpose_square(square);
    for (int c = c0; c < smaller(c0 + lanes, width); ++c) store(columns + c * lanes, square[c - c0]);
  }
}

// `lanes` fields, the first being `first`. Slots that a field does not fill take part in nothing.
void attend_block(const FieldAttention& p, int first) {
  const int fields = smaller(lanes, p.fields - first);
  const int width = p.heads * p.key_dim;
  Vector size{};
  int largest = 0;
  for (int f = 0; f < fields; ++f) {
    size[f] = static_cast<float>(p.sizes[first + f]);
    if (p.sizes[first + f] > largest) largest = p.sizes[first + f];
  }
  float* queries = p.scratch;  // [slots][width][lanes], as keys and values
  float* keys = queries + p.slots * width * lanes;
  float* values = keys + p.slots * width * lanes;
  float* weights = values + p.slots * width * lanes;  // [slots][lanes], of one query of one head
  for (int slot = 0; slot < largest; ++slot) {
    const std::int16_t* rows = p.rows + first * p.slots + slot;
    gather_slot(p.query, width, rows, p.slots, fields, queries + slot * width * lanes);
    gather_slot(p.key, width, rows, p.slots, fields, keys + slot * width * lanes);
    if (p.value != nullptr) gather_slot(p.value, width, rows, p.slots, fields, values + slot * width * lanes);
  }
  const Vector share = 1.0f / (static_cast<float>(p.heads) * size);
  for (int slot = 0; slot < p.slots; ++slot) store(p.received + slot * p.stride + first, Vector{});
  for (int q = 0; q < largest; ++q) {
    for (int head = 0; head < p.heads; ++head) {
      const int column = head * p.key_dim;
      const auto at = [&](const float* table, int slot, int d) {
        return load(table + (slot * width + column + d) * lanes);
      };
      const auto filled = [&](int slot) { return static_cast<float>(slot) < size; };
      Vector highest = splat(-3.0e38f);
      for (int j = 0; j < largest; ++j) {
        Vector dot{};
        for (int d = 0; d < p.key_dim; ++d) dot += at(queries, q, d) * at(keys, j, d);
        dot = filled(j) ? dot * p.scale : splat(-3.0e38f);
        store(weights + j * lanes, dot);
        highest = maximum(highest, dot);
      }
      Vector sum{};
      for (int j = 0; j < largest; ++j) {
        const Vector weight = filled(j) ? exponential(load(weights + j * lanes) - highest) : Vector{};
        store(weights + j * lanes, weight);
        sum += weight;
      }
      const Vector norm = 1.0f / sum;
      for (int j = 0; j < largest; ++j) {
        const Vector probability = load(weights + j * lanes) * norm;
        store(weights + j * lanes, probability);
        float* received = p.received + j * p.stride + first;
        store(received, load(received) + (filled(q) ? probability * share : Vector{}));
      }
      if (p.value == nullptr) continue;
      for (int d = 0; d < p.key_dim; ++d) {
        Vector out{};
        for (int j = 0; j < largest; ++j) out += load(weights + j * lanes) * at(values, j, d);
        store(p.attended + static_cast<std::ptrdiff_t>(q * width + column + d) * p.stride + first, out);
      }
    }
  }
}

void attend(const FieldAttention& p) {
  for (int first = 0; first < p.fields; first += lanes) attend_block(p, first);
}

constexpr const char* name_of_lanes() { return lanes == 16 ? "AVX-512" : lanes == 8 ? "AVX2" : "SSE2"; }

}  // namespace

extern const VectorKernels PHASESELECT_KERNEL_TABLE;
const VectorKernels PHASESELECT_KERNEL_TABLE{name_of_lanes(), multiply,    transpose, column_sums, adam,
                                             decode_step,     encode_step, encode,    attend};

}  // namespace phaseselect::cpu
