// Dynamic shared memory, through this one accessor and the carver on top of it.
#pragma once

#include <cstddef>

namespace phaseselect::cuda {

#ifdef __CUDACC__
__device__ inline std::byte* shared_memory() {
  extern __shared__ float4 phaseselect_shared[];
  return reinterpret_cast<std::byte*>(phaseselect_shared);
}
// The SIMT executor puts a guarded gap after every region, so that a write past its end is caught.
inline constexpr std::size_t shared_gap = 0;
__host__ __device__ inline void guard_shared(std::byte*, std::size_t) {}
#else
// tests/simt/dialect.hpp: shared_memory(), shared_gap, guard_shared(begin of the gap, bytes).
#endif

// Cuts a block's shared memory into regions of 16-byte alignment. The same code counts the bytes on the host (base
// null) and hands out pointers on the device, so the two cannot disagree.
class SharedCarver {
 public:
  __host__ __device__ explicit SharedCarver(std::byte* base) : base_(base) {}
  template <typename T>
  __host__ __device__ T* take(std::size_t count) {
    const std::size_t begin = used_, bytes = count * sizeof(T);
    used_ += (bytes + 15) / 16 * 16 + shared_gap;
    if (base_ == nullptr) return nullptr;
    if (shared_gap > 0) guard_shared(base_ + begin + bytes, used_ - begin - bytes);
    return reinterpret_cast<T*>(base_ + begin);
  }
  __host__ __device__ std::size_t bytes() const { return used_; }

 private:
  std::byte* base_;
  std::size_t used_ = 0;
};

}  // namespace phaseselect::cuda
