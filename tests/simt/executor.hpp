// Runs CUDA kernels on the CPU, each thread of a block a fiber, with CUDA's rules of synchronisation for warps of 32.
// A thread runs until it must wait; which one runs next is drawn from the schedule seed, so that a missing barrier
// shows as a difference between seeds. What breaks the rules throws Fault out of the launch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <span>
#include <stdexcept>
#include <string>

#include "kernels/runtime/runtime.hpp"

namespace phaseselect::simt {

// what(): "kernel <name>, block (x,y), thread t: <what>".
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The seed of the order of blocks and threads; at first PHASESELECT_SIMT_SEED (environment), else 1. Each launch draws
// another order; setting the seed starts them over.
void set_schedule_seed(std::uint64_t seed);
std::uint64_t schedule_seed();

// Throws Fault where a GPU would refuse the launch.
void check_launch(const cuda::KernelCall& call, const cuda::LaunchShape& shape, std::size_t shared_per_block);
// Runs a whole launch. One at a time in the process.
void run(const cuda::KernelCall& call, const cuda::LaunchShape& shape);

// ---- for the dialect, within a launch ----

inline constexpr unsigned warp_lanes = 32;

[[noreturn]] void fault(const std::string& what);  // of the running thread

void block_barrier(const std::source_location& where);

enum class WarpOperation { Barrier, Shuffle, ShuffleUp, ShuffleDown, ShuffleXor, Ballot, Any, All, Mma };

using LaneOperands = std::array<void*, warp_lanes>;
// The lanes in `mask` meet; the last to come calls `complete`, which may read and write what all of them brought.
void meet(WarpOperation operation, std::uint32_t mask, void* operand,
          void (*complete)(const LaneOperands& operands, std::uint32_t mask));

std::span<std::byte> block_shared_memory();

}  // namespace phaseselect::simt
