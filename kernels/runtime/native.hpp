// What the .cu files of this folder share: the CUDA stream inside a Stream, and the one check of CUDA's results.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "kernels/runtime/runtime.hpp"

namespace phaseselect::cuda {

inline cudaStream_t native_stream(const Stream& stream) { return static_cast<cudaStream_t>(stream.native()); }

// Throws OutOfMemory where memory ran out and Error otherwise, with the call and what CUDA says of it. Reads the error
// away, so that one the device survives does not come back from a later, innocent call.
void check(cudaError_t result, const std::string& call);

}  // namespace phaseselect::cuda
