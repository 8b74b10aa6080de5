// Encoder of a training step (DESIGN.md 3.1, 3.2), for all members at once. grid (partitions, tasks).
//
//   u_g = sum_e a_eg dz_e;  S_g <- S_g - rate (m_g adam(u_g) + decay S_g)
//   z_e = sum_g a_eg S_g of the new S: partial sums of the partition, groups in ascending order
//
// Memory contract: reads dz [E][k]; reads and writes S [G][k] and its moments once; writes z_partial [E][k] of its
// partition. 24 bytes an encoder weight.
//
// Both sums run over the sparse pattern, from its two sides: u by group (few elements each), z by element (the groups
// of the tile that have it, from a list made once). So no two threads add to the same number and the order is fixed.
#include "kernels/common/adam.cuh"
#include "kernels/common/launch.hpp"
#include "kernels/common/shared.cuh"
#include "kernels/encode.hpp"

namespace phaseselect::cuda {
namespace {

constexpr unsigned threads = encode_threads;

// Features are independent of each other: those that shared memory has no room for follow in further chunks.
struct Arrays {
  float* dz;    // [E][chunk]
  float* z;     // [E][chunk]
  float* tile;  // [tile_groups][chunk], the tile's new rows of S
};

__host__ __device__ Arrays carve(SharedCarver& carver, int elements, int chunk) {
  Arrays arrays{};
  arrays.dz = carver.take<float>(elements * chunk);
  arrays.z = carver.take<float>(elements * chunk);
  arrays.tile = carver.take<float>(tile_groups * chunk);
  return arrays;
}

// Features first .. first + count - 1 of the partition.
struct Chunk {
  int first;
  int count;
};

// A position in a row-major matrix that moves ahead by a fixed number of elements, without a division each time.
struct Cursor {
  int row, column;
  __device__ Cursor(int index, int columns) : row(index / columns), column(index % columns) {}
  __device__ void advance(int rows, int columns_ahead, int columns) {
    row += rows;
    column += columns_ahead;
    if (column >= columns) {
      column -= columns;
      ++row;
    }
  }
};

// New rows of S of the tile that begins at group `begin`, in memory and in arrays.tile.
__device__ void update_tile(const EncodeParams& params, const Arrays& arrays, const Slab& slab, const AdamStep& adam,
                            const Chunk& chunk, int begin) {
  const int size = min(tile_groups, params.groups - begin), stride = static_cast<int>(blockDim.x), k = chunk.count;
  Cursor at(static_cast<int>(threadIdx.x), k);
  for (int i = static_cast<int>(threadIdx.x); i < size * k; i += stride, at.advance(stride / k, stride % k, k)) {
    const int group = begin + at.row, index = params.weights + group * params.features + chunk.first + at.column;
    float weight = slab.weights[index];
    if (params.update) {
      float gradient = 0;
      for (std::uint32_t one = params.offsets[group]; one < params.offsets[group + 1]; ++one) {
        gradient += arrays.dz[params.rows[one] * k + at.column];
      }
      float moment = slab.first[index], square = slab.second[index];
      const float change = adam_change(adam, gradient, moment, square);
      weight -= adam.rate * (params.multiplicity[group] * change + adam.decay * weight);
      slab.first[index] = moment;
      slab.second[index] = square;
      slab.weights[index] = weight;
    }
    arrays.tile[i] = weight;
  }
}

// z += the tile's rows of S, by element.
__device__ void add_tile(const EncodeParams& params, const Arrays& arrays, const Chunk& chunk, int tile) {
  const int stride = static_cast<int>(blockDim.x), k = chunk.count;
  const std::uint32_t* offsets = params.tile_offsets + tile * (params.elements + 1);
  Cursor at(static_cast<int>(threadIdx.x), k);
  for (int i = static_cast<int>(threadIdx.x); i < params.elements * k;
       i += stride, at.advance(stride / k, stride % k, k)) {
    float z = arrays.z[i];
    for (std::uint32_t one = offsets[at.row]; one < offsets[at.row + 1]; ++one) {
      z += arrays.tile[params.tile_members[one] * k + at.column];
    }
    arrays.z[i] = z;
  }
}

__device__ void encode_chunk(const EncodeParams& params, const Arrays& arrays, const MemberState& member,
                             const AdamStep& adam, const Chunk& chunk) {
  const int size = params.elements * chunk.count, stride = static_cast<int>(blockDim.x);
  for (int i = static_cast<int>(threadIdx.x); i < size; i += stride) {
    const int at = i / chunk.count * params.features + chunk.first + i % chunk.count;
    if (params.update) arrays.dz[i] = member.dz[at];
    arrays.z[i] = 0;
  }
  const int first_tile = static_cast<int>(blockIdx.x) * partition_tiles;
  for (int tile = first_tile; tile < first_tile + partition_tiles && tile * tile_groups < params.groups; ++tile) {
    __syncthreads();
    update_tile(params, arrays, member.classifier, adam, chunk, tile * tile_groups);
    __syncthreads();
    add_tile(params, arrays, chunk, tile);
  }
  float* out = member.z_partial + static_cast<int>(blockIdx.x) * params.elements * params.features;
  // Each thread reads the sums that it wrote itself.
  for (int i = static_cast<int>(threadIdx.x); i < size; i += stride) {
    out[i / chunk.count * params.features + chunk.first + i % chunk.count] = arrays.z[i];
  }
  __syncthreads();
}

__global__ void __launch_bounds__(threads) encode_step_kernel(const __grid_constant__ EncodeParams params) {
  const Task task = params.tasks[blockIdx.y];
  if (task.slot < 0 || (params.update && params.step >= task.steps)) return;
  const MemberState member = params.members[task.slot];
  AdamStep adam = params.update ? params.adam[blockIdx.y] : AdamStep{};
  adam.rate *= params.rate;
  SharedCarver carver(shared_memory());
  const Arrays arrays = carve(carver, params.elements, params.chunk);
  for (int first = 0; first < params.features; first += params.chunk) {
    encode_chunk(params, arrays, member, adam, {first, min(params.chunk, params.features - first)});
  }
}

std::size_t shared_bytes(int elements, int chunk) {
  SharedCarver carver(nullptr);
  carve(carver, elements, chunk);
  return carver.bytes();
}

int widest_chunk(int elements, int features, std::size_t shared_limit) {
  int chunk = features;
  while (shared_bytes(elements, chunk) > shared_limit) chunk = (chunk + 1) / 2;
  return chunk;
}

}  // namespace

std::size_t encode_shared_bytes(int elements, int features, std::size_t shared_limit) {
  return shared_bytes(elements, widest_chunk(elements, features, shared_limit));
}

void encode_step(Stream& stream, EncodeParams params, int tasks, std::size_t shared_limit) {
  params.chunk = widest_chunk(params.elements, params.features, shared_limit);
  launch(stream, "encode_step", encode_step_kernel,
         {.grid_x = static_cast<unsigned>(partitions_of(params.groups)),
          .grid_y = static_cast<unsigned>(tasks),
          .block = threads,
          .shared_bytes = shared_bytes(params.elements, params.chunk)},
         params);
}

}  // namespace phaseselect::cuda
