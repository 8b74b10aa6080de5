// What this machine can do, measured in the process whose benchmarks are compared with it.
#pragma once

#include <cstddef>

namespace phaseselect {

// Bytes of the last-level caches that so many threads have, placed as close as they can be.
std::size_t last_level_cache(int threads);

// Bytes a second of `a += s b` over arrays of four times those caches: the mix of an Adam step, reads and
// writes in place. The best of five, once a process for each number of threads.
double memory_bandwidth(int threads);

// Operations a second of multiply-adds on registers, with the vector instructions that the CPU engine picks. Likewise.
double peak_operations(int threads);

// Sets the process's peak memory back to what it holds now, where the kernel allows it.
void reset_peak_memory();
double peak_memory();  // bytes

}  // namespace phaseselect
