// The device that the host runtime on the executor pretends to be: for tests.
#pragma once

#include <cstddef>

#include "kernels/runtime/runtime.hpp"

namespace phaseselect::simt {

// What select_device() returns; at first the values of an H100 with 4 GiB of memory, or as many bytes as
// PHASESELECT_SIMT_MEMORY (environment) says. A memory limit is device.memory.
void set_device(const cuda::Device& device);
cuda::Device device();
// Device allocations past it throw OutOfMemory.
void set_memory_limit(std::size_t bytes);
// Without a GPU, select_device() throws UsageError. At first there is one, unless PHASESELECT_SIMT_NO_GPU is set.
void set_device_present(bool present);

// Device and pinned allocations that are not released, and the bytes of the device's.
std::size_t live_allocations();
std::size_t live_bytes();

}  // namespace phaseselect::simt
