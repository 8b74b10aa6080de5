// The runtime layer under the CUDA engine: device, streams, memory, copies, launches, graphs. No CUDA syntax.
// Two implementations are linked in turn: kernels/runtime/cuda_runtime.cu (the CUDA runtime) and
// tests/simt/host_runtime.cpp (the SIMT test executor), so that the engine's own host code runs without a GPU.
// Every failure throws: UsageError where the machine cannot do it at all, OutOfMemory, Error otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "phaseselect/error.hpp"

namespace phaseselect::cuda {

struct Device {
  std::string name;  // "NVIDIA H100 80GB HBM3"
  int major = 0;     // compute capability
  int minor = 0;
  int multiprocessors = 0;
  std::size_t memory = 0;            // bytes, all of it
  std::size_t shared_per_block = 0;  // bytes of dynamic shared memory that a block may ask for at most
};

// The current device. Throws UsageError, with the reason and what to do, where there is no driver, no GPU, or its
// compute capability is below 8.0.
Device select_device();
// Bytes that can be allocated now.
std::size_t free_memory();

// Thrown by allocations; what() says how much of what for.
using phaseselect::OutOfMemory;

// Work in order, asynchronous to the host.
class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void synchronise();  // waits for all work; throws what it failed with
  void* native() const { return native_; }

 private:
  void* native_ = nullptr;
};

// Untyped, for the classes below. `purpose` completes "out of GPU memory: N MB for <purpose>".
void* allocate_device(Stream& stream, std::size_t bytes, const char* purpose);  // zeroed
void release_device(Stream& stream, void* memory) noexcept;
void* allocate_pinned(std::size_t bytes, const char* purpose);
void release_pinned(void* memory) noexcept;
// Pageable or pinned host memory; pageable memory may be reused when the call returns.
void copy_to_device(Stream& stream, void* target, const void* source, std::size_t bytes);
// Complete only after synchronise().
void copy_to_host(Stream& stream, void* target, const void* source, std::size_t bytes);
void copy_on_device(Stream& stream, void* target, const void* source, std::size_t bytes);
void fill_zero(Stream& stream, void* target, std::size_t bytes);

// Device memory with an owner, in the order of the stream; zeroed when allocated. The stream must outlive it.
template <typename T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(Stream& stream, std::size_t size, const char* purpose)
      : stream_(&stream),
        data_(size == 0 ? nullptr : static_cast<T*>(allocate_device(stream, size * sizeof(T), purpose))),
        size_(size) {}
  DeviceBuffer(Stream& stream, std::span<const T> values, const char* purpose)
      : DeviceBuffer(stream, values.size(), purpose) {
    upload(values);
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    DeviceBuffer(std::move(other)).swap(*this);
    return *this;
  }
  ~DeviceBuffer() {
    if (data_ != nullptr) release_device(*stream_, data_);
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T* data() const { return data_; }
  void upload(std::span<const T> values) {
    if (values.size() > size_) throw std::logic_error("an upload is larger than its device buffer");
    if (!values.empty()) copy_to_device(*stream_, data_, values.data(), values.size_bytes());
  }
  // Complete only after Stream::synchronise().
  void download(std::span<T> values) const {
    if (values.size() > size_) throw std::logic_error("a download is larger than its device buffer");
    if (!values.empty()) copy_to_host(*stream_, values.data(), data_, values.size_bytes());
  }
  void zero() {
    if (size_ > 0) fill_zero(*stream_, data_, size_ * sizeof(T));
  }

 private:
  void swap(DeviceBuffer& other) noexcept {
    std::swap(stream_, other.stream_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  Stream* stream_ = nullptr;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// Page-locked host memory: copies to and from it are asynchronous.
template <typename T>
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  PinnedBuffer(std::size_t size, const char* purpose)
      : data_(size == 0 ? nullptr : static_cast<T*>(allocate_pinned(size * sizeof(T), purpose))), size_(size) {}
  PinnedBuffer(PinnedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~PinnedBuffer() {
    if (data_ != nullptr) release_pinned(data_);
  }
  std::span<T> span() const { return {data_, size_}; }
  std::size_t size() const { return size_; }
  T* data() const { return data_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// A recorded sequence of launches, copies and fills that runs as one.
class Graph {
 public:
  // Records what `work` enqueues on the stream; nothing of it runs yet. Pointers are recorded, contents are read when
  // the graph runs; host memory in copies must be pinned. `work` must not allocate or synchronise.
  static Graph capture(Stream& stream, const std::function<void()>& work);
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;
  ~Graph();
  void launch(Stream& stream) const;

 private:
  struct State;
  explicit Graph(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Elapsed device time between two points of a stream (wall time on the executor).
class Timer {
 public:
  explicit Timer(Stream& stream);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void start();
  double stop_seconds();  // waits for the stream

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// ---- launches ----

struct LaunchShape {
  unsigned grid_x = 1, grid_y = 1;
  unsigned block = 1;            // threads, one-dimensional
  std::size_t shared_bytes = 0;  // dynamic shared memory
};

// One kernel as the layer sees it. `name` is for messages. A kernel takes one parameter struct by value.
struct KernelCall {
  const char* name;
  const void* kernel;                                      // the __global__ function
  void (*invoke)(const void* kernel, const void* params);  // calls it as a plain function; null under nvcc
  const void* params;
  std::size_t params_bytes;
};

// Checked; the params are copied before it returns. Opts in to more than 48 KB of shared memory where asked for.
void launch_kernel(Stream& stream, const KernelCall& call, const LaunchShape& shape);
// Blocks of this shape that one multiprocessor holds at once.
int resident_blocks(const KernelCall& call, const LaunchShape& shape);

}  // namespace phaseselect::cuda
