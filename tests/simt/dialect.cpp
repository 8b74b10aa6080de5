#include "tests/simt/dialect.hpp"

#include <fmt/format.h>

#include "tests/simt/executor.hpp"
#include "tests/simt/sanitizer.hpp"

namespace phaseselect::simt {
namespace {

int lane() { return static_cast<int>(threadIdx.x % warp_lanes); }

struct Exchange {
  std::uint64_t value;
  int source;
};

void complete_exchange(const LaneOperands& operands, std::uint32_t mask) {
  std::array<std::uint64_t, warp_lanes> values{};
  for (std::uint32_t lanes = mask; lanes != 0; lanes &= lanes - 1) {
    const int to = std::countr_zero(lanes);
    values[to] = static_cast<Exchange*>(operands[to])->value;
  }
  for (std::uint32_t lanes = mask; lanes != 0; lanes &= lanes - 1) {
    Exchange& exchange = *static_cast<Exchange*>(operands[std::countr_zero(lanes)]);
    exchange.value = values[exchange.source];
  }
}

std::uint64_t exchange(WarpOperation operation, unsigned mask, std::uint64_t value, int source) {
  if ((mask >> source & 1u) == 0) {
    fault(fmt::format("reads lane {}, which does not take part in the shuffle with mask {:#010x}", source, mask));
  }
  Exchange mine{value, source};
  meet(operation, mask, &mine, complete_exchange);
  return mine.value;
}

// First lane of the running lane's segment.
int segment_begin(int width) {
  if (width < 1 || width > static_cast<int>(warp_lanes) || (width & (width - 1)) != 0) {
    fault(fmt::format("a shuffle of width {}, which is no power of two up to 32", width));
  }
  return lane() & ~(width - 1);
}

}  // namespace

std::uint64_t shuffle(unsigned mask, std::uint64_t value, int source, int width) {
  const int from = segment_begin(width) + (source & (width - 1));
  return exchange(WarpOperation::Shuffle, mask, value, from);
}

std::uint64_t shuffle_up(unsigned mask, std::uint64_t value, unsigned delta, int width) {
  const std::int64_t from = std::int64_t{lane()} - delta;
  const bool inside = from >= segment_begin(width);
  return exchange(WarpOperation::ShuffleUp, mask, value, inside ? static_cast<int>(from) : lane());
}

std::uint64_t shuffle_down(unsigned mask, std::uint64_t value, unsigned delta, int width) {
  const std::int64_t from = std::int64_t{lane()} + delta;
  const bool inside = from < segment_begin(width) + width;
  return exchange(WarpOperation::ShuffleDown, mask, value, inside ? static_cast<int>(from) : lane());
}

// CUDA lets a lane read an earlier segment, but not a later one.
std::uint64_t shuffle_xor(unsigned mask, std::uint64_t value, int lane_mask, int width) {
  const int end = segment_begin(width) + width;
  const std::int64_t from = static_cast<std::uint32_t>(lane()) ^ static_cast<std::uint32_t>(lane_mask);
  return exchange(WarpOperation::ShuffleXor, mask, value, from < end ? static_cast<int>(from) : lane());
}

namespace {

struct Vote {
  bool yes;
  std::uint32_t ballot = 0;
};

std::uint32_t vote(WarpOperation operation, unsigned mask, int predicate) {
  Vote mine{predicate != 0};
  meet(operation, mask, &mine, [](const LaneOperands& operands, std::uint32_t lanes) {
    std::uint32_t ballot = 0;
    for (std::uint32_t bits = lanes; bits != 0; bits &= bits - 1) {
      const int from = std::countr_zero(bits);
      ballot |= std::uint32_t{static_cast<Vote*>(operands[from])->yes} << from;
    }
    for (; lanes != 0; lanes &= lanes - 1) static_cast<Vote*>(operands[std::countr_zero(lanes)])->ballot = ballot;
  });
  return mine.ballot;
}

struct Fragments {
  float (&d)[4];
  const std::uint32_t (&a)[4];
  const std::uint32_t (&b)[2];
};

float tf32_value(std::uint32_t bits) { return std::bit_cast<float>(bits & ~0x1fffu); }

// The layout is that of kernels/common/ptx.cuh.
void complete_mma(const LaneOperands& operands, std::uint32_t) {
  float a[16][8], b[8][8];
  for (unsigned of = 0; of < warp_lanes; ++of) {
    const unsigned group = of / 4, place = of % 4;
    const Fragments& lane = *static_cast<const Fragments*>(operands[of]);
    a[group][place] = tf32_value(lane.a[0]);
    a[group + 8][place] = tf32_value(lane.a[1]);
    a[group][place + 4] = tf32_value(lane.a[2]);
    a[group + 8][place + 4] = tf32_value(lane.a[3]);
    b[place][group] = tf32_value(lane.b[0]);
    b[place + 4][group] = tf32_value(lane.b[1]);
  }
  for (unsigned of = 0; of < warp_lanes; ++of) {
    const unsigned group = of / 4, place = of % 4;
    Fragments& lane = *static_cast<Fragments*>(operands[of]);
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned row = group + i / 2 * 8, column = 2 * place + i % 2;
      for (unsigned depth = 0; depth < 8; ++depth) lane.d[i] += a[row][depth] * b[depth][column];
    }
  }
}

}  // namespace
}  // namespace phaseselect::simt

using namespace phaseselect;

void __syncthreads(std::source_location where) { simt::block_barrier(where); }

void __syncwarp(unsigned mask) {
  simt::meet(simt::WarpOperation::Barrier, mask, nullptr, [](const simt::LaneOperands&, std::uint32_t) {});
}

unsigned __ballot_sync(unsigned mask, int predicate) {
  return simt::vote(simt::WarpOperation::Ballot, mask, predicate);
}

int __any_sync(unsigned mask, int predicate) { return simt::vote(simt::WarpOperation::Any, mask, predicate) != 0; }

int __all_sync(unsigned mask, int predicate) { return simt::vote(simt::WarpOperation::All, mask, predicate) == mask; }

namespace phaseselect::cuda {

std::byte* shared_memory() { return simt::block_shared_memory().data(); }

void guard_shared(std::byte* gap, std::size_t bytes) {
  const std::span<std::byte> shared = simt::block_shared_memory();
  const std::size_t begin = static_cast<std::size_t>(gap - shared.data());
  if (begin + bytes > shared.size()) {
    simt::fault(
        fmt::format("carves {} bytes of shared memory, of {} that it was launched with", begin + bytes, shared.size()));
  }
  if (!simt::is_poisoned(gap)) simt::poison(gap, bytes);  // the block's first thread to come here
}

std::uint32_t to_tf32(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return 0x7fffffffu;
  if (std::isinf(value)) return bits;
  return (bits + 0x1000u) & ~0x1fffu;
}

void mma_m16n8k8_tf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  simt::Fragments mine{d, a, b};
  simt::meet(simt::WarpOperation::Mma, 0xffffffffu, &mine, simt::complete_mma);
}

}  // namespace phaseselect::cuda
