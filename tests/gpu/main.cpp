// The GPU suites. Without a GPU every test is skipped, visibly, with what is in the way; `test_gpu --device` prints the
// GPU (exit 0), or what is in the way (exit 3).
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "kernels/runtime/runtime.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect {
namespace {

constexpr int no_gpu = 3;

// A test that is skipped when it starts is never run: gtest asks after its fixture is made.
class SkipAll : public testing::EmptyTestEventListener {
 public:
  explicit SkipAll(std::string obstacle) : obstacle_(std::move(obstacle)) {}
  void OnTestStart(const testing::TestInfo&) override { GTEST_SKIP() << obstacle_; }

 private:
  std::string obstacle_;
};

int print_device(const std::string& obstacle) {
  if (!obstacle.empty()) {
    std::printf("%s\n", obstacle.c_str());
    return no_gpu;
  }
  const cuda::Device device = cuda::select_device();
  std::printf("%s, compute capability %d.%d, %d multiprocessors, %.0f GB, %zu bytes of shared memory a block\n",
              device.name.c_str(), device.major, device.minor, device.multiprocessors,
              static_cast<double>(device.memory) * 1e-9, device.shared_per_block);
  return 0;
}

}  // namespace
}  // namespace phaseselect

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::string obstacle = phaseselect::cuda_engine_obstacle();
  if (argc == 2 && std::string_view(argv[1]) == "--device") return phaseselect::print_device(obstacle);
  if (!obstacle.empty()) testing::UnitTest::GetInstance()->listeners().Append(new phaseselect::SkipAll(obstacle));
  return RUN_ALL_TESTS();
}
