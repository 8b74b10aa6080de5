// Times single kernels of an ensemble, and remembers them for the table of kernels/README.md.
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>

#include "bench/cuda/device_ensemble.hpp"
#include "host/engine/work.hpp"

namespace phaseselect {

// Bytes a second of a copy on this device; measured once.
double measured_bandwidth();

inline constexpr double h100_bandwidth = 3.35e12;  // bytes a second, H100 SXM by its data sheet

// What a step of one member has to move: S and D with both moments, read and written (DESIGN.md 4).
inline double floor_bytes(const Architecture& architecture) {
  return 2.0 * architecture.groups * architecture.features * 24;
}

// Rates beside the time of one launch that takes `seconds`; work that is not known is 0.
void report(benchmark::State& state, double seconds, const Work& work);

// Times `launch`, of all members, by the device's clock; reports the work and shares of bandwidth. Returns seconds of a
// launch.
double time_launches(benchmark::State& state, cuda::Stream& stream, const cuda::DeviceEnsemble::Launch& launch,
                     const Work& work);

// Microseconds of a launch of 300 members, by kernel name.
std::map<std::string, double>& kernel_microseconds();

}  // namespace phaseselect
