// Where the arrays of a block live. The host places them one by one in order of importance: in shared memory as long
// as there is room, else in a scratch area in global memory, one per block. So a kernel has one code path for every
// shape and GPU. The price: the compiler does not know the address space, and loads are generic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/common/place.hpp"
#include "kernels/common/shared.cuh"
#include "phaseselect/error.hpp"

namespace phaseselect::cuda {

// Host side.
class Placer {
 public:
  explicit Placer(std::size_t shared_limit) : limit_(shared_limit) {}

  template <typename T>
  Place place(std::size_t count) {
    const std::size_t bytes = (count * sizeof(T) + 15) / 16 * 16;
    if (shared_ + bytes + shared_gap <= limit_) {
      const Place result{static_cast<std::uint32_t>(shared_), static_cast<std::uint32_t>(bytes), true};
      shared_ += bytes + shared_gap;
      return result;
    }
    if (scratch_ + bytes > std::numeric_limits<std::uint32_t>::max()) {
      throw UsageError("the activations of a batch take more than 4 GB a member: lower training.batch or model.hidden");
    }
    const Place result{static_cast<std::uint32_t>(scratch_), static_cast<std::uint32_t>(bytes), false};
    scratch_ += bytes;
    return result;
  }
  // Whether this many values would still go to shared memory.
  template <typename T>
  bool fits(std::size_t count) const {
    return shared_ + (count * sizeof(T) + 15) / 16 * 16 + shared_gap <= limit_;
  }
  std::size_t shared_bytes() const { return shared_; }
  std::size_t scratch_bytes() const { return scratch_; }  // of one block

 private:
  std::size_t limit_;
  std::size_t shared_ = 0, scratch_ = 0;
};

// Device side: the bases of a block's two areas.
struct Areas {
  std::byte* shared;
  std::byte* scratch;

  template <typename T>
  __device__ T* at(const Place& place) const {
    if (place.in_shared && shared_gap > 0) guard_shared(shared + place.offset + place.bytes, shared_gap);
    return reinterpret_cast<T*>((place.in_shared ? shared : scratch) + place.offset);
  }
};

}  // namespace phaseselect::cuda
