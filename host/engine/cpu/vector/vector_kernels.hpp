// The CPU engine's inner loops, compiled once per instruction set (CMakeLists.txt beside this file).
// All pointers may be unaligned. Buffers are read up to `padding` floats past their end: allocate them with Buffer,
// which adds them. Nothing past an end is changed, but for the padding of z and of scratch memory. No function
// allocates. The order in which an output's terms are summed depends on the instruction set and on the shapes of the
// model, never on how many rows or fields are handed over together: its bits do not depend on the batch it is in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace phaseselect {
enum class InstructionSet;  // engine.hpp, which is not included: see vector_kernels.cpp
}

namespace phaseselect::cpu {

// Widest vector in floats; feature rows in scratch tables are padded to a multiple of it.
inline constexpr int max_lanes = 16;
inline constexpr std::size_t padding = 64;

constexpr std::size_t padded(std::size_t n) { return (n + max_lanes - 1) / max_lanes * max_lanes; }

// One Adam step: gradient = scale * g + l1 sign(w) + 2 l2 w; w -= rate * (m^ / (sqrt(v^) + epsilon) + decay * w).
struct AdamStep {
  float rate = 0;
  float decay = 0;
  float beta1 = 0;
  float beta2 = 0;
  float rest1 = 0;  // 1 - beta1 and 1 - beta2, rounded once: 1.0f - float(0.999) would be off by 110 ulp
  float rest2 = 0;
  float correction1 = 0;  // 1 / (1 - beta1^t)
  float correction2 = 0;  // 1 / (1 - beta2^t)
  float epsilon = 0;
  float scale = 1;
  float l1 = 0;
  float l2 = 0;
};

enum class Start { zero, bias, accumulate };

// c[m][n] = start + a[m][depth] b[depth][n]. Element (i, t) of a is a[i * a_row + t * a_depth]; rows of b and c are
// contiguous. bias: [n], used with Start::bias.
struct Product {
  int m = 0, n = 0, depth = 0;
  const float* a = nullptr;
  std::ptrdiff_t a_row = 0, a_depth = 1;
  const float* b = nullptr;
  std::ptrdiff_t b_row = 0;
  float* c = nullptr;
  std::ptrdiff_t c_row = 0;
  Start start = Start::zero;
  const float* bias = nullptr;
  bool relu = false;  // c = max(c, 0)
};

// The pattern matrix by groups (see EnvironmentGroups) and the sizes of the autoencoder.
struct Pattern {
  int elements = 0;                        // E
  int groups = 0;                          // G
  int features = 0;                        // k
  const std::uint32_t* offsets = nullptr;  // [G + 1]
  const std::uint16_t* rows = nullptr;     // [ones]
  const float* multiplicity = nullptr;     // [G], in a Buffer: zero for a vector beyond the end
};

struct Moments {
  float* weights = nullptr;
  float* first = nullptr;
  float* second = nullptr;
};

// Columns of h at most that decode_step sums apart: they would leave most of a vector empty.
inline constexpr int decode_tail = max_lanes / 4;
// Groups that a pass takes at a time, so that its scratch memory stays in the cache.
inline constexpr int decode_chunk = 128;
inline constexpr int encode_chunk = 64;

// Attention of many fields at once, fields in the lanes (DESIGN.md 3.1).
struct FieldAttention {
  int fields = 0, slots = 0, heads = 0, key_dim = 0;
  int stride = 0;                      // of a row of fields below: padded(fields)
  float scale = 0;                     // 1 / sqrt(d)
  const float* query = nullptr;        // tables [E][H d]
  const float* key = nullptr;          //
  const float* value = nullptr;        // null: `received` only
  const std::int16_t* rows = nullptr;  // [fields][slots], real elements first
  const int* sizes = nullptr;          // [fields] >= 1
  float* received = nullptr;           // [slots][stride] s_i; 0 in slots that are not filled
  float* attended = nullptr;           // [slots][H d][stride] concat_h(P V); undefined in slots that are not filled
  float* scratch = nullptr;            // attend_scratch floats
};

struct VectorKernels {
  const char* name;

  void (*multiply)(const Product& product);
  // out[columns][rows] = in[rows][columns]
  void (*transpose)(const float* in, int rows, int columns, float* out);
  // sums[n] = sum over rows of in[rows][n]
  void (*column_sums)(const float* in, int rows, int n, float* sums);
  void (*adam)(const AdamStep& step, const Moments& state, const float* gradient, std::size_t n);

  // Decoder of one step in one pass over D, m, v: logits, cross-entropy, gradients of D, c and h, update of D and c.
  // h, dh: [E][kp], kp = padded(k), padding columns of h zero; dh is overwritten with d(L_ae)/dh * adam.scale.
  // adam.scale = lambda / (E V). Returns sum_e sum_g m_g [softplus(l) - a l] when `loss` is set, else 0.
  double (*decode_step)(const Pattern& pattern, const float* h, const Moments& weights, const Moments& bias,
                        const AdamStep& adam, bool loss, float* scratch, float* dh);
  // Encoder of one step in one pass over S, m, v: gradient by groups from dz [E][kp] (padding zero), update, and
  // z [E][kp] = sum_g a_eg S_g of the updated S. Lanes of z beyond k are undefined.
  void (*encode_step)(const Pattern& pattern, const float* dz, const Moments& weights, const AdamStep& adam,
                      float* scratch, float* z);
  // z of given S: the same sums, the same bits.
  void (*encode)(const Pattern& pattern, const float* weights, float* z);
  void (*attend)(const FieldAttention& attention);
};

constexpr std::size_t attend_scratch(int slots, int width) {
  return static_cast<std::size_t>(slots) * (3 * static_cast<std::size_t>(width) + 1) * max_lanes;
}

// In floats; what lies where: DecodeScratch.
constexpr std::size_t decode_scratch(int elements, int features) {
  const auto E = static_cast<std::size_t>(elements), k = static_cast<std::size_t>(features);
  return decode_chunk * (E + k + 1 + padded(k) + decode_tail) + E * (decode_tail * max_lanes + k + 1);
}
constexpr std::size_t encode_scratch(int features) {
  return 2 * (static_cast<std::size_t>(encode_chunk) * static_cast<std::size_t>(features) + padding);
}

// The table for an instruction set; throws UsageError when this machine lacks it.
const VectorKernels& select_vector_kernels(InstructionSet instructions);

}  // namespace phaseselect::cpu
