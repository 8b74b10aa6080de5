// Decoder of a training step on tensor cores: the mathematics and memory contract of decode.cu with the three products
// in tf32 (10 mantissa bits, fp32 sums); losses, sigmoid and optimiser in fp32. grid (partitions, tasks).
//
// Products need operands where all warps reach them, so the tile of D and its logits go through shared memory.
#include "kernels/common/adam.cuh"
#include "kernels/common/cross_entropy.cuh"
#include "kernels/common/launch.hpp"
#include "kernels/common/shared.cuh"
#include "kernels/common/tensor_product.cuh"
#include "kernels/decode.hpp"

namespace phaseselect::cuda {
namespace {

constexpr int threads = decode_tensor_threads;

struct Shape {
  int elements;  // E
  int rows;      // E, rounded up to a depth of the products
  int features;  // k, rounded up likewise
  int tile;      // columns of a tile; threads is a multiple of it
  // Neighbouring rows start four banks apart.
  __host__ __device__ int p_stride() const { return tile + 4; }
  __host__ __device__ int feature_stride() const { return features + 4; }
};

__host__ __device__ Shape shape_of(int elements, int features, int tile) {
  return {elements, (elements + 7) / 8 * 8, (features + 7) / 8 * 8, tile};
}

struct Arrays {
  float* h;              // [rows][feature_stride], zero beyond E and k
  float* dh;             // [E][feature_stride]
  float* p;              // [rows][p_stride], zero beyond E
  float* d;              // [tile][feature_stride], D of the tile, later m_g D; zero beyond k
  float* bias_gradient;  // [threads], of each thread's share of the rows
  double* sums;          // one a warp
};

__host__ __device__ Arrays carve(SharedCarver& carver, const Shape& shape) {
  Arrays arrays{};
  arrays.h = carver.take<float>(shape.rows * shape.feature_stride());
  arrays.dh = carver.take<float>(shape.elements * shape.feature_stride());
  arrays.p = carver.take<float>(shape.rows * shape.p_stride());
  arrays.d = carver.take<float>(shape.tile * shape.feature_stride());
  arrays.bias_gradient = carver.take<float>(threads);
  arrays.sums = carver.take<double>(threads / warp_lanes);
  return arrays;
}

struct Block {
  const DecodeParams& params;
  const Shape& shape;
  const Arrays& arrays;
  const Slab& slab;
  const AdamStep& adam;
  bool loss_wanted;
  double loss = 0;

  __device__ int thread() const { return static_cast<int>(threadIdx.x); }

  __device__ void load_tile(int first) const {
    const int stride = shape.feature_stride();
    for (int i = thread(); i < shape.tile * shape.features; i += threads) {
      const int t = i % shape.tile, c = i / shape.tile;
      const bool inside = first + t < params.groups && c < params.features;
      arrays.d[t * stride + c] = inside ? slab.weights[params.weights + c * params.groups + first + t] : 0.0f;
    }
  }

  __device__ void logits() const {
    tensor_product(shape.elements, shape.tile, shape.features,
                   Operand<Depth::contiguous>{arrays.h, shape.feature_stride()},
                   Operand<Depth::contiguous>{arrays.d, shape.feature_stride()},
                   [&](int e, int t, float value) { arrays.p[e * shape.p_stride() + t] = value; });
  }

  // Logits become p = sigmoid(l) - a in place; threads of a column share its rows. D becomes m_g D.
  __device__ void differences(int first) {
    const int t = thread() % shape.tile, part = thread() / shape.tile, parts = threads / shape.tile;
    const int group = first + t;
    const bool real = group < params.groups;
    const float multiplicity = real ? params.multiplicity[group] : 0.0f;
    const float bias = real ? slab.weights[params.bias + group] : 0.0f;
    float bias_gradient = 0;
    for (int e = part; e < params.elements; e += parts) {
      float* cell = arrays.p + e * shape.p_stride() + t;
      const std::uint32_t pattern = real ? params.pattern[e / 32 * params.groups + group] : 0;
      const float logit = *cell + bias, target = static_cast<float>((pattern >> (e % 32)) & 1u);
      const float p = real ? sigmoid(logit) - target : 0.0f;
      if (loss_wanted) loss += static_cast<double>(multiplicity * (softplus(logit) - target * logit));
      *cell = p;
      bias_gradient += p;
    }
    arrays.bias_gradient[thread()] = bias_gradient;
    for (int c = part; c < params.features; c += parts) arrays.d[t * shape.feature_stride() + c] *= multiplicity;
  }

  __device__ void update(int first) const {
    tensor_product(min(shape.tile, params.groups - first), params.features, shape.rows,
                   Operand<Depth::strided>{arrays.p, shape.p_stride()},
                   Operand<Depth::strided>{arrays.h, shape.feature_stride()}, [&](int t, int c, float gradient) {
                     adam_update(adam, slab, params.weights + c * params.groups + first + t, params.scale * gradient,
                                 {.decays = true});
                   });
    tensor_product(shape.elements, params.features, shape.tile, Operand<Depth::contiguous>{arrays.p, shape.p_stride()},
                   Operand<Depth::strided>{arrays.d, shape.feature_stride()},
                   [&](int e, int c, float value) { arrays.dh[e * shape.feature_stride() + c] += value; });
    if (thread() < shape.tile && first + thread() < params.groups) {
      float gradient = 0;
      for (int part = 0; part < threads / shape.tile; ++part) {
        gradient += arrays.bias_gradient[part * shape.tile + thread()];
      }
      adam_update(adam, slab, params.bias + first + thread(), params.scale * gradient, {});
    }
  }

  __device__ void tile(int first) {
    load_tile(first);
    __syncthreads();
    logits();
    __syncthreads();
    differences(first);
    __syncthreads();
    update(first);
    __syncthreads();
  }
};

__global__ void __launch_bounds__(threads) decode_step_tensor_kernel(const __grid_constant__ DecodeParams params) {
  const Task task = params.tasks[blockIdx.y];
  if (task.slot < 0 || params.step >= task.steps) return;
  const MemberState& member = params.members[task.slot];
  SharedCarver carver(shared_memory());
  const Shape shape = shape_of(params.elements, params.features, params.tile);
  const Arrays arrays = carve(carver, shape);
  const int stride = shape.feature_stride(), k = params.features;
  for (int i = static_cast<int>(threadIdx.x); i < shape.rows * stride; i += threads) {
    const int e = i / stride, c = i % stride;
    arrays.h[i] = e < params.elements && c < k ? member.h[e * k + c] : 0.0f;
    if (e < params.elements) arrays.dh[i] = 0;
  }
  const int padding = (shape.rows - shape.elements) * shape.p_stride();
  for (int i = static_cast<int>(threadIdx.x); i < padding; i += threads) {
    arrays.p[shape.elements * shape.p_stride() + i] = 0;
  }
  const AdamStep adam = params.adam[blockIdx.y];
  const Slab slab = member.classifier;
  Block block{params, shape, arrays, slab, adam, params.step + 1 == task.steps};
  const int begin = static_cast<int>(blockIdx.x) * partition_groups;
  for (int first = begin; first < min(begin + partition_groups, params.groups); first += shape.tile) block.tile(first);
  float* out = member.dh_partial + static_cast<int>(blockIdx.x) * params.elements * k;
  for (int i = static_cast<int>(threadIdx.x); i < params.elements * k; i += threads) {
    out[i] = arrays.dh[i / k * stride + i % k];
  }
  if (!block.loss_wanted) return;
  const double loss = block_sum(block.loss, arrays.sums);
  if (threadIdx.x == 0) params.losses[blockIdx.y * gridDim.x + blockIdx.x] = loss;
}

std::size_t shared_bytes(int elements, int features, int tile) {
  SharedCarver carver(nullptr);
  carve(carver, shape_of(elements, features, tile));
  return carver.bytes();
}

int widest_tile(int elements, int features, std::size_t shared_limit) {
  int tile = 128;
  while (tile > 32 && shared_bytes(elements, features, tile) > shared_limit) tile /= 2;
  return tile;
}

}  // namespace

std::size_t decode_tensor_shared_bytes(int elements, int features, std::size_t shared_limit) {
  return shared_bytes(elements, features, widest_tile(elements, features, shared_limit));
}

void decode_step_tensor(Stream& stream, DecodeParams params, int tasks, std::size_t shared_limit) {
  params.tile = widest_tile(params.elements, params.features, shared_limit);
  launch(stream, "decode_step_tensor", decode_step_tensor_kernel,
         {.grid_x = static_cast<unsigned>(partitions_of(params.groups)),
          .grid_y = static_cast<unsigned>(tasks),
          .block = threads,
          .shared_bytes = shared_bytes(params.elements, params.features, params.tile)},
         params);
}

}  // namespace phaseselect::cuda
