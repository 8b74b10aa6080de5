// The host runtime on the executor keeps the contract of kernels/runtime/runtime.hpp and device_algorithms.hpp.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/runtime/device_algorithms.hpp"
#include "tests/simt/device_fixture.hpp"

namespace phaseselect::cuda {
namespace {

class HostRuntime : public simt::DeviceTest {
 protected:
  ~HostRuntime() override {
    simt::set_device(device_);
    simt::set_device_present(true);
  }
  const Device device_ = simt::device();
};

template <typename Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST_F(HostRuntime, DeviceIsWhatTestsSet) {
  EXPECT_EQ(select_device().name, "SIMT test executor");
  EXPECT_EQ(select_device().major, 9);
  EXPECT_EQ(select_device().multiprocessors, 132);
  EXPECT_EQ(select_device().shared_per_block, 232448u);
  Device small = device_;
  small.shared_per_block = 1000;
  simt::set_device(small);
  EXPECT_THROW(run_words("atomics", atomic_kernel, {1, 1, 32, 1001}, 4), simt::Fault);
  small.major = 7;
  simt::set_device(small);
  EXPECT_THROW(select_device(), UsageError);
  simt::set_device(device_);
  simt::set_device_present(false);
  EXPECT_THROW(select_device(), UsageError);
}

TEST_F(HostRuntime, AllocationsAreZeroedCountedAndLimited) {
  const std::size_t before = simt::live_allocations();
  {
    DeviceBuffer<int> values(stream_, 100, "test");
    const PinnedBuffer<int> pinned(10, "test");
    EXPECT_EQ(download(values), std::vector<int>(100));
    EXPECT_EQ(simt::live_allocations(), before + 2);
    EXPECT_EQ(simt::live_bytes(), 400u);
    simt::set_memory_limit(31'000'400);
    EXPECT_EQ(free_memory(), 31'000'000u);
    const DeviceBuffer<std::byte> fits(stream_, 10'000'000, "test");
    EXPECT_THROW(DeviceBuffer<std::byte>(stream_, 21'000'001, "test"), OutOfMemory);
    EXPECT_EQ(message_of([&] { DeviceBuffer<std::byte>(stream_, 50'000'000, "300 members"); }),
              "out of GPU memory: 50 MB for 300 members (21 MB free)");
  }
  EXPECT_EQ(simt::live_allocations(), before);
}

TEST_F(HostRuntime, CopiesToTheHostArriveWithSynchronise) {
  const std::vector<float> values{1, 2, 3};
  const DeviceBuffer<float> buffer(stream_, values, "test");
  std::vector<float> got(3);
  buffer.download(got);
  EXPECT_TRUE(std::isnan(got[0]));
  stream_.synchronise();
  EXPECT_EQ(got, values);
}

TEST_F(HostRuntime, CopiesOnTheDeviceAndFills) {
  DeviceBuffer<int> from(stream_, std::vector<int>{1, 2, 3, 4}, "test"), to(stream_, 4, "test");
  copy_on_device(stream_, to.data() + 1, from.data(), 2 * sizeof(int));
  EXPECT_EQ(download(to), (std::vector<int>{0, 1, 2, 0}));
  from.zero();
  EXPECT_EQ(download(from), std::vector<int>(4));
}

TEST_F(HostRuntime, CopiesOutsideAnAllocationAreRefused) {
  DeviceBuffer<int> buffer(stream_, 4, "test"), other(stream_, 8, "test");
  std::vector<int> host(8);
  EXPECT_THROW(copy_to_device(stream_, buffer.data(), host.data(), 5 * sizeof(int)), std::logic_error);
  EXPECT_THROW(copy_to_device(stream_, buffer.data() + 1, host.data(), 4 * sizeof(int)), std::logic_error);
  EXPECT_THROW(copy_to_device(stream_, host.data(), host.data(), 4), std::logic_error);
  EXPECT_THROW(copy_to_device(stream_, buffer.data(), other.data(), 4), std::logic_error);
  EXPECT_THROW(copy_to_host(stream_, host.data(), buffer.data(), 5 * sizeof(int)), std::logic_error);
  EXPECT_THROW(copy_to_host(stream_, other.data(), buffer.data(), 4), std::logic_error);
  EXPECT_THROW(copy_on_device(stream_, buffer.data(), other.data(), 5 * sizeof(int)), std::logic_error);
  EXPECT_THROW(fill_zero(stream_, buffer.data(), 17), std::logic_error);
  const int* gone = other.data();
  other = {};
  EXPECT_THROW(copy_to_host(stream_, host.data(), gone, 4), std::logic_error);
}

TEST_F(HostRuntime, GraphsReadWhatIsThereWhenTheyRun) {
  const PinnedBuffer<float> in(64, "test"), out(64, "test");
  const DeviceBuffer<float> source(stream_, 64, "test"), target(stream_, 64, "test");
  std::fill_n(in.data(), 64, 5.0f);
  const Graph graph = Graph::capture(stream_, [&] {
    copy_to_device(stream_, source.data(), in.data(), 256);
    const FloatArrays params{source.data(), target.data(), 64};  // gone when the graph runs
    launch(stream_, "scan", scan_kernel, {1, 1, 64, 256}, params);
    copy_to_host(stream_, out.data(), target.data(), 256);
  });
  EXPECT_EQ(download(target), std::vector<float>(64));
  for (const float value : {1.0f, 3.0f}) {
    std::fill_n(in.data(), 64, value);
    graph.launch(stream_);
    EXPECT_TRUE(std::isnan(out.data()[63]));
    stream_.synchronise();
    EXPECT_EQ(out.data()[63], 64 * value);
  }
}

TEST_F(HostRuntime, GraphsRefuseWhatAGpuCannotRecord) {
  const DeviceBuffer<float> buffer(stream_, 4, "test");
  std::vector<float> pageable(4);
  const auto capturing = [&](auto work) { return [&, work] { Graph::capture(stream_, work); }; };
  EXPECT_THROW(capturing([&] { stream_.synchronise(); })(), std::logic_error);
  EXPECT_THROW(capturing([&] { DeviceBuffer<float>(stream_, 4, "test"); })(), std::logic_error);
  EXPECT_THROW(capturing([&] { copy_to_device(stream_, buffer.data(), pageable.data(), 16); })(), std::logic_error);
  EXPECT_THROW(capturing([&] { copy_to_host(stream_, pageable.data(), buffer.data(), 16); })(), std::logic_error);
  stream_.synchronise();  // the stream does not record any more
}

TEST_F(HostRuntime, GraphsKnowThatABufferIsGone) {
  DeviceBuffer<float> buffer(stream_, 4, "test");
  const Graph graph = Graph::capture(stream_, [&] { buffer.zero(); });
  buffer = {};
  EXPECT_THROW(graph.launch(stream_), std::logic_error);
}

TEST_F(HostRuntime, Sorts) {
  const std::vector<std::uint64_t> keys{9, 3, 7, 7, std::uint64_t{1} << 63, 0, 3};
  const DeviceBuffer<std::uint64_t> in(stream_, keys, "test"), sorted(stream_, 7, "test");
  const DeviceBuffer<std::int32_t> offsets(stream_, std::vector<std::int32_t>{0, 3, 3, 7}, "test");
  const SegmentedSort by_segment(stream_, 7, 3);
  const Graph graph =
      Graph::capture(stream_, [&] { by_segment(stream_, in.data(), sorted.data(), 7, offsets.data(), 3); });
  EXPECT_EQ(download(sorted), std::vector<std::uint64_t>(7));
  graph.launch(stream_);
  EXPECT_EQ(download(sorted), (std::vector<std::uint64_t>{3, 7, 9, 0, 3, 7, std::uint64_t{1} << 63}));
  EXPECT_THROW(by_segment(stream_, in.data(), sorted.data(), 6, offsets.data(), 3), std::logic_error);
  const SegmentedSort small(stream_, 6, 3);
  EXPECT_THROW(small(stream_, in.data(), sorted.data(), 7, offsets.data(), 3), std::logic_error);

  const DeviceBuffer<std::uint32_t> values(stream_, std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6}, "test");
  const DeviceBuffer<std::uint32_t> carried(stream_, 7, "test");
  const SortByKey by_key(stream_, 7);
  by_key(stream_, in.data(), sorted.data(), values.data(), carried.data(), 7);
  EXPECT_EQ(download(sorted), (std::vector<std::uint64_t>{0, 3, 3, 7, 7, 9, std::uint64_t{1} << 63}));
  EXPECT_EQ(download(carried), (std::vector<std::uint32_t>{5, 1, 6, 2, 3, 0, 4}));
  EXPECT_THROW(
      Graph::capture(stream_, [&] { by_key(stream_, in.data(), sorted.data(), values.data(), carried.data(), 7); }),
      std::logic_error);
}

TEST_F(HostRuntime, RangeOfValues) {
  const DeviceBuffer<float> values(stream_, std::vector<float>{2, -5, 11, 0}, "test"), range(stream_, 2, "test");
  const Range find(stream_, 4);
  find(stream_, values.data(), 4, range.data());
  EXPECT_EQ(download(range), (std::vector<float>{-5, 11}));
  find(stream_, values.data(), 1, range.data());
  EXPECT_EQ(download(range), (std::vector<float>{2, 2}));
  EXPECT_THROW(find(stream_, values.data(), 0, range.data()), std::logic_error);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const DeviceBuffer<float> holes(stream_, std::vector<float>{nan, 3, nan, -1}, "test");
  find(stream_, holes.data(), 4, range.data());
  EXPECT_EQ(download(range), (std::vector<float>{-1, 3}));
  find(stream_, holes.data(), 1, range.data());
  EXPECT_TRUE(std::isnan(download(range)[0]) && std::isnan(download(range)[1]));
}

TEST_F(HostRuntime, ResidentBlocks) {
  const Words params{};
  const KernelCall call = kernel_call("atomics", atomic_kernel, params);
  EXPECT_EQ(resident_blocks(call, {1, 1, 256, 0}), 8);
  EXPECT_EQ(resident_blocks(call, {1, 1, 33, 0}), 32);
  EXPECT_EQ(resident_blocks(call, {1, 1, 256, 100'000}), 2);
  EXPECT_EQ(resident_blocks(call, {1, 1, 256, 232448}), 1);
}

}  // namespace
}  // namespace phaseselect::cuda
