// A member whose weights become no numbers is set aside and named; the others do not notice.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "host/io/sealed_json.hpp"
#include "host/pipeline/run_directory.hpp"
#include "phaseselect/error.hpp"
#include "tests/ensemble/stand_in.hpp"
#include "tests/ensemble/synthetic_data.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<std::uint32_t>;

class Divergence : public ::testing::Test {
 protected:
  Divergence() {
    config_.ensemble.members = 12;
    config_.data.property = "Tc";
  }
  ~Divergence() override { StandIn::poisoned.clear(); }

  Execution execution() {
    Execution result;
    result.device = Device::cuda;
    result.cuda = with_gpu();
    result.remark = [this](const std::string& remark) { remarks_ += remark + "\n"; };
    return result;
  }
  TrainRequest request(const std::string& run) const {
    TrainRequest result;
    result.config = config_;
    result.run = folder_ / run;
    return result;
  }
  std::string failure(const std::function<void()>& work) const {
    try {
      work();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
  // Each member's tensors, by id.
  static std::map<std::uint32_t, std::string> weights(const fs::path& run) {
    const SafetensorsReader file(run / "members.safetensors");
    const Ids ids = file.read_all<std::uint32_t>("members.id");
    std::map<std::uint32_t, std::string> result;
    for (const TensorInfo& tensor : file.tensors()) {
      if (tensor.type != TensorType::f32 || tensor.shape.empty() || tensor.shape.front() != ids.size()) continue;
      const std::size_t part = tensor.bytes() / ids.size();
      for (std::size_t i = 0; i < ids.size(); ++i) {
        std::string bytes(part, '\0');
        file.read(tensor.name, i * part, std::as_writable_bytes(std::span(bytes)));
        result[ids[i]] += bytes;
      }
    }
    return result;
  }

  TemporaryFolder folder_;
  Config config_ = synthetic_config(folder_);
  std::string remarks_;
};

TEST_F(Divergence, OneOfTwelveIsSetAside) {
  train(request("undisturbed"), execution());
  auto expected = weights(folder_ / "undisturbed");
  ASSERT_EQ(expected.size(), 12u);
  expected.erase(5);
  StandIn::poisoned = {5};
  EXPECT_EQ(remarks_, "");
  const nlohmann::json run = train(request("run"), execution());
  EXPECT_EQ(run["members"], 11);
  EXPECT_EQ(run["diverged_members"], Ids{5});
  EXPECT_EQ(read_sealed(folder_ / "run/run.json", "")["diverged_members"], Ids{5});
  EXPECT_EQ(remarks_, "member 5 diverged (losses or weights that are not finite) and is set aside\n");
  EXPECT_TRUE(weights(folder_ / "run") == expected) << "the others noticed";
  const nlohmann::json seen = explain(folder_ / "run", "Ba O", Execution{});
  EXPECT_EQ(seen["members"], 11);
  EXPECT_TRUE(seen["probability"].is_number());
}

// When it is seen does not matter: by a loss, at a checkpoint, before or after an interruption.
TEST_F(Divergence, CheckpointsAndResumesChangeNothing) {
  StandIn::poisoned = {0};
  train(request("run"), execution());
  for (int rounds = 1; rounds <= 8; ++rounds) {
    TrainRequest stopped = request("stopped" + std::to_string(rounds));
    stopped.checkpoint_seconds = 0;
    stopped.resume = true;
    Execution stopping = execution();
    stopping.stop_requested = [rounds]() mutable { return rounds-- == 0; };
    EXPECT_THROW(train(stopped, stopping), Interrupted);
    EXPECT_EQ(train(stopped, execution())["diverged_members"], Ids{0}) << rounds;
    EXPECT_EQ(read_bytes(stopped.run / "members.safetensors"), read_bytes(folder_ / "run/members.safetensors"))
        << rounds;
  }
}

TEST_F(Divergence, MoreThanATenthIsAnError) {
  StandIn::poisoned = {5, 7};
  EXPECT_NE(failure([&] { train(request("run"), execution()); })
                .find("members 5, 7 diverged (losses or weights that are not finite), more than a tenth of 12: lower "
                      "training.learning_rate"),
            std::string::npos)
      << failure([&] { train(request("run"), execution()); });
  EXPECT_FALSE(fs::exists(folder_ / "run/members.safetensors"));
}

// Half an ensemble is no ensemble: its parts are judged together.
TEST_F(Divergence, RangesAreJudgedWhenTheyAreMerged) {
  const auto part = [&](const std::string& name, std::uint32_t first, std::uint32_t last) {
    TrainRequest range = request(name);
    range.members = std::pair(first, last);
    train(range, execution());
  };
  StandIn::poisoned = {2};
  part("a", 0, 4);
  part("b", 4, 12);
  const Merged merged = merge_runs({folder_ / "a", folder_ / "b"}, folder_ / "merged");
  EXPECT_EQ(merged.diverged, Ids{2});
  const nlohmann::json run = read_sealed(folder_ / "merged/run.json", "");
  EXPECT_EQ(run["members"], 11);
  EXPECT_EQ(run["diverged_members"], Ids{2});
  train(request("whole"), execution());
  EXPECT_EQ(read_bytes(folder_ / "merged/members.safetensors"), read_bytes(folder_ / "whole/members.safetensors"));
  StandIn::poisoned = {9};
  part("c", 4, 12);
  EXPECT_NE(failure([&] {
              merge_runs({folder_ / "a", folder_ / "c"}, folder_ / "never");
            }).find("members 2, 9 diverged, more than a tenth of 12"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "never"));
}

TEST_F(Divergence, OfAValidation) {
  ValidateRequest validation;
  validation.config = config_;
  validation.config.validation.folds = 2;
  validation.directory = folder_ / "cv";
  StandIn::poisoned = {14};
  const nlohmann::json metrics = validate(validation, execution());
  EXPECT_EQ(metrics["diverged_members"], (nlohmann::json{{{"fold", 1}, {"member", 2}}}));
  EXPECT_EQ(remarks_, "member 2 of fold 1 diverged (losses or weights that are not finite) and is set aside\n");
  EXPECT_TRUE(metrics["mean"]["accuracy"].is_number());
}

}  // namespace
}  // namespace phaseselect
