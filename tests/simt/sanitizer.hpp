// AddressSanitizer's interface, or nothing where it is off.
#pragma once

#include <cstddef>
#include <string_view>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace phaseselect::simt {

#ifdef __SANITIZE_ADDRESS__
inline constexpr bool address_sanitizer = true;
inline void poison(const void* begin, std::size_t bytes) { __asan_poison_memory_region(begin, bytes); }
inline void unpoison(const void* begin, std::size_t bytes) { __asan_unpoison_memory_region(begin, bytes); }
inline bool is_poisoned(const void* address) { return __asan_address_is_poisoned(address) != 0; }
// Whether it knows the address as one of the running thread's stack.
inline bool is_on_known_stack(const void* address) {
  char name[1];
  void* region = nullptr;
  std::size_t bytes = 0;
  return std::string_view(__asan_locate_address(const_cast<void*>(address), name, sizeof name, &region, &bytes)) ==
         "stack";
}
inline void start_switch(void** fake_stack, const void* bottom, std::size_t size) {
  __sanitizer_start_switch_fiber(fake_stack, bottom, size);
}
inline void finish_switch(void* fake_stack, const void** old_bottom, std::size_t* old_size) {
  __sanitizer_finish_switch_fiber(fake_stack, old_bottom, old_size);
}
#else
inline constexpr bool address_sanitizer = false;
inline void poison(const void*, std::size_t) {}
inline void unpoison(const void*, std::size_t) {}
inline bool is_poisoned(const void*) { return false; }
inline bool is_on_known_stack(const void*) { return true; }
inline void start_switch(void**, const void*, std::size_t) {}
inline void finish_switch(void*, const void**, std::size_t*) {}
#endif

}  // namespace phaseselect::simt
