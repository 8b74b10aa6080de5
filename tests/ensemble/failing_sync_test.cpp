// A disk that fails to sync, at each moment in turn: an error, nothing that looks finished and is not, and the same
// bits after --resume. fsync of this program is the one below.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>

#include "host/pipeline/run_directory.hpp"
#include "phaseselect/error.hpp"
#include "tests/ensemble/training.hpp"

namespace {
std::atomic<int> syncs_until_failure{-1};  // negative: none fails
std::atomic<int> syncs{0};
}  // namespace

extern "C" int fsync(int descriptor) {
  ++syncs;
  if (syncs_until_failure >= 0 && syncs_until_failure-- == 0) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

class FailingSync : public ::testing::Test {
 protected:
  void SetUp() override { config_ = synthetic_config(folder_, {"accessibility.members=2", "accessibility.folds=2"}); }
  void TearDown() override { syncs_until_failure = -1; }

  // Fails the first, the second, ... sync of `work`, which gets a fresh folder each time, until there are no more.
  int fail_each(const std::function<void(const fs::path&)>& work, const std::function<void(const fs::path&)>& after) {
    for (int n = 0;; ++n) {
      const fs::path folder = folder_ / ("out" + std::to_string(n));
      syncs_until_failure = n;
      try {
        work(folder);
        const bool failed = syncs_until_failure < 0;
        syncs_until_failure = -1;
        EXPECT_FALSE(failed) << "nobody noticed that sync " << n << " failed";
        if (!failed) return n;
      } catch (const Error& error) {
        syncs_until_failure = -1;
        EXPECT_NE(std::string(error.what()).find("Input/output error"), std::string::npos) << error.what();
        after(folder);
      }
      fs::remove_all(folder);
    }
  }
  std::string bytes(const fs::path& folder, std::initializer_list<const char*> names) const {
    std::string all;
    for (const char* name : names) all += fs::exists(folder / name) ? read_bytes(folder / name) : "missing\n";
    return all;
  }

  TemporaryFolder folder_;
  Config config_;
};

TEST_F(FailingSync, Train) {
  train_small(config_, folder_ / "whole");
  const int failures = fail_each([&](const fs::path& run) { train_small(config_, run); },
                                 [&](const fs::path& run) {
                                   train_small(config_, run, {.resume = true});
                                   EXPECT_EQ(result_bytes(run), result_bytes(folder_ / "whole"));
                                 });
  EXPECT_GT(failures, 16);
}

TEST_F(FailingSync, Validate) {
  const auto run_validation = [&](const fs::path& folder, bool resume) {
    ValidateRequest request;
    request.config = config_;
    request.directory = folder;
    request.resume = resume;
    Execution execution;
    execution.device = Device::cpu;
    validate(request, execution);
  };
  const auto results = [&](const fs::path& folder) {
    return bytes(folder, {"predictions.csv", "splits.csv", "reliability.csv", "roc.csv", "history.csv", "config.yaml"});
  };
  run_validation(folder_ / "whole", false);
  const int failures = fail_each([&](const fs::path& folder) { run_validation(folder, false); },
                                 [&](const fs::path& folder) {
                                   run_validation(folder, true);
                                   EXPECT_EQ(results(folder), results(folder_ / "whole"));
                                   EXPECT_TRUE(fs::exists(folder / "metrics.json"));
                                 });
  EXPECT_GT(failures, 12);
}

TEST_F(FailingSync, Merge) {
  train_small(config_, folder_ / "a", {.members = {{0, 2}}});
  train_small(config_, folder_ / "b", {.members = {{2, 4}}});
  const auto merge = [&](const fs::path& run) { merge_runs({folder_ / "a", folder_ / "b"}, run, false); };
  merge(folder_ / "whole");
  const int failures = fail_each(merge, [&](const fs::path& run) {
    if (fs::exists(run)) {  // all but its name is safe
      EXPECT_EQ(result_bytes(run), result_bytes(folder_ / "whole"));
      fs::remove_all(run);
    }
    merge(run);
    EXPECT_EQ(result_bytes(run), result_bytes(folder_ / "whole"));
  });
  EXPECT_GT(failures, 12);
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.path().string().find(".partial-"), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace phaseselect
