// The CUDA engine on devices of other sizes, and on none: waves, memory, clear refusals. Only the executor can be what
// these tests need.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/gradients/engines.hpp"
#include "tests/kernels/busy_problem.hpp"
#include "tests/simt/host_device.hpp"

namespace phaseselect::oracle {
namespace {

class DeviceLimits : public ::testing::Test {
 protected:
  void SetUp() override { default_device_ = simt::device(); }
  void TearDown() override {
    simt::set_device(default_device_);
    simt::set_device_present(true);
  }
  cuda::Device default_device_;
};

TEST_F(DeviceLimits, ReleasesAllItsMemory) {
  ASSERT_EQ(simt::live_allocations(), 0u);
  {
    const Problem problem = busy_problem();
    const auto engine = make_cuda_engine(problem);
    engine->open(0, make_plan(problem, 3));
    engine->run_epoch(Network::classifier, std::vector<EpochTask>{{0, 0}});
    engine->keep_best(Network::classifier, 0);
    engine->begin_ranking(std::vector<Slot>{0});
    engine->run_epoch(Network::ranking, std::vector<EpochTask>{{0, 0}});
    engine->best_fields(std::vector<Slot>{0}, problem.fields, 3);
    const std::size_t before = simt::live_bytes();
    engine->close(0);
    EXPECT_LT(simt::live_bytes(), before);
  }
  EXPECT_EQ(simt::live_allocations(), 0u);
}

// Less memory, fewer members at once; the estimate must hold what training then really takes.
class Waves : public DeviceLimits, public ::testing::WithParamInterface<std::size_t> {};

TEST_P(Waves, TakeAsManyMembersAsFit) {
  const Problem problem = busy_problem();
  cuda::Device device = default_device_;
  device.memory = 1 << 20;
  simt::set_device(device);
  const auto engine = make_cuda_engine(problem, CudaOptions{.shared_limit = GetParam()});
  const int slots = engine->preferred_slots(300);
  EXPECT_GT(slots, 1);
  EXPECT_LT(slots, 300);
  EXPECT_EQ(engine->preferred_slots(1), 1);
  std::vector<Slot> all;
  for (Slot slot = 0; slot < slots; ++slot) {
    engine->open(slot, make_plan(problem, static_cast<std::uint32_t>(slot)));
    all.push_back(slot);
  }
  const auto tasks = [&] {
    std::vector<EpochTask> list;
    for (const Slot slot : all) list.push_back({slot, 0});
    return list;
  };
  EXPECT_NO_THROW(engine->run_epoch(Network::classifier, tasks()));
  for (const Slot slot : all) engine->keep_best(Network::classifier, slot);
  EXPECT_NO_THROW(engine->begin_ranking(all));
  EXPECT_NO_THROW(engine->run_epoch(Network::ranking, tasks()));
  for (const Slot slot : all) engine->keep_best(Network::ranking, slot);
}

// With all of the shared memory, and with so little that a step's arrays lie in scratch memory.
INSTANTIATE_TEST_SUITE_P(SharedMemory, Waves, ::testing::Values(0, 8 << 10));

// What the engine accepts it can also launch, in either precision.
TEST_F(DeviceLimits, MostFeaturesThatAreAcceptedTrain) {
  for (const std::size_t limit : {std::size_t{10} << 10, std::size_t{20} << 10}) {
    for (const Precision precision : {Precision::fp32, Precision::tf32}) {
      SmallProblem small = base_problem();
      std::unique_ptr<Engine> engine;
      Problem problem;
      for (small.architecture.features = 200; engine == nullptr; --small.architecture.features) {
        ASSERT_GT(small.architecture.features, 1);
        problem = make_problem(small);
        problem.precision = precision;
        try {
          engine = make_cuda_engine(problem, CudaOptions{.shared_limit = limit});
        } catch (const UsageError&) {
          continue;
        }
      }
      engine->open(0, make_plan(problem, 0));
      EXPECT_NO_THROW(engine->run_epoch(Network::classifier, std::vector<EpochTask>{{0, 0}}))
          << small.architecture.features + 1 << " features in " << limit << " bytes";
    }
  }
}

TEST_F(DeviceLimits, OutOfMemorySaysOfWhat) {
  const Problem problem = busy_problem();
  cuda::Device device = default_device_;
  device.memory = 100'000;
  simt::set_device(device);
  const auto engine = make_cuda_engine(problem);
  try {
    for (Slot slot = 0; slot < 100; ++slot) engine->open(slot, make_plan(problem, 0));
    FAIL() << "100 members fit in 100 KB";
  } catch (const OutOfMemory& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with("out of GPU memory: ")) << error.what();
    EXPECT_NE(std::string(error.what()).find("--member-range"), std::string::npos) << error.what();
  }
  // Evaluation has no use for ranges of members.
  const auto other = make_cuda_engine(problem);
  const std::vector<float> weights(classifier_layout(problem.architecture).size());
  try {
    for (Slot slot = 0; slot < 1000; ++slot) other->open_trained(slot, weights, {});
    FAIL() << "1000 members fit in 100 KB";
  } catch (const OutOfMemory& error) {
    EXPECT_EQ(std::string(error.what()).find("--member-range"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("--device cpu"), std::string::npos) << error.what();
  }
}

TEST_F(DeviceLimits, RefusesMoreFeaturesThanSharedMemoryHolds) {
  SmallProblem small = base_problem();
  small.architecture.features = 900;
  const Problem problem = make_problem(small);
  cuda::Device device = default_device_;
  device.shared_per_block = 48 << 10;
  simt::set_device(device);
  const std::string sentence = refusal([&] { make_cuda_engine(problem); });
  EXPECT_NE(sentence.find("model.features: 900 is more than the"), std::string::npos) << sentence;
}

TEST_F(DeviceLimits, WithoutAGpuSaysSo) {
  EXPECT_EQ(cuda_engine_obstacle(), "");
  simt::set_device_present(false);
  const std::string obstacle = cuda_engine_obstacle();
  EXPECT_NE(obstacle, "");
  const Problem problem = busy_problem();
  EXPECT_EQ(refusal([&] { make_cuda_engine(problem); }), obstacle);
}

}  // namespace
}  // namespace phaseselect::oracle
