#include "tests/simt/executor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <numeric>
#include <utility>
#include <vector>

#include "tests/simt/dialect.hpp"
#include "tests/simt/fiber.hpp"
#include "tests/simt/random.hpp"
#include "tests/simt/sanitizer.hpp"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace phaseselect::simt {
namespace {

constexpr unsigned most_threads = 1024;

std::uint64_t environment_seed() {
  const char* text = std::getenv("PHASESELECT_SIMT_SEED");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

struct Schedule {
  std::uint64_t seed = environment_seed();
  std::uint64_t launches = 0;
} schedule;

// A block's dynamic shared memory: exactly the bytes asked for, so that AddressSanitizer guards both ends. NaN at the
// start of each block.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes) : bytes_(bytes), data_(static_cast<std::byte*>(std::malloc(bytes))) {
    if (data_ == nullptr) throw std::bad_alloc();
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() {
    unpoison(data_, bytes_);
    std::free(data_);
  }
  void refill() {
    unpoison(data_, bytes_);
    std::memset(data_, 0xff, bytes_);
  }
  std::span<std::byte> span() const { return {data_, bytes_}; }

 private:
  std::size_t bytes_;
  std::byte* data_;
};

const char* name_of(WarpOperation operation) {
  switch (operation) {
    case WarpOperation::Barrier:
      return "__syncwarp";
    case WarpOperation::Shuffle:
      return "__shfl_sync";
    case WarpOperation::ShuffleUp:
      return "__shfl_up_sync";
    case WarpOperation::ShuffleDown:
      return "__shfl_down_sync";
    case WarpOperation::ShuffleXor:
      return "__shfl_xor_sync";
    case WarpOperation::Ballot:
      return "__ballot_sync";
    case WarpOperation::Any:
      return "__any_sync";
    case WarpOperation::All:
      return "__all_sync";
    case WarpOperation::Mma:
      return "mma";
  }
  return "?";
}

bool same_text(const char* a, const char* b) { return a == b || std::strcmp(a, b) == 0; }

// Thrown through a suspended thread when another one failed, to destroy what it holds.
struct Unwind {};

struct Thread {
  Fiber fiber;
  bool started = false;
  bool finished = false;
};

// Lanes that wait for each other. Groups in flight have disjoint masks.
struct Group {
  WarpOperation operation{};
  std::uint32_t mask = 0;
  std::uint32_t arrived = 0;
};

struct Warp {
  std::uint32_t alive = 0;  // lanes that exist and have not returned
  unsigned group_count = 0;
  std::array<Group, warp_lanes> groups{};
  LaneOperands operands{};

  std::span<Group> in_flight() { return std::span(groups).first(group_count); }
};

class Executor {
 public:
  void launch(const cuda::KernelCall& call, const cuda::LaunchShape& shape);
  void barrier(const std::source_location& where);
  void meet(WarpOperation operation, std::uint32_t mask, void* operand,
            void (*complete)(const LaneOperands&, std::uint32_t));
  [[noreturn]] void fault(const std::string& what) const;
  std::span<std::byte> shared() const { return shared_->span(); }
  bool running() const { return call_ != nullptr; }

 private:
  static void thread_entry();
  void run_block();
  void thread_returned();
  void leave();
  void suspend();
  Group& join(Warp& warp, WarpOperation operation, std::uint32_t mask) const;
  void become(unsigned thread);
  unsigned take_ready();
  unsigned find_suspended() const;
  [[noreturn]] void report_divergence() const;

  const cuda::KernelCall* call_ = nullptr;
  const SharedMemory* shared_ = nullptr;
  unsigned block_threads_ = 0;
  Random random_{0};

  Fiber host_;                   // the stack that called launch()
  std::vector<Thread> threads_;  // never shrinks
  unsigned current_ = 0;
  std::array<unsigned, most_threads> ready_{};
  unsigned ready_count_ = 0;
  std::array<Warp, most_threads / warp_lanes> warps_{};
  unsigned returned_ = 0;
  unsigned at_barrier_ = 0;
  std::source_location barrier_;
  std::exception_ptr failure_;
};

Executor& executor() {
  static Executor& only = *new Executor;  // never destroyed: fibers stay suspended in it
  return only;
}

// What may throw comes before call_ says that a launch runs.
void Executor::launch(const cuda::KernelCall& call, const cuda::LaunchShape& shape) {
  while (threads_.size() < shape.block) {
    threads_.push_back({make_fiber(static_cast<unsigned>(threads_.size()), thread_entry)});
  }
  SharedMemory shared(shape.shared_bytes);
  std::vector<std::uint64_t> order(std::size_t{shape.grid_x} * shape.grid_y);
  shared_ = &shared;
  call_ = &call;
  block_threads_ = shape.block;
  blockDim = {shape.block, 1, 1};
  gridDim = {shape.grid_x, shape.grid_y, 1};
  random_ = Random(Random(schedule.seed + (schedule.launches++ << 32)).next());

  std::iota(order.begin(), order.end(), std::uint64_t{0});
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_.below(i)]);
  for (const std::uint64_t block : order) {
    blockIdx = {static_cast<unsigned>(block % shape.grid_x), static_cast<unsigned>(block / shape.grid_x), 0};
    shared.refill();
    run_block();
    if (failure_ != nullptr) break;
  }
  call_ = nullptr;
  shared_ = nullptr;
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Executor::run_block() {
  for (unsigned warp = 0; warp * warp_lanes < block_threads_; ++warp) {
    const unsigned lanes = std::min(block_threads_ - warp * warp_lanes, warp_lanes);
    warps_[warp].alive = 0xffffffffu >> (warp_lanes - lanes);
    warps_[warp].group_count = 0;
  }
  for (unsigned thread = 0; thread < block_threads_; ++thread) {
    threads_[thread].started = threads_[thread].finished = false;
    ready_[thread] = thread;
  }
  ready_count_ = block_threads_;
  returned_ = at_barrier_ = 0;
  become(take_ready());
  switch_fiber(host_, threads_[current_].fiber);
}

// The life of a fiber: one thread of a block after another.
void Executor::thread_entry() {
  Executor& self = executor();
  for (;;) {
    self.threads_[self.current_].started = true;
    try {
      self.call_->invoke(self.call_->kernel, self.call_->params);
      self.thread_returned();
    } catch (const Unwind&) {
    } catch (...) {
      self.failure_ = std::current_exception();
    }
    self.leave();
  }
}

void Executor::thread_returned() {
  const unsigned lane = current_ % warp_lanes;
  Warp& warp = warps_[current_ / warp_lanes];
  for (const Group& group : warp.in_flight()) {
    if (group.mask >> lane & 1u) {
      fault(fmt::format("returns while lanes {:#010x} wait for it at {} with mask {:#010x}", group.arrived,
                        name_of(group.operation), group.mask));
    }
  }
  warp.alive &= ~(1u << lane);
  ++returned_;
  if (ready_count_ == 0 && returned_ < block_threads_) report_divergence();
}

// Goes on with another thread, or with the host when none is left. Returns when the next block needs this fiber.
void Executor::leave() {
  Thread& self = threads_[current_];
  self.finished = true;
  Fiber* next = &host_;
  if (failure_ != nullptr ? find_suspended() < block_threads_ : ready_count_ > 0) {
    become(failure_ != nullptr ? find_suspended() : take_ready());
    next = &threads_[current_].fiber;
  }
  switch_fiber(self.fiber, *next);
}

// Another thread's turn, until what this one waits for has come.
void Executor::suspend() {
  if (ready_count_ == 0) report_divergence();
  Fiber& self = threads_[current_].fiber;
  become(take_ready());
  switch_fiber(self, threads_[current_].fiber);
  if (failure_ != nullptr) throw Unwind{};
}

void Executor::become(unsigned thread) {
  current_ = thread;
  threadIdx.x = thread;
}

unsigned Executor::take_ready() {
  const std::size_t drawn = random_.below(ready_count_);
  return std::exchange(ready_[drawn], ready_[--ready_count_]);
}

unsigned Executor::find_suspended() const {
  unsigned thread = 0;
  while (thread < block_threads_ && (!threads_[thread].started || threads_[thread].finished)) ++thread;
  return thread;
}

void Executor::barrier(const std::source_location& where) {
  if (at_barrier_ == 0) barrier_ = where;
  if (where.line() != barrier_.line() || where.column() != barrier_.column() ||
      !same_text(where.file_name(), barrier_.file_name())) {
    fault(fmt::format("divergent barrier: waits at __syncthreads ({}:{}) while {} threads wait at another ({}:{})",
                      where.file_name(), where.line(), at_barrier_, barrier_.file_name(), barrier_.line()));
  }
  if (++at_barrier_ < block_threads_) return suspend();
  at_barrier_ = 0;
  for (unsigned thread = 0; thread < block_threads_; ++thread) {
    if (thread != current_) ready_[ready_count_++] = thread;
  }
}

void Executor::meet(WarpOperation operation, std::uint32_t mask, void* operand,
                    void (*complete)(const LaneOperands&, std::uint32_t)) {
  const unsigned lane = current_ % warp_lanes, first = current_ - lane;
  Warp& warp = warps_[current_ / warp_lanes];
  Group& group = join(warp, operation, mask);
  group.arrived |= 1u << lane;
  warp.operands[lane] = operand;
  if (group.arrived != mask) return suspend();
  complete(warp.operands, mask);
  group = warp.groups[--warp.group_count];
  for (std::uint32_t others = mask & ~(1u << lane); others != 0; others &= others - 1) {
    ready_[ready_count_++] = first + static_cast<unsigned>(std::countr_zero(others));
  }
}

// The group of lanes that the running one meets.
Group& Executor::join(Warp& warp, WarpOperation operation, std::uint32_t mask) const {
  const unsigned lane = current_ % warp_lanes;
  if ((mask >> lane & 1u) == 0) {
    fault(fmt::format("calls {} with mask {:#010x}, in which its own lane {} is missing", name_of(operation), mask,
                      lane));
  }
  if (const std::uint32_t gone = mask & ~warp.alive; gone != 0) {
    fault(fmt::format("calls {} with mask {:#010x}, but lane {} has returned or does not exist", name_of(operation),
                      mask, std::countr_zero(gone)));
  }
  for (Group& group : warp.in_flight()) {
    if ((group.mask & mask) == 0) continue;
    if (group.mask == mask && group.operation == operation) return group;
    fault(fmt::format("calls {} with mask {:#010x} while lanes {:#010x} wait at {} with mask {:#010x}",
                      name_of(operation), mask, group.arrived, name_of(group.operation), group.mask));
  }
  return warp.groups[warp.group_count++] = {operation, mask, 0};
}

// All threads that are left wait, and they do not wait for each other: some are at the block's barrier, and the others
// have returned or wait in their warps.
void Executor::report_divergence() const {
  std::string others;
  if (returned_ > 0) others += fmt::format(", {} have returned", returned_);
  for (unsigned index = 0; index * warp_lanes < block_threads_; ++index) {
    const Warp& warp = warps_[index];
    for (const Group& group : std::span(warp.groups).first(warp.group_count)) {
      others += fmt::format(", lanes {:#010x} of warp {} wait at {} with mask {:#010x}", group.arrived, index,
                            name_of(group.operation), group.mask);
    }
  }
  fault(fmt::format("divergent barrier: {} threads wait at __syncthreads ({}:{}){}", at_barrier_, barrier_.file_name(),
                    barrier_.line(), others));
}

void Executor::fault(const std::string& what) const {
  throw Fault(
      fmt::format("kernel {}, block ({},{}), thread {}: {}", call_->name, blockIdx.x, blockIdx.y, current_, what));
}

Executor& running_executor() {
  if (!executor().running()) throw std::logic_error("device code was called outside a launch");
  return executor();
}

}  // namespace

void set_schedule_seed(std::uint64_t seed) { schedule = {seed, 0}; }

std::uint64_t schedule_seed() { return schedule.seed; }

void check_launch(const cuda::KernelCall& call, const cuda::LaunchShape& shape, std::size_t shared_per_block) {
  const auto check = [&](bool good, const std::string& what) {
    if (!good) throw Fault(fmt::format("kernel {}: {}", call.name, what));
  };
  check(shape.block >= 1 && shape.block <= most_threads, fmt::format("a block of {} threads", shape.block));
  check(shape.grid_x >= 1 && shape.grid_x <= 0x7fffffffu && shape.grid_y >= 1 && shape.grid_y <= 65535,
        fmt::format("a grid of {} x {} blocks", shape.grid_x, shape.grid_y));
  check(shape.shared_bytes <= shared_per_block,
        fmt::format("{} bytes of shared memory, of {} that a block may have", shape.shared_bytes, shared_per_block));
  check(call.params_bytes <= 4096, fmt::format("{} bytes of parameters, of 4096", call.params_bytes));
}

void run(const cuda::KernelCall& call, const cuda::LaunchShape& shape) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  executor().launch(call, shape);
}

void fault(const std::string& what) { running_executor().fault(what); }

void block_barrier(const std::source_location& where) { running_executor().barrier(where); }

void meet(WarpOperation operation, std::uint32_t mask, void* operand,
          void (*complete)(const LaneOperands& operands, std::uint32_t mask)) {
  running_executor().meet(operation, mask, operand, complete);
}

std::span<std::byte> block_shared_memory() { return running_executor().shared(); }

}  // namespace phaseselect::simt
