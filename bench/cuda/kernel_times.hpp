// Times single kernels of an ensemble, and remembers them for the table of kernels/README.md.
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>

#include "bench/cuda/device_ensemble.hpp"

namespace phaseselect {

// Bytes a second of a copy on this device; measured once.
double measured_bandwidth();

// What a launch of all members moves at least, and computes. Zero: not known.
struct Work {
  double bytes = 0;
  double operations = 0;
};

// Rates beside the time of one launch that takes `seconds`.
void report(benchmark::State& state, double seconds, const Work& work);

// Times `launch` by the device's clock; reports the work and shares of bandwidth. Returns seconds of a launch.
double time_launches(benchmark::State& state, cuda::Stream& stream, const cuda::DeviceEnsemble::Launch& launch,
                     const Work& work);

// Microseconds of a launch of 300 members, by kernel name.
std::map<std::string, double>& kernel_microseconds();

}  // namespace phaseselect
