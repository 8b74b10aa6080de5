// Kernels that are wrong on purpose are caught, whatever the schedule.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/simt/device_fixture.hpp"
#include "tests/simt/sanitizer.hpp"
#include "tests/simt/test_kernels.hpp"

namespace phaseselect::cuda {
namespace {

using simt::Fault;

constexpr std::uint64_t seeds = 8;

class FaultyKernels : public simt::DeviceTest {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  // Under each seed `work` throws a Fault that names the kernel and says `what`.
  void expect_fault(const std::string& what, const std::function<void()>& work) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      simt::set_schedule_seed(seed);
      try {
        work();
        ADD_FAILURE() << "seed " << seed << ": not caught; expected: " << what;
      } catch (const Fault& fault) {
        EXPECT_TRUE(std::string(fault.what()).starts_with("kernel wrong")) << fault.what();
        EXPECT_NE(std::string(fault.what()).find(what), std::string::npos) << fault.what();
      }
    }
  }
  void expect_fault(const std::string& what, void (*kernel)(Words), unsigned block) {
    expect_fault(what, [&] { run_words("wrong", kernel, {2, 1, block, 0}, block); });
  }
  void expect_fault(const std::string& what, void (*kernel)(WarpCall), const WarpCall& params, unsigned block = 32) {
    expect_fault(what, [&] { launch(stream_, "wrong", kernel, {1, 1, block, 0}, params); });
  }

  // What a kernel makes of 0, 1, 2 .. under each seed.
  std::vector<std::vector<float>> results(void (*kernel)(FloatArrays), unsigned block) {
    std::vector<float> values(block);
    for (unsigned i = 0; i < block; ++i) values[i] = static_cast<float>(i + 1);
    std::vector<std::vector<float>> all;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      simt::set_schedule_seed(seed);
      all.push_back(run_arrays("racy", kernel, {1, 1, block, block * sizeof(float)}, values, block));
    }
    return all;
  }
};

bool has_nan(const std::vector<float>& values) {
  return std::any_of(values.begin(), values.end(), [](float value) { return std::isnan(value); });
}

// ---- races ----

TEST_F(FaultyKernels, AMissingBarrierReadsPoison) {
  for (const std::vector<float>& result : results(missing_barrier_kernel, 64)) EXPECT_TRUE(has_nan(result));
}

TEST_F(FaultyKernels, AMissingWarpBarrierDiffersFromSeedToSeed) {
  const std::vector<std::vector<float>> all = results(missing_warp_barrier_kernel, 32);
  const std::set<std::vector<float>> different(all.begin(), all.end());
  EXPECT_GT(different.size(), seeds / 2);
}

TEST_F(FaultyKernels, UninitialisedSharedMemoryReachesTheResult) {
  const std::vector<float> result =
      run_arrays("uninitialised", uninitialised_shared_kernel, {1, 1, 64, 256}, std::vector<float>(40, 1.0f), 64);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(std::isnan(result[i]), i >= 40) << i;
}

TEST_F(FaultyKernels, AFloatSumInNoOrderDiffersFromSeedToSeed) {
  std::vector<float> values(1000);
  for (int i = 0; i < 1000; ++i) values[i] = 1.0f / static_cast<float>(i + 1);
  std::set<float> sums;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    simt::set_schedule_seed(seed);
    sums.insert(run_arrays("atomic sum", atomic_sum_kernel, {8, 1, 128, 0}, values, 1)[0]);
  }
  EXPECT_GT(sums.size(), 1u);
}

// ---- barriers ----

TEST_F(FaultyKernels, DivergentBarriers) {
  expect_fault("32 threads wait at __syncthreads", barrier_in_branch_kernel, 64);
  expect_fault("wait at another", barriers_in_both_branches_kernel, 64);
  expect_fault(", 1 have returned", barrier_after_return_kernel, 64);
  expect_fault(", 1 have returned", return_while_others_wait_kernel, 64);
  expect_fault("of warp 0 wait at __ballot_sync", warp_waits_at_barrier_kernel, 64);
}

TEST_F(FaultyKernels, FaultsSayWhere) {
  try {
    run_words("wrong", barrier_after_return_kernel, {2, 1, 64, 0}, 64);
    FAIL();
  } catch (const Fault& fault) {
    const std::string what = fault.what();
    EXPECT_NE(what.find(", block ("), std::string::npos) << what;
    EXPECT_NE(what.find(",0), thread "), std::string::npos) << what;
    EXPECT_NE(what.find("faulty_kernels.cu:"), std::string::npos) << what;
  }
}

// ---- warp operations ----

TEST_F(FaultyKernels, Shuffles) {
  constexpr unsigned all = 0xffffffffu;
  expect_fault("width 12", shuffle_call_kernel, {all, 0, 12});
  expect_fault("width 64", shuffle_call_kernel, {all, 0, 64});
  expect_fault("width 0", shuffle_call_kernel, {all, 0, 0});
  expect_fault("reads lane 9, which does not take part", shuffle_call_kernel, {0x000000ffu, 9, 32}, 8);
  expect_fault("its own lane", shuffle_call_kernel, {0x0000ffffu, 3, 32});
  expect_fault("lane 20 has returned or does not exist", shuffle_call_kernel, {all, 0, 32}, 20);
}

TEST_F(FaultyKernels, LanesThatDoNotTakePart) {
  expect_fault("wait at", different_operations_kernel, {0xffffffffu, 0, 32});
  expect_fault("wait at __syncwarp with mask", different_masks_kernel, {0xffffffffu, 0, 32});
  expect_fault("mma", half_warp_product_kernel, {});
}

// Lane 7 returns, before the others wait for it or after.
TEST_F(FaultyKernels, LanesThatReturned) {
  bool before = false, after = false;
  for (std::uint64_t seed = 1; seed <= 4 * seeds; ++seed) {
    simt::set_schedule_seed(seed);
    try {
      launch(stream_, "wrong", lane_returns_kernel, {1, 1, 32, 0}, {0xffffffffu, 0, 32});
      ADD_FAILURE() << "seed " << seed;
    } catch (const Fault& fault) {
      const std::string what = fault.what();
      before = before || what.find("lane 7 has returned") != std::string::npos;
      after = after || what.find("thread 7: returns while lanes") != std::string::npos;
    }
  }
  EXPECT_TRUE(before && after);
}

// ---- memory ----

class SharedAccess : public FaultyKernels {
 protected:
  void write(int index) {
    const std::size_t bytes = 2 * (4 * sizeof(float) + shared_gap);
    launch(stream_, "wrong", shared_index_kernel, {1, 1, 4, bytes}, {nullptr, index});
  }
};

TEST_F(SharedAccess, InBoundsIsFine) {
  write(3);
  write(4 + static_cast<int>(shared_gap / sizeof(float)));  // the second array
}

TEST_F(SharedAccess, OutOfBoundsIsCaught) {
  if (!simt::address_sanitizer) GTEST_SKIP() << "needs AddressSanitizer";
  EXPECT_DEATH(write(4), "use-after-poison");  // between the arrays
  EXPECT_DEATH(write(11), "use-after-poison");
  EXPECT_DEATH(write(16), "use-after-poison");  // past the second
  EXPECT_DEATH(write(24), "heap-buffer-overflow");
  EXPECT_DEATH(write(-1), "heap-buffer-overflow");
}

TEST_F(FaultyKernels, OutOfBoundsOfDeviceMemoryIsCaught) {
  if (!simt::address_sanitizer) GTEST_SKIP() << "needs AddressSanitizer";
  DeviceBuffer<float> values(stream_, 5, "test");
  const auto write = [&](int index) {
    launch(stream_, "wrong", global_index_kernel, {1, 1, 1, 0}, {values.data(), index});
  };
  write(4);
  EXPECT_DEATH(write(5), "heap-buffer-overflow");
  EXPECT_DEATH(write(-1), "heap-buffer-overflow");
  const Graph graph = Graph::capture(stream_, [&] { write(0); });
  values = {};
  EXPECT_DEATH(graph.launch(stream_), "heap-use-after-free");
}

TEST_F(FaultyKernels, CarvingMoreThanTheLaunchAskedFor) {
  expect_fault("carves", [&] { launch(stream_, "wrong", carve_too_much_kernel, {1, 1, 32, 64}, {nullptr, 0}); });
}

// ---- launches ----

TEST_F(FaultyKernels, LaunchesThatAGpuRefuses) {
  DeviceBuffer<std::uint32_t> out(stream_, 1, "test");
  const Words params{out.data()};
  const auto launching = [&](const LaunchShape& shape) {
    return [&, shape] { launch_kernel(stream_, kernel_call("wrong", atomic_kernel, params), shape); };
  };
  expect_fault("a block of 0 threads", launching({1, 1, 0, 0}));
  expect_fault("a block of 2000 threads", launching({1, 1, 2000, 0}));
  expect_fault("a grid of 0 x 1", launching({0, 1, 32, 0}));
  expect_fault("a grid of 1 x 65536", launching({1, 65536, 32, 0}));
  expect_fault("232449 bytes of shared memory", launching({1, 1, 32, 232449}));
  expect_fault("5000 bytes of parameters", [&] {
    KernelCall call = kernel_call("wrong", atomic_kernel, params);
    call.params_bytes = 5000;
    launch_kernel(stream_, call, {1, 1, 32, 0});
  });
}

// ---- after a fault ----

TEST_F(FaultyKernels, ExceptionsLeaveTheLaunchAndDestroyEveryThread) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    simt::set_schedule_seed(seed);
    int destroyed = 0;
    EXPECT_THROW(launch(stream_, "throws", throwing_kernel, {1, 1, 100, 0}, {&destroyed}), std::domain_error);
    EXPECT_EQ(destroyed, 100);
  }
}

TEST_F(FaultyKernels, TheNextLaunchIsAsIfNothingHadHappened) {
  EXPECT_THROW(run_words("wrong", return_while_others_wait_kernel, {1, 1, 64, 0}, 64), Fault);
  const std::vector<float> values(64, 1.0f);
  std::vector<float> expected(64);
  for (int i = 0; i < 64; ++i) expected[i] = static_cast<float>(i + 1);
  EXPECT_EQ(run_arrays("scan", scan_kernel, {1, 1, 64, 256}, values, 64), expected);
}

TEST(DeviceCode, OutsideALaunchThrows) {
  EXPECT_THROW(__syncthreads(), std::logic_error);
  EXPECT_THROW(__syncwarp(), std::logic_error);
  EXPECT_THROW(shared_memory(), std::logic_error);
}

}  // namespace
}  // namespace phaseselect::cuda
