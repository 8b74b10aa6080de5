// What the parts of the host runtime on the executor share: its memory's bounds and a stream's order of work.
#pragma once

#include <cstddef>
#include <functional>

#include "kernels/runtime/runtime.hpp"

namespace phaseselect::simt {

// Throw std::logic_error, naming `what`, unless the range lies inside one live allocation.
void require_device_memory(const void* begin, std::size_t bytes, const char* what);
void require_pinned_memory(const void* begin, std::size_t bytes, const char* what);
// Throws std::logic_error if the range touches device memory, which the host of a GPU cannot reach.
void require_host_memory(const void* begin, std::size_t bytes, const char* what);

bool is_recording(const cuda::Stream& stream);
// Runs the work, or records it in the graph that the stream captures.
void enqueue(cuda::Stream& stream, std::function<void()> work);

}  // namespace phaseselect::simt
