// Device and pinned memory of the host runtime on the executor: each allocation is one of malloc's, so that
// AddressSanitizer guards its ends.
#include "tests/simt/host_memory.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>

#include "tests/simt/host_device.hpp"

namespace phaseselect::simt {
namespace {

class Allocations {
 public:
  void add(void* memory, std::size_t bytes) {
    sizes_[address(memory)] = bytes;
    total_ += bytes;
  }
  bool remove(void* memory) {
    const auto found = sizes_.find(address(memory));
    if (found == sizes_.end()) return false;
    total_ -= found->second;
    sizes_.erase(found);
    return true;
  }
  bool contain(const void* begin, std::size_t bytes) const {
    const auto after = sizes_.upper_bound(address(begin));
    if (after == sizes_.begin()) return false;
    const auto& [start, size] = *std::prev(after);
    const std::uintptr_t offset = address(begin) - start;
    return offset <= size && bytes <= size - offset;
  }
  bool touch(const void* begin, std::size_t bytes) const {
    const auto after = sizes_.lower_bound(address(begin) + bytes);  // the first that starts past the range
    if (after == sizes_.begin()) return false;
    const auto& [start, size] = *std::prev(after);
    return start + size > address(begin);
  }
  std::size_t count() const { return sizes_.size(); }
  std::size_t total() const { return total_; }

 private:
  static std::uintptr_t address(const void* memory) { return reinterpret_cast<std::uintptr_t>(memory); }

  std::map<std::uintptr_t, std::size_t> sizes_;
  std::size_t total_ = 0;
};

std::size_t memory_at_first() {
  const char* text = std::getenv("PHASESELECT_SIMT_MEMORY");
  return text == nullptr ? std::size_t{4} << 30 : std::strtoull(text, nullptr, 10);
}

struct Memory {
  std::mutex mutex;
  Allocations on_device, pinned;
  cuda::Device device{.name = "SIMT test executor",
                      .major = 9,
                      .minor = 0,
                      .multiprocessors = 132,
                      .memory = memory_at_first(),
                      .shared_per_block = 232448};
  bool present = std::getenv("PHASESELECT_SIMT_NO_GPU") == nullptr;

  std::size_t free() const { return device.memory - std::min(device.memory, on_device.total()); }
};

Memory& memory() {
  static Memory& only = *new Memory;  // outlives buffers of static duration
  return only;
}

// As kernels/runtime/cuda_runtime.cu says it.
std::string megabytes(std::size_t bytes) {
  const double amount = static_cast<double>(bytes) * 1e-6;
  return amount < 10 ? fmt::format("{:.1f} MB", amount) : fmt::format("{:.0f} MB", amount);
}

// Zeroed; `bytes` of it are promised, none more.
void* allocate(std::size_t bytes) {
  void* data = std::calloc(bytes == 0 ? 1 : bytes, 1);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}

[[noreturn]] void stop(const char* reason) {
  fmt::print(stderr, "{}\n", reason);
  std::abort();
}

}  // namespace

void set_device(const cuda::Device& device) {
  const std::lock_guard lock(memory().mutex);
  memory().device = device;
}

cuda::Device device() {
  const std::lock_guard lock(memory().mutex);
  return memory().device;
}

void set_memory_limit(std::size_t bytes) {
  const std::lock_guard lock(memory().mutex);
  memory().device.memory = bytes;
}

void set_device_present(bool present) {
  const std::lock_guard lock(memory().mutex);
  memory().present = present;
}

std::size_t live_allocations() {
  const std::lock_guard lock(memory().mutex);
  return memory().on_device.count() + memory().pinned.count();
}

std::size_t live_bytes() {
  const std::lock_guard lock(memory().mutex);
  return memory().on_device.total();
}

void require_device_memory(const void* begin, std::size_t bytes, const char* what) {
  const std::lock_guard lock(memory().mutex);
  if (memory().on_device.contain(begin, bytes)) return;
  throw std::logic_error(fmt::format("{} ({} bytes) does not lie inside a device allocation", what, bytes));
}

void require_pinned_memory(const void* begin, std::size_t bytes, const char* what) {
  const std::lock_guard lock(memory().mutex);
  if (memory().pinned.contain(begin, bytes)) return;
  throw std::logic_error(fmt::format("{} ({} bytes) does not lie inside pinned memory", what, bytes));
}

void require_host_memory(const void* begin, std::size_t bytes, const char* what) {
  const std::lock_guard lock(memory().mutex);
  if (!memory().on_device.touch(begin, bytes)) return;
  throw std::logic_error(fmt::format("{} ({} bytes) is device memory", what, bytes));
}

}  // namespace phaseselect::simt

namespace phaseselect::cuda {

using simt::memory;

Device select_device() {
  const std::lock_guard lock(memory().mutex);
  const Device& device = memory().device;
  if (!memory().present) {
    throw UsageError("the NVIDIA driver finds no GPU: check nvidia-smi and CUDA_VISIBLE_DEVICES or use --device cpu");
  }
  if (device.major < 8) {
    throw UsageError(
        fmt::format("the {} (compute capability {}.{}) is too old: 8.0 is the least: choose another GPU by "
                    "CUDA_VISIBLE_DEVICES or use --device cpu",
                    device.name, device.major, device.minor));
  }
  return device;
}

std::size_t free_memory() {
  const std::lock_guard lock(memory().mutex);
  return memory().free();
}

void* allocate_device(Stream& stream, std::size_t bytes, const char* purpose) {
  if (simt::is_recording(stream)) throw std::logic_error("device memory is allocated while a graph is captured");
  const std::lock_guard lock(memory().mutex);
  if (bytes > memory().free()) {
    throw OutOfMemory(fmt::format("out of GPU memory: {} for {} ({} free)", simt::megabytes(bytes), purpose,
                                  simt::megabytes(memory().free())));
  }
  void* data = simt::allocate(bytes);
  memory().on_device.add(data, bytes);
  return data;
}

void release_device(Stream&, void* data) noexcept {
  const std::lock_guard lock(memory().mutex);
  if (!memory().on_device.remove(data)) simt::stop("release_device: no device allocation starts there");
  std::free(data);
}

void* allocate_pinned(std::size_t bytes, const char*) {
  const std::lock_guard lock(memory().mutex);
  void* data = simt::allocate(bytes);
  memory().pinned.add(data, bytes);
  return data;
}

void release_pinned(void* data) noexcept {
  const std::lock_guard lock(memory().mutex);
  if (!memory().pinned.remove(data)) simt::stop("release_pinned: no pinned allocation starts there");
  std::free(data);
}

}  // namespace phaseselect::cuda
