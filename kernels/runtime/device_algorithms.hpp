// Device-wide algorithms: CUB on a GPU (kernels/runtime/device_algorithms.cu), the standard library on the executor
// (tests/simt/host_runtime.cpp). All are stable in their result: the same input gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/runtime/runtime.hpp"

namespace phaseselect::cuda {

// Sorts `segments` runs of 64-bit keys, each ascending by itself. Segment s is keys[offsets[s] .. offsets[s + 1]) of
// `count` keys in all; offsets: [segments + 1], device memory. Can be recorded in a graph; the workspace is allocated
// by the constructor for at most the given sizes.
class SegmentedSort {
 public:
  SegmentedSort(Stream& stream, std::size_t most_keys, std::size_t most_segments);
  void operator()(Stream& stream, const std::uint64_t* keys, std::uint64_t* sorted, std::size_t count,
                  const std::int32_t* offsets, std::size_t segments) const;

 private:
  DeviceBuffer<std::byte> workspace_;
};

// Sorts 64-bit keys ascending and carries 32-bit values along; stable. Not for graphs.
class SortByKey {
 public:
  SortByKey(Stream& stream, std::size_t most);
  void operator()(Stream& stream, const std::uint64_t* keys, std::uint64_t* sorted_keys, const std::uint32_t* values,
                  std::uint32_t* sorted_values, std::size_t count) const;

 private:
  DeviceBuffer<std::byte> workspace_;
};

// Smallest and largest of `count` > 0 floats, to out[0] and out[1]; device memory. NaN is left out; where nothing else
// is left, both are NaN.
class Range {
 public:
  Range(Stream& stream, std::size_t most);
  void operator()(Stream& stream, const float* values, std::size_t count, float* out) const;

 private:
  DeviceBuffer<std::byte> workspace_;
};

}  // namespace phaseselect::cuda
