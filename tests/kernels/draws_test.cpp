// Dropout masks and sample orders are those of the CPU engine, bit for bit. (Initial weights: gradients/training_test.)
#include "tests/kernels/draws.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include "host/engine/cpu/dense_stack.hpp"
#include "host/engine/cpu/model.hpp"
#include "kernels/runtime/device_algorithms.hpp"
#include "kernels/sample_order.hpp"

namespace phaseselect::cuda {
namespace {

TEST(Draws, DropoutMasksAreTheCpuEngines) {
  Stream stream;
  for (const int units : {1, 4, 7, 20, 80}) {
    const RandomStream random{0x123456789abcdefULL, 4000000000u, phaseselect::Stream::classifier_dropout, 17, 301};
    const int samples = 16;
    std::vector<float> expected(static_cast<std::size_t>(samples * units), 1.0f), actual(expected.size());
    cpu::apply_dropout(random, 3, 0.3f, samples, units, expected.data());
    const DeviceBuffer<float> out(stream, actual.size(), "test");
    draw_dropout(stream, {random, 3, 0.3f, samples, units, out.data()});
    out.download(actual);
    stream.synchronise();
    EXPECT_EQ(actual, expected) << units << " units";
    if (units > 4) {
      EXPECT_NE(std::accumulate(actual.begin(), actual.end(), 0.0f), static_cast<float>(actual.size()));
    }
  }
}

TEST(Draws, SampleOrdersAreTheCpuEngines) {
  Stream stream;
  const std::vector<std::uint32_t> sizes{5, 1, 33, 600};
  std::vector<MemberState> members;
  std::vector<Task> tasks;
  std::vector<std::int32_t> segments{0};
  for (std::uint32_t i = 0; i < sizes.size(); ++i) {
    MemberState member;
    member.id = 7 * i;
    member.training_count = sizes[i];
    members.push_back(member);
    tasks.push_back({static_cast<int>(i), 3 + i, 1, segments.back()});
    segments.push_back(segments.back() + static_cast<std::int32_t>(sizes[i]));
  }
  const auto total = static_cast<std::size_t>(segments.back());
  const DeviceBuffer<MemberState> device_members(stream, std::span<const MemberState>(members), "test");
  const DeviceBuffer<Task> device_tasks(stream, std::span<const Task>(tasks), "test");
  const DeviceBuffer<std::int32_t> device_segments(stream, std::span<const std::int32_t>(segments), "test");
  const DeviceBuffer<std::uint64_t> keys(stream, total, "test"), sorted(stream, total, "test");
  for (const auto purpose : {phaseselect::Stream::sample_order, phaseselect::Stream::ranking_sample_order}) {
    sample_order_keys(stream, {99, purpose, device_tasks.data(), device_members.data(), keys.data()},
                      static_cast<int>(tasks.size()), 600);
    SegmentedSort(stream, total, tasks.size())(stream, keys.data(), sorted.data(), total, device_segments.data(),
                                               tasks.size());
    std::vector<std::uint64_t> order(total);
    sorted.download(order);
    stream.synchronise();
    for (std::size_t t = 0; t < tasks.size(); ++t) {
      const auto expected = cpu::sample_order(99, members[t].id, purpose, tasks[t].epoch, sizes[t]);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const auto position = static_cast<std::uint32_t>(order[static_cast<std::size_t>(tasks[t].first) + i]);
        ASSERT_EQ(position, expected[i]) << "task " << t << ", place " << i;
      }
    }
  }
}

}  // namespace
}  // namespace phaseselect::cuda
