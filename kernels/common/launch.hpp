// The one way to launch a kernel: typed, one parameter struct by value, checked.
#pragma once

#include <type_traits>

#include "kernels/runtime/runtime.hpp"

namespace phaseselect::cuda {

template <typename Params>
KernelCall kernel_call(const char* name, void (*kernel)(Params), const Params& params) {
  static_assert(std::is_trivially_copyable_v<Params>, "kernel parameters are copied byte by byte");
  KernelCall call{name, reinterpret_cast<const void*>(kernel), nullptr, &params, sizeof(Params)};
#ifndef __CUDACC__
  call.invoke = [](const void* function, const void* argument) {
    reinterpret_cast<void (*)(Params)>(const_cast<void*>(function))(*static_cast<const Params*>(argument));
  };
#endif
  return call;
}

template <typename Params>
void launch(Stream& stream, const char* name, void (*kernel)(Params), const LaunchShape& shape, const Params& params) {
  if (shape.grid_x == 0 || shape.grid_y == 0) return;  // no work is no launch
  launch_kernel(stream, kernel_call(name, kernel, params), shape);
}

}  // namespace phaseselect::cuda
