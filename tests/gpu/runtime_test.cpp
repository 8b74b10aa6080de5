// The runtime layer on the CUDA runtime keeps the contract of kernels/runtime/runtime.hpp and device_algorithms.hpp:
// the counterpart of tests/simt/host_runtime_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "kernels/runtime/device_algorithms.hpp"
#include "tests/gpu/probes.hpp"

namespace phaseselect::cuda {
namespace {

// The stream is made by SetUp, which is not called where there is no GPU.
class CudaRuntime : public ::testing::Test {
 protected:
  void SetUp() override {
    device_ = select_device();
    stream_.emplace();
  }

  template <typename T>
  std::vector<T> download(const DeviceBuffer<T>& buffer) {
    std::vector<T> values(buffer.size());
    buffer.download(values);
    stream_->synchronise();
    return values;
  }
  template <typename T>
  DeviceBuffer<T> upload(const std::vector<T>& values) {
    return DeviceBuffer<T>(*stream_, std::span<const T>(values), "test");
  }

  Device device_;
  std::optional<Stream> stream_;
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

std::vector<std::uint64_t> random_keys(std::size_t count) {
  std::mt19937_64 random(count + 1);
  std::vector<std::uint64_t> keys(count);
  for (std::uint64_t& key : keys) key = random() >> (random() % 60);  // of all lengths, small ones several times
  return keys;
}

TEST_F(CudaRuntime, DeviceIsDescribed) {
  EXPECT_FALSE(device_.name.empty());
  EXPECT_GE(device_.major, 8);
  EXPECT_GT(device_.multiprocessors, 0);
  EXPECT_GE(device_.shared_per_block, std::size_t{48} << 10);
  EXPECT_GT(free_memory(), 0u);
  EXPECT_LE(free_memory(), device_.memory);
}

TEST_F(CudaRuntime, AllocationsAreZeroed) {
  for (int round = 0; round < 3; ++round) {  // the pool gives the same memory again
    DeviceBuffer<int> buffer(*stream_, 100'000, "test");
    EXPECT_EQ(download(buffer), std::vector<int>(100'000));
    buffer.upload(std::vector<int>(100'000, 7));
    EXPECT_EQ(download(buffer), std::vector<int>(100'000, 7));
  }
}

// Three times: what was refused must leave nothing behind.
TEST_F(CudaRuntime, OutOfMemorySaysOfWhatAndPasses) {
  const std::size_t bytes = 2 * device_.memory;
  for (int round = 0; round < 3; ++round) {
    EXPECT_THROW(DeviceBuffer<std::byte>(*stream_, bytes, "test"), OutOfMemory);
    const std::string sentence = message_of([&] { DeviceBuffer<std::byte>(*stream_, bytes, "300 members"); });
    EXPECT_TRUE(sentence.starts_with("out of GPU memory: ")) << sentence;
    EXPECT_NE(sentence.find(" MB for 300 members ("), std::string::npos) << sentence;
    EXPECT_NE(sentence.find(" MB free)"), std::string::npos) << sentence;
    EXPECT_EQ(download(upload<int>({1, 2, 3})), (std::vector<int>{1, 2, 3}));
  }
}

TEST_F(CudaRuntime, ReleasedMemoryCountsAsFree) {
  const std::size_t before = free_memory();
  {
    const DeviceBuffer<std::byte> buffer(*stream_, std::size_t{256} << 20, "test");
    stream_->synchronise();
    EXPECT_LT(free_memory(), before);
  }
  stream_->synchronise();
  EXPECT_GE(free_memory() + (std::size_t{64} << 20), before);
}

TEST_F(CudaRuntime, PageableMemoryMayBeReusedAfterACopy) {
  const DeviceBuffer<int> buffer(*stream_, 1 << 20, "test");
  std::vector<int> values(1 << 20);
  for (int round = 0; round < 8; ++round) {
    std::fill(values.begin(), values.end(), round);
    copy_to_device(*stream_, buffer.data(), values.data(), values.size() * sizeof(int));
    std::fill(values.begin(), values.end(), -1);
    EXPECT_EQ(download(buffer), std::vector<int>(1 << 20, round));
  }
}

TEST_F(CudaRuntime, CopiesOnTheDeviceAndFills) {
  DeviceBuffer<int> from = upload<int>({1, 2, 3, 4});
  const DeviceBuffer<int> to(*stream_, 4, "test");
  copy_on_device(*stream_, to.data() + 1, from.data(), 2 * sizeof(int));
  EXPECT_EQ(download(to), (std::vector<int>{0, 1, 2, 0}));
  from.zero();
  EXPECT_EQ(download(from), std::vector<int>(4));
}

TEST_F(CudaRuntime, GraphsReadWhatIsThereWhenTheyRun) {
  const PinnedBuffer<float> in(300, "test"), out(300, "test");
  const DeviceBuffer<float> source(*stream_, 300, "test"), target(*stream_, 300, "test");
  std::fill_n(out.data(), 300, -1.0f);
  const Graph graph = Graph::capture(*stream_, [&] {
    copy_to_device(*stream_, source.data(), in.data(), 1200);
    const ScaleParams params{source.data(), target.data(), 3, 300};  // gone when the graph runs
    scale(*stream_, params);
    copy_to_host(*stream_, out.data(), target.data(), 1200);
  });
  stream_->synchronise();
  EXPECT_EQ(out.data()[299], -1.0f) << "recording is not running";
  for (const float value : {1.0f, 5.0f, 5.5f}) {
    std::fill_n(in.data(), 300, value);
    graph.launch(*stream_);
    stream_->synchronise();
    EXPECT_EQ(out.data()[0], 3 * value);
    EXPECT_EQ(out.data()[299], 3 * value);
  }
}

// As training does, but with work that shows how often it ran.
TEST_F(CudaRuntime, GraphsRunAsOftenAsTheyAreLaunched) {
  DeviceBuffer<float> values = upload<float>({1, -2});
  const Graph graph = Graph::capture(*stream_, [&] { scale(*stream_, {values.data(), values.data(), 2, 2}); });
  for (int i = 0; i < 20; ++i) graph.launch(*stream_);
  EXPECT_EQ(download(values), (std::vector<float>{1 << 20, -2 * (1 << 20)}));
}

TEST_F(CudaRuntime, GraphsRefusePageableSourcesAndLeaveTheStreamUsable) {
  const DeviceBuffer<float> buffer(*stream_, 4, "test");
  const std::vector<float> pageable(4);
  EXPECT_THROW(Graph::capture(*stream_, [&] { copy_to_device(*stream_, buffer.data(), pageable.data(), 16); }),
               std::logic_error);
  EXPECT_EQ(download(buffer), std::vector<float>(4));
}

TEST_F(CudaRuntime, SharedMemoryUpToTheDevicesLimit) {
  const DeviceBuffer<double> sum(*stream_, 1, "test");
  for (const std::size_t bytes :
       {std::size_t{1024}, std::size_t{48} << 10, (std::size_t{48} << 10) + 1024, device_.shared_per_block}) {
    sum_of_shared(*stream_, sum.data(), bytes);
    const double words = static_cast<double>(bytes / sizeof(int));
    EXPECT_EQ(download(sum)[0], words * (words - 1) / 2) << bytes << " bytes";
    EXPECT_GE(resident_blocks_of_sum(bytes), 1);
  }
  EXPECT_EQ(resident_blocks_of_sum(device_.shared_per_block), 1);
  const std::string sentence =
      message_of([&] { sum_of_shared(*stream_, sum.data(), device_.shared_per_block + 1024); });
  EXPECT_NE(sentence.find("sum_of_shared"), std::string::npos) << sentence;
  sum_of_shared(*stream_, sum.data(), 1024);
  EXPECT_EQ(download(sum)[0], 256.0 * 255 / 2) << "after a launch that was refused";
}

TEST_F(CudaRuntime, SegmentedSortIsThatOfEachSegment) {
  for (const std::size_t length : {1u, 7u, 31u, 32u, 33u, 600u, 5000u}) {
    const std::size_t segments = 37;
    std::vector<std::int32_t> offsets{0};
    for (std::size_t s = 0; s < segments; ++s) {  // of different lengths, some empty
      offsets.push_back(offsets.back() + static_cast<std::int32_t>(s % 5 == 0 ? 0 : length + s));
    }
    const auto count = static_cast<std::size_t>(offsets.back());
    std::vector<std::uint64_t> keys = random_keys(count);
    const DeviceBuffer<std::uint64_t> in = upload(keys), sorted(*stream_, count, "test");
    const DeviceBuffer<std::int32_t> device_offsets = upload(offsets);
    const SegmentedSort sort(*stream_, count, segments);
    const Graph graph = Graph::capture(
        *stream_, [&] { sort(*stream_, in.data(), sorted.data(), count, device_offsets.data(), segments); });
    graph.launch(*stream_);
    for (std::size_t s = 0; s < segments; ++s) std::sort(keys.begin() + offsets[s], keys.begin() + offsets[s + 1]);
    EXPECT_EQ(download(sorted), keys) << length;
  }
}

TEST_F(CudaRuntime, SortByKeyIsStable) {
  for (const std::size_t count : {1u, 2u, 33u, 1000u, 100'000u}) {
    const std::vector<std::uint64_t> keys = random_keys(count);
    std::vector<std::uint32_t> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<std::uint32_t>(i);
    const DeviceBuffer<std::uint64_t> in = upload(keys), sorted(*stream_, count, "test");
    const DeviceBuffer<std::uint32_t> carried = upload(values), out(*stream_, count, "test");
    SortByKey(*stream_, count)(*stream_, in.data(), sorted.data(), carried.data(), out.data(), count);
    std::stable_sort(values.begin(), values.end(), [&](auto a, auto b) { return keys[a] < keys[b]; });
    EXPECT_EQ(download(out), values) << count;
    const std::vector<std::uint64_t> device_keys = download(sorted);
    EXPECT_TRUE(std::is_sorted(device_keys.begin(), device_keys.end()));
  }
}

TEST_F(CudaRuntime, RangeOfValuesLeavesNanOut) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const DeviceBuffer<float> range(*stream_, 2, "test");
  for (const std::size_t count : {1u, 31u, 4097u, 200'000u}) {
    std::mt19937 random(static_cast<unsigned>(count));
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random() % 2'000'000) * 1e-3f - 1000;
    const auto [least, largest] = std::minmax_element(values.begin(), values.end());
    const std::vector<float> expected{*least, *largest};
    for (std::size_t i = 0; i < count; ++i) {
      if (i % 3 == 1 && values[i] != expected[0] && values[i] != expected[1]) values[i] = nan;
    }
    const DeviceBuffer<float> in = upload(values);
    Range(*stream_, count)(*stream_, in.data(), count, range.data());
    EXPECT_EQ(download(range), expected) << count;
  }
  const DeviceBuffer<float> nothing = upload<float>({nan, nan});
  Range(*stream_, 2)(*stream_, nothing.data(), 2, range.data());
  EXPECT_TRUE(std::isnan(download(range)[0]) && std::isnan(download(range)[1]));
}

TEST_F(CudaRuntime, WorkspacesAreNotOutgrown) {
  const DeviceBuffer<std::uint64_t> keys(*stream_, 1 << 20, "test"), sorted(*stream_, 1 << 20, "test");
  const DeviceBuffer<std::uint32_t> values(*stream_, 1 << 20, "test"), carried(*stream_, 1 << 20, "test");
  const SortByKey small(*stream_, 10);
  EXPECT_THROW(small(*stream_, keys.data(), sorted.data(), values.data(), carried.data(), 1 << 20), std::logic_error);
}

TEST_F(CudaRuntime, TimerMeasuresTheDevice) {
  const DeviceBuffer<std::byte> from(*stream_, std::size_t{64} << 20, "test"), to(*stream_, from.size(), "test");
  Timer timer(*stream_);
  timer.start();
  const double nothing = timer.stop_seconds();
  timer.start();
  for (int i = 0; i < 20; ++i) copy_on_device(*stream_, to.data(), from.data(), from.size());
  const double copies = timer.stop_seconds();
  EXPECT_GE(nothing, 0);
  EXPECT_GT(copies, nothing);
}

}  // namespace
}  // namespace phaseselect::cuda
