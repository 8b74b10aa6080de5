// Device-wide algorithms by CUB: see device_algorithms.hpp.
#include <algorithm>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_reduce.cuh>
#include <cub/device/device_segmented_radix_sort.cuh>
#include <limits>

#include "kernels/runtime/device_algorithms.hpp"
#include "kernels/runtime/native.hpp"

namespace phaseselect::cuda {
namespace {

// CUB counts the items of segmented sorts in ints.
int as_int(std::size_t count) {
  if (count > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw Error("a segmented sort holds 2147483647 keys at most: train fewer members at once");
  }
  return static_cast<int>(count);
}

// The calls below are made twice, as CUB has it: without a workspace they only say how large it must be.

// Radix sort, one block a segment: the same launches whatever the data. cub::DeviceSegmentedSort waits for the number
// of large segments on the host, which no graph can record.
cudaError_t segmented_sort(void* workspace, std::size_t& bytes, cudaStream_t stream, const std::uint64_t* keys,
                           std::uint64_t* sorted, std::size_t count, const std::int32_t* offsets,
                           std::size_t segments) {
  const std::int32_t* const ends = offsets == nullptr ? nullptr : offsets + 1;
  return cub::DeviceSegmentedRadixSort::SortKeys(workspace, bytes, keys, sorted, as_int(count), as_int(segments),
                                                 offsets, ends, 0, 64, stream);
}

cudaError_t sort_pairs(void* workspace, std::size_t& bytes, cudaStream_t stream, const std::uint64_t* keys,
                       std::uint64_t* sorted_keys, const std::uint32_t* values, std::uint32_t* sorted_values,
                       std::size_t count) {
  return cub::DeviceRadixSort::SortPairs(workspace, bytes, keys, sorted_keys, values, sorted_values, count, 0, 64,
                                         stream);
}

// fminf and fmaxf prefer a number to a NaN, so that starting from NaN leaves NaN out.
struct Smaller {
  __host__ __device__ float operator()(float a, float b) const { return fminf(a, b); }
};
struct Larger {
  __host__ __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

template <typename Choice>
cudaError_t reduce(void* workspace, std::size_t& bytes, cudaStream_t stream, const float* values, float* out,
                   std::size_t count) {
  return cub::DeviceReduce::Reduce(workspace, bytes, values, out, count, Choice{},
                                   std::numeric_limits<float>::quiet_NaN(), stream);
}

template <typename Algorithm, typename... Arguments>
std::size_t workspace_bytes(const char* name, const Stream& stream, Algorithm algorithm, Arguments... arguments) {
  std::size_t bytes = 0;
  check(algorithm(nullptr, bytes, native_stream(stream), arguments...), name);
  return std::max<std::size_t>(bytes, 1);  // no workspace at all would ask for the size again
}

// The size is asked for again: not all of CUB's algorithms notice a workspace that is too small.
template <typename Algorithm, typename... Arguments>
void run(const char* name, const DeviceBuffer<std::byte>& workspace, const Stream& stream, Algorithm algorithm,
         Arguments... arguments) {
  if (workspace_bytes(name, stream, algorithm, arguments...) > workspace.size()) {
    throw std::logic_error(std::string(name) + " is asked to handle more than it was made for");
  }
  std::size_t bytes = workspace.size();
  check(algorithm(workspace.data(), bytes, native_stream(stream), arguments...), name);
}

}  // namespace

SegmentedSort::SegmentedSort(Stream& stream, std::size_t most_keys, std::size_t most_segments)
    : workspace_(stream,
                 workspace_bytes("cub::DeviceSegmentedRadixSort", stream, segmented_sort, nullptr, nullptr, most_keys,
                                 nullptr, most_segments),
                 "sorting in segments") {}

void SegmentedSort::operator()(Stream& stream, const std::uint64_t* keys, std::uint64_t* sorted, std::size_t count,
                               const std::int32_t* offsets, std::size_t segments) const {
  run("cub::DeviceSegmentedRadixSort", workspace_, stream, segmented_sort, keys, sorted, count, offsets, segments);
}

SortByKey::SortByKey(Stream& stream, std::size_t most)
    : workspace_(stream,
                 workspace_bytes("cub::DeviceRadixSort", stream, sort_pairs, nullptr, nullptr, nullptr, nullptr, most),
                 "sorting") {}

void SortByKey::operator()(Stream& stream, const std::uint64_t* keys, std::uint64_t* sorted_keys,
                           const std::uint32_t* values, std::uint32_t* sorted_values, std::size_t count) const {
  run("cub::DeviceRadixSort", workspace_, stream, sort_pairs, keys, sorted_keys, values, sorted_values, count);
}

Range::Range(Stream& stream, std::size_t most)
    : workspace_(stream,
                 std::max(workspace_bytes("cub::DeviceReduce", stream, reduce<Smaller>, nullptr, nullptr, most),
                          workspace_bytes("cub::DeviceReduce", stream, reduce<Larger>, nullptr, nullptr, most)),
                 "the range of values") {}

// Both may use the workspace: they run one after the other in the order of the stream.
void Range::operator()(Stream& stream, const float* values, std::size_t count, float* out) const {
  run("cub::DeviceReduce", workspace_, stream, reduce<Smaller>, values, out, count);
  run("cub::DeviceReduce", workspace_, stream, reduce<Larger>, values, out + 1, count);
}

}  // namespace phaseselect::cuda
