// What every benchmark of the CPU reports beside its time.
#pragma once

#include <benchmark/benchmark.h>

#include <exception>

#include "host/engine/work.hpp"

namespace phaseselect {

int cores();

// Work of one iteration by so many threads, as counters: `bytes` and `operations`, their rates, and the shares of what
// this machine was measured to do with as many threads (machine.hpp). Work that is 0 has no rate.
void report_work(benchmark::State& state, const Work& work, int threads);

// `count` an iteration as a rate: `name`_per_second.
void report_rate(benchmark::State& state, const char* name, double count);

// Peak memory since reset_peak_memory (machine.hpp), in MB.
void report_peak_memory(benchmark::State& state);

// What cannot be measured (a table that cannot be read) fails its benchmark by name; the others still run.
template <void measured(benchmark::State&)>
void checked(benchmark::State& state) {
  try {
    measured(state);
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

}  // namespace phaseselect
