// Weights that are no numbers in a finished run: refused and named, or left out and said.
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "host/io/sealed_json.hpp"
#include "host/pipeline/loaded_run.hpp"
#include "host/pipeline/study.hpp"
#include "phaseselect/error.hpp"
#include "phaseselect/model/safetensors.hpp"
#include "tests/pipeline/commands_fixture.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

class DamagedMembers : public SmallRun {
 protected:
  // A copy of the run in which a tensor of these members begins with `value`, all checksums right.
  static fs::path damaged(const std::vector<std::size_t>& members, float value) {
    const fs::path copy = folder() / "damaged_weights";
    fs::remove_all(copy);
    fs::copy(run(), copy);
    const fs::path path = copy / "members.safetensors";
    const SafetensorsReader old(path);
    std::map<std::string, std::string> metadata = old.metadata();
    metadata.erase("sha256");
    const std::vector<TensorInfo> tensors(old.tensors().begin(), old.tensors().end());
    SafetensorsWriter file(path, tensors, metadata);
    for (const TensorInfo& tensor : tensors) {
      std::vector<std::byte> bytes(tensor.bytes());
      old.read(tensor.name, 0, bytes);
      if (tensor.name == "logit.weights") {
        for (const std::size_t member : members) {
          const std::size_t at = member * bytes.size() / tensor.shape.front();
          std::memcpy(bytes.data() + at, &value, sizeof(value));
        }
      }
      file.append(bytes);
    }
    const std::string checksum = file.seal();
    file.commit();
    nlohmann::json description = read_sealed(copy / "run.json", "");
    description["files"]["members.safetensors"] = checksum;
    small_data::write_file(copy / "run.json", sealed_text(description));
    return copy;
  }
};

TEST_F(DamagedMembers, AreNamed) {
  for (const float value : {std::nanf(""), std::numeric_limits<float>::infinity(), -HUGE_VALF}) {
    const std::string message = message_of<Error>([&, copy = damaged({1}, value)] { LoadedRun(copy, Execution{}); });
    EXPECT_PRED2(contains, message,
                 "members.safetensors is damaged (tensor 'logit.weights' of member 1 has a number that is infinite or "
                 "none): restore it from a copy, train again, or go without such members by --skip-damaged-members");
  }
  EXPECT_PRED2(contains, message_of<Error>([&, copy = damaged({0, 2}, NAN)] { LoadedRun(copy, Execution{}); }),
               "of member 0 has a number that is infinite or none, and another member has)");
}

TEST_F(DamagedMembers, AreLeftOutAndEveryResultSaysSo) {
  const fs::path copy = damaged({1}, NAN);
  std::string remarks;
  Execution execution;
  execution.skip_damaged_members = true;
  execution.remark = [&](const std::string& remark) { remarks += remark; };
  const std::vector<std::uint32_t> one{1};
  const nlohmann::json explained = explain(copy, "Ba Li O", execution);
  EXPECT_EQ(explained["damaged_members"], one);
  EXPECT_EQ(explained["members"], 2);
  EXPECT_PRED2(contains, remarks, "members.safetensors");
  EXPECT_PRED2(contains, remarks, "1");
  small_data::write_file(folder() / "some.csv", "phases\nBa Li O\nK O S\n");
  EXPECT_EQ(predict({copy, folder() / "some.csv", folder() / "some_out.csv", {}}, execution)["damaged_members"], one);
  ScreenRequest screening;
  screening.run = copy;
  screening.output = folder() / "some_ranking.csv";
  EXPECT_EQ(screen(screening, execution)["damaged_members"], one);
  EXPECT_EQ(study_metals(copy, 2, execution).counts["damaged_members"], one);
  export_embeddings(copy, folder() / "some_features.csv", execution);
  const std::string comment = "# without the members 1, whose weights are damaged\n";
  for (const char* name : {"some_out.csv", "some_ranking.csv", "some_features.csv"}) {
    EXPECT_EQ(small_data::read_file(folder() / name).substr(0, comment.size()), comment) << name;
  }
  EXPECT_EQ(to_csv(study_metals(copy, 2, execution)).substr(0, comment.size()), comment);
  // The mean of the two that are sound.
  LoadedRun whole(run(), Execution{});
  std::vector<std::int16_t> rows;
  const PhaseField field = parse_phase_field("Ba Li O");
  ASSERT_TRUE(ElementRows(whole.contents().elements).append(field, 3, rows));
  double mean = 0;
  for (const Slot slot : {0, 2}) {
    float probability = 0;
    whole.engine().probabilities(std::span(&slot, 1), {3, rows}, std::span(&probability, 1));
    mean += probability / 2.0;
  }
  EXPECT_NEAR(explained["probability"].get<double>(), mean, 1e-6);
}

// A merge has no such option.
TEST_F(DamagedMembers, AreRefusedByMerge) {
  const std::string message =
      message_of<Error>([&, copy = damaged({1}, NAN)] { merge_runs({copy}, folder() / "never"); });
  EXPECT_PRED2(contains, message,
               "of member 1 has a number that is infinite or none): restore it from a copy or train again");
  EXPECT_FALSE(fs::exists(folder() / "never"));
}

TEST_F(DamagedMembers, NoneLeftIsAnError) {
  Execution execution;
  execution.skip_damaged_members = true;
  EXPECT_PRED2(contains, message_of<Error>([&, copy = damaged({0, 1, 2}, NAN)] { LoadedRun(copy, execution); }),
               "is damaged (no member has finite weights)");
}

TEST_F(DamagedMembers, SoundRunsSayNothing) {
  Execution execution;
  execution.skip_damaged_members = true;
  execution.remark = [](const std::string& remark) { ADD_FAILURE() << remark; };
  EXPECT_FALSE(explain(run(), "Ba Li O", execution).contains("damaged_members"));
}

}  // namespace
}  // namespace phaseselect
