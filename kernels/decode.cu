// Decoder of a training step (DESIGN.md 3.1, 3.2), for all members at once. grid (partitions, tasks), one thread a
// column group of a tile.
//
//   l_eg = c_g + h_e . D_g;  p_eg = sigmoid(l_eg) - a_eg
//   dD_g = scale sum_e p_eg h_e, dc_g = scale sum_e p_eg: Adam at once
//   dh_e = sum_g m_g p_eg D_g with D before the update: partial sums of the partition, tiles in ascending order
//
// Memory contract: reads h [E][k]; reads and writes D [k][G], c [G] and their moments once; writes dh_partial [E][k] of
// its partition (unscaled) and, at the member's last step, losses. 24 bytes a decoder weight.
//
// A thread keeps its column D_g and the column's gradient in registers, so that both products cost one broadcast of h_e
// for 2 k multiply-adds. Only dh, a sum over columns, goes through shared memory. With more than 64 features they are
// taken in chunks, and logits wait in shared memory between chunks.
#include "kernels/common/adam.cuh"
#include "kernels/common/cross_entropy.cuh"
#include "kernels/common/launch.hpp"
#include "kernels/common/reduce.cuh"
#include "kernels/common/shared.cuh"
#include "kernels/decode.hpp"

namespace phaseselect::cuda {
namespace {

// A tile of T columns, one a thread; chunks of K features, a multiple of 4.
template <int K, int T>
struct Decoder {
  // Rows of p are four floats longer than a tile: the rows that neighbouring threads read start in different banks.
  static constexpr int p_stride = T + 4;
  // Rows of D in shared memory: an odd number of 16-byte words, free of bank conflicts.
  static constexpr int d_stride = K % 8 == 4 ? K : K + 4;

  struct Arrays {
    float* h;      // [E][chunks * K], zero beyond k
    float* dh;     // [E][chunks * K]
    float* p;      // [E][p_stride]
    float* d;      // [T][d_stride], m_g D_g of one chunk
    double* sums;  // one a warp
  };

  __host__ __device__ static Arrays carve(SharedCarver& carver, int elements, int chunks) {
    Arrays arrays{};
    arrays.h = carver.take<float>(elements * chunks * K);
    arrays.dh = carver.take<float>(elements * chunks * K);
    arrays.p = carver.take<float>(elements * p_stride);
    arrays.d = carver.take<float>(T * d_stride);
    arrays.sums = carver.take<double>(T / warp_lanes);
    return arrays;
  }

  __device__ static float dot(const float (&d)[K], const float* h) {
    float sum = 0;
#pragma unroll
    for (int c = 0; c < K; c += 4) {
      const float4 x = *reinterpret_cast<const float4*>(h + c);
      sum += x.x * d[c] + x.y * d[c + 1] + x.z * d[c + 2] + x.w * d[c + 3];
    }
    return sum;
  }

  __device__ static void add(float (&gradient)[K], float p, const float* h) {
#pragma unroll
    for (int c = 0; c < K; c += 4) {
      const float4 x = *reinterpret_cast<const float4*>(h + c);
      gradient[c] += p * x.x;
      gradient[c + 1] += p * x.y;
      gradient[c + 2] += p * x.z;
      gradient[c + 3] += p * x.w;
    }
  }
};

// One thread's column group. A thread beyond the end of the matrix computes with zeros and stores nothing.
struct Column {
  int group;
  bool real;
  float multiplicity;
  __device__ Column(const DecodeParams& params, int group_)
      : group(group_), real(group_ < params.groups), multiplicity(real ? params.multiplicity[group_] : 0.0f) {}
  // a_eg of 32 elements.
  __device__ std::uint32_t pattern(const DecodeParams& params, int word) const {
    return real ? params.pattern[word * params.groups + group] : 0;
  }
};

// dh[e][c] += sum over the tile of p[e][t] d[t][c], for the chunk's columns: 4 x 4 elements a thread, four columns of
// the tile at a time, and a sum for every 64 of them, whatever the width of the tile. The rows of a thread lie a
// quarter of E apart, so that threads side by side read rows side by side.
template <int K, int T>
__device__ void accumulate_dh(const typename Decoder<K, T>::Arrays& arrays, int elements, int stride,
                              int first_feature) {
  constexpr int d_stride = Decoder<K, T>::d_stride, p_stride = Decoder<K, T>::p_stride;
  const int row_tiles = (elements + 3) / 4;
  for (int tile = static_cast<int>(threadIdx.x); tile < row_tiles * (K / 4); tile += T) {
    const int c = tile % (K / 4) * 4, e0 = tile / (K / 4);
    for (int begin = 0; begin < T; begin += 64) {
      float sum[4][4] = {};
      for (int t = begin; t < begin + 64; t += 4) {
        float4 d[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) d[i] = *reinterpret_cast<const float4*>(arrays.d + (t + i) * d_stride + c);
#pragma unroll
        for (int r = 0; r < 4; ++r) {
          const int e = min(e0 + r * row_tiles, elements - 1);
          const float4 p = *reinterpret_cast<const float4*>(arrays.p + e * p_stride + t);
          const float weights[4] = {p.x, p.y, p.z, p.w};
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            sum[r][0] += weights[i] * d[i].x;
            sum[r][1] += weights[i] * d[i].y;
            sum[r][2] += weights[i] * d[i].z;
            sum[r][3] += weights[i] * d[i].w;
          }
        }
      }
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const int e = e0 + r * row_tiles;
        if (e >= elements) continue;
        float* target = arrays.dh + e * stride + first_feature + c;
#pragma unroll
        for (int q = 0; q < 4; ++q) target[q] += sum[r][q];
      }
    }
  }
}

// The state of one block: a member's partition.
template <int K, int T>
struct Partition {
  using Shape = Decoder<K, T>;
  static constexpr int p_stride = Shape::p_stride;

  const DecodeParams& params;
  const typename Shape::Arrays& arrays;
  const Slab& slab;
  const AdamStep& adam;
  int stride;  // chunks * K
  bool loss_wanted;
  double loss = 0;

  __device__ void load(const Column& column, int first, float (&d)[K]) const {
#pragma unroll
    for (int c = 0; c < K; ++c) {
      const bool inside = column.real && first + c < params.features;
      d[c] = inside ? slab.weights[params.weights + (first + c) * params.groups + column.group] : 0.0f;
    }
  }

  // Adds a chunk's share to the column's logits.
  __device__ void logits(const Column& column, int first, const float (&d)[K]) const {
    const float bias = first == 0 && column.real ? slab.weights[params.bias + column.group] : 0.0f;
#pragma unroll 1
    for (int e = 0; e < params.elements; ++e) {
      float* p = arrays.p + e * p_stride + threadIdx.x;
      *p = (first == 0 ? bias : *p) + Shape::dot(d, arrays.h + e * stride + first);
    }
  }

  // The last chunk: logits become p in place; the gradient of this chunk and of the bias.
  __device__ float finish(const Column& column, int first, const float (&d)[K], float (&gradient)[K]) {
    const float bias = column.real ? slab.weights[params.bias + column.group] : 0.0f;
    float bias_gradient = 0;
    std::uint32_t pattern = 0;
#pragma unroll(K <= 20 ? 2 : 1)
    for (int e = 0; e < params.elements; ++e) {
      pattern = e % 32 == 0 ? column.pattern(params, e / 32) : pattern >> 1;
      const float* h = arrays.h + e * stride + first;
      float* cell = arrays.p + e * p_stride + threadIdx.x;
      const float logit = (first == 0 ? bias : *cell) + Shape::dot(d, h);
      const float target = static_cast<float>(pattern & 1u);
      const float p = column.real ? sigmoid(logit) - target : 0.0f;
      if (loss_wanted) loss += static_cast<double>(column.multiplicity * (softplus(logit) - target * logit));
      *cell = p;
      bias_gradient += p;
      Shape::add(gradient, p, h);
    }
    return bias_gradient;
  }

  __device__ void gradient_of(int first, float (&gradient)[K]) const {
#pragma unroll 1
    for (int e = 0; e < params.elements; ++e) {
      Shape::add(gradient, arrays.p[e * p_stride + threadIdx.x], arrays.h + e * stride + first);
    }
  }

  // Adam on one chunk of the column; its share of dh with the weights of before. Ends with a barrier.
  __device__ void update(const Column& column, int first, const float (&d)[K], const float (&gradient)[K]) const {
    float* row = arrays.d + threadIdx.x * Shape::d_stride;
#pragma unroll
    for (int c = 0; c < K; c += 4) {
      *reinterpret_cast<float4*>(row + c) = make_float4(column.multiplicity * d[c], column.multiplicity * d[c + 1],
                                                        column.multiplicity * d[c + 2], column.multiplicity * d[c + 3]);
    }
#pragma unroll
    for (int c = 0; c < K; ++c) {
      if (column.real && first + c < params.features) {
        adam_update(adam, slab, params.weights + (first + c) * params.groups + column.group, d[c],
                    params.scale * gradient[c], {.decays = true});
      }
    }
    __syncthreads();
    accumulate_dh<K, T>(arrays, params.elements, stride, first);
    __syncthreads();
  }

  __device__ void tile(int group) {
    const Column column(params, group);
    float d[K], gradient[K] = {};
    const int last = stride - K;
    for (int first = 0; first < last; first += K) {
      load(column, first, d);
      logits(column, first, d);
    }
    load(column, last, d);
    const float bias_gradient = finish(column, last, d, gradient);
    if (column.real) adam_update(adam, slab, params.bias + column.group, params.scale * bias_gradient, {});
    update(column, last, d, gradient);
    for (int first = 0; first < last; first += K) {
      float others[K] = {};
      load(column, first, d);
      gradient_of(first, others);
      update(column, first, d, others);
    }
  }
};

// Blocks that share a multiprocessor: as many as shared memory allows at the paper's shape. More would only cost
// registers.
template <int K, int T>
constexpr int resident = (K <= 20 ? 3 : 2) * (128 / T);

template <int K, int T>
__global__ void __launch_bounds__(T, resident<K, T>) decode_step_kernel(const __grid_constant__ DecodeParams params) {
  using Shape = Decoder<K, T>;
  const Task task = params.tasks[blockIdx.y];
  if (task.slot < 0 || params.step >= task.steps) return;
  const MemberState& member = params.members[task.slot];
  SharedCarver carver(shared_memory());
  const int chunks = (params.features + K - 1) / K, stride = chunks * K;
  const typename Shape::Arrays arrays = Shape::carve(carver, params.elements, chunks);
  for (int i = static_cast<int>(threadIdx.x); i < params.elements * stride; i += T) {
    const int e = i / stride, c = i % stride;
    arrays.h[i] = c < params.features ? member.h[e * params.features + c] : 0.0f;
    arrays.dh[i] = 0;
  }
  __syncthreads();
  const AdamStep adam = params.adam[blockIdx.y];
  const Slab slab = member.classifier;
  Partition<K, T> partition{params, arrays, slab, adam, stride, params.step + 1 == task.steps};
  const int begin = static_cast<int>(blockIdx.x) * partition_groups;
  for (int first = begin; first < min(begin + partition_groups, params.groups); first += T) {
    partition.tile(first + static_cast<int>(threadIdx.x));
  }
  float* out = member.dh_partial + static_cast<int>(blockIdx.x) * params.elements * params.features;
  for (int i = static_cast<int>(threadIdx.x); i < params.elements * params.features; i += T) {
    out[i] = arrays.dh[i / params.features * stride + i % params.features];
  }
  if (!partition.loss_wanted) return;
  const double loss = block_sum(partition.loss, arrays.sums);
  if (threadIdx.x == 0) params.losses[blockIdx.y * gridDim.x + blockIdx.x] = loss;
}

template <int K, int T>
std::size_t shared_bytes(int elements, int features) {
  SharedCarver carver(nullptr);
  Decoder<K, T>::carve(carver, elements, (features + K - 1) / K);
  return carver.bytes();
}

template <int K, int T>
void launch_tiles(Stream& stream, const DecodeParams& params, int tasks) {
  launch(stream, "decode_step", decode_step_kernel<K, T>,
         {.grid_x = static_cast<unsigned>(partitions_of(params.groups)),
          .grid_y = static_cast<unsigned>(tasks),
          .block = T,
          .shared_bytes = shared_bytes<K, T>(params.elements, params.features)},
         params);
}

struct Variant {
  int features, tile;
  std::size_t (*shared_bytes)(int elements, int features);
  void (*launch)(Stream& stream, const DecodeParams& params, int tasks);
};

template <int K, int T>
constexpr Variant variant{K, T, shared_bytes<K, T>, launch_tiles<K, T>};

// Few, so that builds stay short. In the order in which they are tried: the smallest K that holds all features at once,
// the wider tile first. Where none does, or none fits, features are taken in chunks (`chunked`).
constexpr Variant variants[] = {variant<8, 128>, variant<8, 64>,   variant<20, 128>, variant<20, 64>,  variant<32, 128>,
                                variant<32, 64>, variant<48, 128>, variant<48, 64>,  variant<64, 128>, variant<64, 64>};
constexpr Variant chunked[] = {variant<32, 128>, variant<32, 64>};

// Null where nothing fits.
const Variant* choose(int elements, int features, std::size_t shared_limit) {
  for (const Variant& candidate : variants) {
    if (candidate.features >= features && candidate.shared_bytes(elements, features) <= shared_limit) return &candidate;
  }
  for (const Variant& candidate : chunked) {
    if (candidate.shared_bytes(elements, features) <= shared_limit) return &candidate;
  }
  return nullptr;
}

}  // namespace

int most_decoder_features(int elements, std::size_t shared_limit) {
  int features = 0;
  while (choose(elements, features + 1, shared_limit) != nullptr) ++features;
  return features;
}

DecodeShape decode_shape(int elements, int features, std::size_t shared_limit) {
  const Variant* chosen = choose(elements, features, shared_limit);
  if (chosen == nullptr) throw std::logic_error("more features than the decoder's shared memory holds");
  return {chosen->features, chosen->tile, chosen->shared_bytes(elements, features)};
}

void decode_step(Stream& stream, DecodeParams params, int tasks, std::size_t shared_limit) {
  const Variant* chosen = choose(params.elements, params.features, shared_limit);
  if (chosen == nullptr) throw std::logic_error("more features than the decoder's shared memory holds");
  chosen->launch(stream, params, tasks);
}

}  // namespace phaseselect::cuda
