// Right kernels give right results, whatever the schedule.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <numeric>
#include <vector>

#include "tests/simt/device_fixture.hpp"
#include "tests/simt/test_kernels.hpp"

namespace phaseselect::cuda {
namespace {

std::vector<float> small_integers(int count) {
  std::vector<float> values(count);
  for (int i = 0; i < count; ++i) values[i] = static_cast<float>(i * 7 % 31 - 9);
  return values;
}

class RightKernels : public simt::DeviceTest, public testing::WithParamInterface<std::uint64_t> {
 protected:
  void SetUp() override { simt::set_schedule_seed(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Seeds, RightKernels, testing::Values(1, 2, 3, 12345));

TEST_P(RightKernels, BlockSum) {
  const std::vector<float> values = small_integers(1000);
  const std::size_t shared = 32 * sizeof(float) + shared_gap;
  for (const unsigned block : {32u, 128u, 1024u}) {
    const unsigned blocks = (1000 + block - 1) / block;
    const std::vector<float> sums =
        run_arrays("block sum", block_sum_kernel, {blocks, 1, block, shared}, values, blocks);
    EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), 0.0f), std::accumulate(values.begin(), values.end(), 0.0f));
    EXPECT_EQ(sums[0], std::accumulate(values.begin(), values.begin() + std::min(block, 1000u), 0.0f));
  }
}

TEST_P(RightKernels, BarriersInALoop) {
  for (const unsigned block : {1u, 31u, 33u, 256u}) {
    const std::vector<float> values = small_integers(static_cast<int>(block));
    std::vector<float> expected(block);
    std::partial_sum(values.begin(), values.end(), expected.begin());
    EXPECT_EQ(run_arrays("scan", scan_kernel, {1, 1, block, block * sizeof(float)}, values, block), expected);
  }
}

TEST_P(RightKernels, ThreadsMayReturnWhereNoBarrierFollows) {
  const std::vector<float> values = small_integers(100);
  EXPECT_EQ(run_arrays("early return", early_return_kernel, {3, 1, 48, 0}, values, 100), values);
}

TEST_P(RightKernels, Votes) {
  DeviceBuffer<std::uint32_t> ballot(stream_, 64, "test"), any(stream_, 64, "test"), all(stream_, 64, "test");
  launch(stream_, "vote", vote_kernel, {1, 1, 64, 0}, {ballot.data(), any.data(), all.data()});
  EXPECT_EQ(download(ballot), std::vector<std::uint32_t>(64, 0x49249249u));
  std::vector<std::uint32_t> first_warp(64), second_warp(64);
  for (unsigned i = 0; i < 64; ++i) (i < 32 ? first_warp : second_warp)[i] = 1;
  EXPECT_EQ(download(any), first_warp);
  EXPECT_EQ(download(all), second_warp);
}

TEST_P(RightKernels, ShufflesByWidth) {
  for (const int width : {1, 2, 4, 8, 16, 32}) {
    for (const int source : {0, 5, 31, 37, -1}) {
      DeviceBuffer<int> out(stream_, 128, "test");
      DeviceBuffer<double> wide(stream_, 32, "test");
      launch(stream_, "shuffle", shuffle_kernel, {1, 1, 32, 0},
             {source, width, out.data(), out.data() + 32, out.data() + 64, out.data() + 96, wide.data()});
      const std::vector<int> got = download(out);
      const std::vector<double> got_wide = download(wide);
      for (int lane = 0; lane < 32; ++lane) {
        const int begin = lane / width * width, end = begin + width;
        EXPECT_EQ(got[lane], begin + ((source % width) + width) % width);
        EXPECT_EQ(got[32 + lane], lane - 3 >= begin ? lane - 3 : lane);
        EXPECT_EQ(got[64 + lane], lane + 3 < end ? lane + 3 : lane);
        EXPECT_EQ(got[96 + lane], (lane ^ 5) < end ? lane ^ 5 : lane);
        EXPECT_EQ(got_wide[lane], 0.1 * (31 - lane));
      }
    }
  }
}

TEST_P(RightKernels, HalvesOfAWarpByThemselves) {
  const std::vector<std::uint32_t> got = run_words("half warps", half_warp_kernel, {1, 1, 32, 0}, 32);
  for (unsigned lane = 0; lane < 32; ++lane) EXPECT_EQ(got[lane], lane < 16 ? 120u : 62u);
}

TEST_P(RightKernels, Atomics) {
  EXPECT_EQ(run_words("atomics", atomic_kernel, {3, 1, 70, 0}, 4),
            (std::vector<std::uint32_t>{210, 210 * 209 / 2, 0, 209}));
}

TEST_P(RightKernels, PlaceInTheGrid) {
  const std::vector<std::uint32_t> got = run_words("place", place_kernel, {3, 2, 40, 0}, 5 * 3 * 2 * 40);
  for (std::uint32_t i = 0; i < 240; ++i) {
    const std::uint32_t block = i / 40;
    const std::vector<std::uint32_t> place(got.begin() + 5 * i, got.begin() + 5 * i + 5);
    EXPECT_EQ(place, (std::vector<std::uint32_t>{i % 40, block % 3, block / 3, 40, 203}));
  }
}

TEST_P(RightKernels, TensorCoreProduct) {
  const std::vector<float> a = small_integers(128), b = small_integers(64), c = small_integers(128);
  const DeviceBuffer<float> device_a(stream_, a, "test"), device_b(stream_, b, "test"), device_c(stream_, c, "test");
  const DeviceBuffer<float> device_d(stream_, 128, "test");
  launch(stream_, "product", product_kernel, {1, 1, 32, 0},
         {device_a.data(), device_b.data(), device_c.data(), device_d.data()});
  const std::vector<float> d = download(device_d);
  for (int row = 0; row < 16; ++row) {
    for (int column = 0; column < 8; ++column) {
      float sum = c[row * 8 + column];
      for (int depth = 0; depth < 8; ++depth) sum += a[row * 8 + depth] * b[depth * 8 + column];
      EXPECT_EQ(d[row * 8 + column], sum) << row << ", " << column;
    }
  }
}

TEST_P(RightKernels, EachBlockStartsWithPoisonedSharedMemory) {
  for (const float value : run_arrays("start", shared_start_kernel, {4, 1, 64, 256}, {}, 256)) {
    EXPECT_TRUE(std::isnan(value));
  }
}

TEST_P(RightKernels, AddressSanitizerKnowsTheStacksOfThreads) {
  EXPECT_EQ(run_words("stack", stack_kernel, {1, 1, 64, 0}, 64), std::vector<std::uint32_t>(64, 1));
}

TEST(Tf32, RoundsToNearestTiesAway) {
  const auto rounded = [](std::uint32_t bits) { return to_tf32(__uint_as_float(bits)); };
  EXPECT_EQ(rounded(0x3f800fffu), 0x3f800000u);
  EXPECT_EQ(rounded(0x3f801000u), 0x3f802000u);
  EXPECT_EQ(rounded(0xbf801000u), 0xbf802000u);
  EXPECT_EQ(rounded(0x3f803000u), 0x3f804000u);
  EXPECT_EQ(rounded(0x3fffffffu), 0x40000000u);
  EXPECT_EQ(rounded(0x7f800000u), 0x7f800000u);
  EXPECT_EQ(rounded(0xff800000u), 0xff800000u);
  EXPECT_TRUE(std::isnan(__uint_as_float(rounded(0x7f800001u))));
}

TEST(Dialect, BitsAndExtremes) {
  EXPECT_EQ(__clz(1), 31);
  EXPECT_EQ(__clz(0), 32);
  EXPECT_EQ(__ffs(0), 0);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__popc(0xf0u), 4);
  EXPECT_EQ(__brev(1u), 0x80000000u);
  EXPECT_EQ(__umulhi(0x80000000u, 6u), 3u);
  EXPECT_EQ(max(1.0f, std::nanf("")), 1.0f);
  EXPECT_EQ(min(3, 7u), 3u);
}

using Schedule = simt::DeviceTest;

TEST_F(Schedule, IsAShuffleThatTheSeedDecides) {
  const auto order = [&](std::uint64_t seed) {
    simt::set_schedule_seed(seed);
    return run_words("order", order_kernel, {8, 1, 64, 0}, 1 + 8 * 64);
  };
  std::vector<std::uint32_t> first = order(1);
  EXPECT_EQ(order(1), first);
  EXPECT_NE(order(2), first);
  first.erase(first.begin());
  EXPECT_FALSE(std::is_sorted(first.begin(), first.begin() + 64));  // threads of the first block to come
  EXPECT_NE(first[0] / 64, 0u);                                     // blocks
  std::sort(first.begin(), first.end());
  for (std::uint32_t i = 0; i < 512; ++i) EXPECT_EQ(first[i], i);
}

TEST_F(Schedule, DiffersFromLaunchToLaunch) {
  simt::set_schedule_seed(1);
  const std::vector<std::uint32_t> first = run_words("order", order_kernel, {8, 1, 64, 0}, 1 + 8 * 64);
  EXPECT_NE(run_words("order", order_kernel, {8, 1, 64, 0}, 1 + 8 * 64), first);
}

// Prints it: a suite of kernels runs thousands of blocks. The bound only catches a change of kind.
TEST_F(Schedule, TimePerBlock) {
  const std::vector<float> values(256, 1.0f);
  const DeviceBuffer<float> in(stream_, values, "test"), out(stream_, 256, "test");
  Timer timer(stream_);
  timer.start();
  launch(stream_, "many barriers", many_barriers_kernel, {200, 1, 256, 1024}, {in.data(), out.data(), 5});
  const double per_block = timer.stop_seconds() / 200 * 1e3;
  std::printf("a block of 256 threads with 10 barriers takes %.3f ms\n", per_block);
  EXPECT_LT(per_block, 20.0);
}

}  // namespace
}  // namespace phaseselect::cuda
