// kernels/runtime/device_algorithms.hpp by the standard library.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/runtime/device_algorithms.hpp"
#include "tests/simt/host_memory.hpp"

namespace phaseselect::cuda {
namespace {

template <typename T>
void require_device(const T* begin, std::size_t count, const char* what) {
  simt::require_device_memory(begin, count * sizeof(T), what);
}

// The workspaces are of no use here but to say how much the algorithm was made for.
void require_room(const DeviceBuffer<std::byte>& workspace, std::size_t bytes, const char* what) {
  if (bytes > workspace.size())
    throw std::logic_error(std::string(what) + " is asked to handle more than it was made for");
}

std::size_t segment_bytes(std::size_t keys, std::size_t segments) {
  return keys * sizeof(std::uint64_t) + segments * sizeof(std::int32_t) + 1;
}

std::size_t pair_bytes(std::size_t count) { return count * (sizeof(std::uint64_t) + sizeof(std::uint32_t)) + 1; }

std::size_t range_bytes(std::size_t count) { return count + 1; }

void sort_segments(const std::uint64_t* keys, std::uint64_t* sorted, std::size_t count, const std::int32_t* offsets,
                   std::size_t segments) {
  for (std::size_t segment = 0; segment < segments; ++segment) {
    const std::int64_t begin = offsets[segment], end = offsets[segment + 1];
    if (begin < 0 || end < begin || end > static_cast<std::int64_t>(count)) {
      throw std::logic_error("the offsets of a segmented sort do not ascend within its keys");
    }
    std::copy(keys + begin, keys + end, sorted + begin);
    std::sort(sorted + begin, sorted + end);
  }
}

}  // namespace

SegmentedSort::SegmentedSort(Stream& stream, std::size_t most_keys, std::size_t most_segments)
    : workspace_(stream, segment_bytes(most_keys, most_segments), "sorting in segments") {}

void SegmentedSort::operator()(Stream& stream, const std::uint64_t* keys, std::uint64_t* sorted, std::size_t count,
                               const std::int32_t* offsets, std::size_t segments) const {
  require_room(workspace_, segment_bytes(count, segments), "a segmented sort");
  simt::enqueue(stream, [=] {
    require_device(keys, count, "the keys of a segmented sort");
    require_device(sorted, count, "the result of a segmented sort");
    require_device(offsets, segments + 1, "the offsets of a segmented sort");
    sort_segments(keys, sorted, count, offsets, segments);
  });
}

SortByKey::SortByKey(Stream& stream, std::size_t most) : workspace_(stream, pair_bytes(most), "sorting") {}

void SortByKey::operator()(Stream& stream, const std::uint64_t* keys, std::uint64_t* sorted_keys,
                           const std::uint32_t* values, std::uint32_t* sorted_values, std::size_t count) const {
  if (simt::is_recording(stream)) throw std::logic_error("a sort by key is not for graphs");
  require_room(workspace_, pair_bytes(count), "a sort by key");
  require_device(keys, count, "the keys of a sort");
  require_device(sorted_keys, count, "the sorted keys");
  require_device(values, count, "the values of a sort");
  require_device(sorted_values, count, "the sorted values");
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return keys[a] < keys[b]; });
  for (std::size_t i = 0; i < count; ++i) {
    sorted_keys[i] = keys[order[i]];
    sorted_values[i] = values[order[i]];
  }
}

Range::Range(Stream& stream, std::size_t most) : workspace_(stream, range_bytes(most), "the range of values") {}

void Range::operator()(Stream& stream, const float* values, std::size_t count, float* out) const {
  require_room(workspace_, range_bytes(count), "a range");
  if (count == 0) throw std::logic_error("the range of no values");
  simt::enqueue(stream, [=] {
    require_device(values, count, "the values of a range");
    require_device(out, 2, "the result of a range");
    float low = std::numeric_limits<float>::quiet_NaN(), high = low;
    for (std::size_t i = 0; i < count; ++i) {
      low = std::fmin(low, values[i]);
      high = std::fmax(high, values[i]);
    }
    out[0] = low;
    out[1] = high;
  });
}

}  // namespace phaseselect::cuda
