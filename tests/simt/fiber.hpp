// Fibers: a stack each, switched by Boost.Context and announced to AddressSanitizer, which would otherwise take a
// change of stack for a fault.
#pragma once

#include <cstddef>

namespace phaseselect::simt {

struct Fiber {
  void* context = nullptr;  // where it goes on, while it does not run
  const void* bottom = nullptr;
  std::size_t size = 0;
  void* fake_stack = nullptr;  // of AddressSanitizer, while it does not run
  void (*entry)() = nullptr;
};

// A fiber that will call `entry`, which must not return. Its stack is never given back: fibers are pooled.
Fiber make_fiber(unsigned index, void (*entry)());
// Leaves `from`, which must be running, for `to`. Returns when something switches back to `from`.
void switch_fiber(Fiber& from, Fiber& to);

}  // namespace phaseselect::simt
