// Zero-initialised float storage on cache lines, with the readable padding that the vector kernels ask for.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

#include "host/engine/cpu/vector/vector_kernels.hpp"

namespace phaseselect::cpu {

class Buffer {
 public:
  Buffer() = default;
  // Fresh pages come zeroed from the system and are resident only once touched.
  explicit Buffer(std::size_t size) : size_(size) {
    const std::size_t bytes = ((size + padding) * sizeof(float) + 63) / 64 * 64;
    void* memory = std::calloc(bytes + 64, 1);
    if (memory == nullptr) throw std::bad_alloc();
    memory_.reset(memory);
    void* aligned = memory;
    std::size_t space = bytes + 64;
    data_ = static_cast<float*>(std::align(64, bytes, aligned, space));
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  float* data() { return data_; }
  const float* data() const { return data_; }
  std::span<float> span() { return {data_, size_}; }
  std::span<const float> span() const { return {data_, size_}; }
  // At least `size` floats; contents are lost when it has to grow.
  void need(std::size_t size) {
    if (size > size_) *this = Buffer(size);
  }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::unique_ptr<void, Free> memory_;
  float* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace phaseselect::cpu
