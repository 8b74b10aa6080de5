// A member's bits do not depend on the company it trains in: alone, among fifty, in ranges, with other numbers of
// threads.
#include <gtest/gtest.h>

#include "host/io/sealed_json.hpp"
#include "host/pipeline/run_directory.hpp"
#include "phaseselect/error.hpp"
#include "tests/ensemble/training.hpp"

namespace phaseselect {
namespace {

class IndependenceTest : public ::testing::Test {
 protected:
  std::string merge_error(const std::vector<std::filesystem::path>& runs, const std::filesystem::path& into) {
    try {
      merge_runs(runs, into);
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }
  TemporaryFolder folder_;
};

void expect_same(const TrainedMember& a, const TrainedMember& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.classifier, b.classifier) << "member " << a.id;
  EXPECT_EQ(a.ranking, b.ranking) << "member " << a.id;
  EXPECT_EQ(a.held_out, b.held_out);
  EXPECT_EQ(a.held_out_errors, b.held_out_errors);
  EXPECT_EQ(a.history.size(), b.history.size());
}

TEST_F(IndependenceTest, AMemberIsTheSameAloneAndAmongFifty) {
  const Config config = synthetic_config(folder_, {"ensemble.members=50"});
  const PreparedData data = prepare(config);
  const auto trained = [&](std::uint32_t first, std::uint32_t last, int threads) {
    const auto engine = make_cpu_engine(data.problem, {threads});
    return train_population(*engine, data.problem, config, ensemble_plans(config, data.problem, first, last), {});
  };
  const auto crowd = trained(0, 50, 2);
  ASSERT_EQ(crowd.size(), 50u);
  for (const std::uint32_t id : {0u, 17u, 49u}) expect_same(trained(id, id + 1, 1).front(), crowd[id]);
  EXPECT_NE(crowd[0].classifier, crowd[1].classifier);
  EXPECT_NE(crowd[0].held_out, crowd[1].held_out);
}

TEST_F(IndependenceTest, RangesMergeIntoTheBytesOfOneRun) {
  const Config config = synthetic_config(folder_, {"ensemble.members=7"});
  train_small(config, folder_ / "whole", {.threads = 1});
  train_small(config, folder_ / "two_threads", {.threads = 2});
  EXPECT_EQ(result_bytes(folder_ / "two_threads"), result_bytes(folder_ / "whole"));

  train_small(config, folder_ / "a", {.threads = 1, .members = std::pair(0u, 3u)});
  train_small(config, folder_ / "b", {.threads = 2, .members = std::pair(3u, 4u)});
  train_small(config, folder_ / "c", {.threads = 2, .members = std::pair(4u, 7u)});
  merge_runs({folder_ / "c", folder_ / "a", folder_ / "b"}, folder_ / "merged/");
  EXPECT_EQ(result_bytes(folder_ / "merged"), result_bytes(folder_ / "whole"));
  const phaseselect::Run merged(folder_ / "merged");
  EXPECT_EQ(merged.members(), 7);
  EXPECT_EQ(merged.contents().run.at("members"), 7);
  const double whole = phaseselect::Run(folder_ / "whole").contents().run.at("metrics").at("mean_held_out_accuracy");
  const nlohmann::json& run = merged.contents().run;
  EXPECT_NEAR(run.at("metrics").at("mean_held_out_accuracy").get<double>(), whole, 1e-12);
  EXPECT_EQ(run.at("missing_members"), nlohmann::json::array());
  EXPECT_FALSE(run.contains("member_range") || run.contains("resumed")) << "true of one part only";
}

TEST_F(IndependenceTest, MergeSaysWhichMembersAreMissing) {
  const Config config = synthetic_config(folder_, {"ensemble.members=6"});
  train_small(config, folder_ / "a", {.members = std::pair(3u, 4u)});
  train_small(config, folder_ / "b", {.members = std::pair(0u, 2u)});
  nlohmann::json first = read_sealed(folder_ / "a/run.json", "");
  first["created"] = "2001-01-01T00:00:00Z";
  first["device"] = 7;
  write_bytes(folder_ / "a/run.json", sealed_text(first));
  merge_runs({folder_ / "a", folder_ / "b"}, folder_ / "merged");
  const nlohmann::json run = nlohmann::json::parse(read_bytes(folder_ / "merged/run.json"));
  EXPECT_EQ(run.at("missing_members"), (std::vector<std::uint32_t>{2, 4, 5}));
  EXPECT_NE(run.at("created"), "2001-01-01T00:00:00Z");
  EXPECT_EQ(run.at("merged").at(1).at("members"), (std::vector<std::uint32_t>{0, 1}));
  write_bytes(folder_ / "a/run.json", "\"text\"");
  EXPECT_NE(
      merge_error({folder_ / "b", folder_ / "a"}, folder_ / "m").find("run.json is damaged (it is not a JSON obj"),
      std::string::npos);
}

TEST_F(IndependenceTest, MergeRefusesWhatDoesNotBelongTogether) {
  const Config config = synthetic_config(folder_, {"ensemble.members=3"});
  train_small(config, folder_ / "a", {.members = std::pair(0u, 2u)});
  train_small(config, folder_ / "b", {.members = std::pair(1u, 3u)});
  Config other = config;
  other.ensemble.seed = 6;
  train_small(other, folder_ / "other", {.members = std::pair(2u, 3u)});
  EXPECT_NE(merge_error({folder_ / "a", folder_ / "b"}, folder_ / "m").find("member 1 is in both"), std::string::npos);
  EXPECT_NE(merge_error({folder_ / "a", folder_ / "other"}, folder_ / "m").find("their configuration differs"),
            std::string::npos);
  EXPECT_NE(merge_error({folder_ / "a"}, folder_ / "b").find("exists"), std::string::npos);
  EXPECT_NE(merge_error({folder_ / "missing"}, folder_ / "m").find("no such run"), std::string::npos);
  EXPECT_NE(merge_error({}, folder_ / "m").find("at least one run"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "m"));
  EXPECT_FALSE(has_partial_files(folder_.path()));
}

}  // namespace
}  // namespace phaseselect
