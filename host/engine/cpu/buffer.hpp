// Zero-initialised float storage on cache lines, with the readable padding that the vector kernels ask for.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include "host/engine/cpu/vector/vector_kernels.hpp"

namespace phaseselect::cpu {

class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : size_(size) {
    const std::size_t bytes = (size + padding) * sizeof(float);
    const std::size_t unit = bytes >= huge_page / 2 ? huge_page : 64;
    const std::size_t whole = (bytes + unit - 1) / unit * unit;
    memory_.reset(static_cast<float*>(std::aligned_alloc(unit, whole)));
    if (memory_ == nullptr) throw std::bad_alloc();
    // A slab on small pages is slow to come back to: thousands of address translations. Advice may be refused.
    if (unit == huge_page) madvise(memory_.get(), whole, MADV_HUGEPAGE);
    std::memset(memory_.get(), 0, whole);
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  float* data() { return memory_.get(); }
  const float* data() const { return memory_.get(); }
  std::span<float> span() { return {memory_.get(), size_}; }
  std::span<const float> span() const { return {memory_.get(), size_}; }
  // At least `size` floats; contents are lost when it has to grow.
  void need(std::size_t size) {
    if (size > size_) *this = Buffer(size);
  }

 private:
  static constexpr std::size_t huge_page = std::size_t{2} << 20;
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  std::unique_ptr<float, Free> memory_;
  std::size_t size_ = 0;
};

}  // namespace phaseselect::cpu
