// The seal of a JSON file: what changes a result breaks it, when and where it was made does not.
#include "host/io/sealed_json.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "phaseselect/error.hpp"
#include "tests/unit/temporary_file.hpp"

namespace phaseselect {
namespace {

nlohmann::json description() {
  return {{"created", "2026-01-01T00:00:00Z"},
          {"calibration", {{"slope", 1.25}, {"shift", -0.5}, {"validation", "/a/cv"}}},
          {"merged", {{{"run", "/a"}, {"members", 2}, {"resumed", false}}, {{"run", "/b"}, {"members", 3}}}},
          {"timings", {{"training_seconds", 1.0}}},
          {"members", 5}};
}

std::string refusal(const std::string& text) {
  const TemporaryFile file(text);
  try {
    read_sealed(file.path(), "train again");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(SealedJson, ReadsBackWithoutItsSeal) {
  const TemporaryFile file(sealed_text(description()));
  EXPECT_EQ(read_sealed(file.path(), ""), description());
  EXPECT_EQ(sealed_text(nlohmann::json::parse(sealed_text(description()))), sealed_text(description()))
      << "a seal that is there is replaced";
}

TEST(SealedJson, TheSameResultHasTheSameSeal) {
  nlohmann::json other = description();
  other["created"] = "2027-01-01T00:00:00Z";
  other["timings"]["training_seconds"] = 9.0;
  other["device"] = "another";
  other["calibration"]["validation"] = "/b/cv";
  other["merged"][0]["run"] = "/c";
  const auto seal = [](const nlohmann::json& json) { return nlohmann::json::parse(sealed_text(json)).at("sha256"); };
  EXPECT_EQ(seal(other), seal(description()));
  for (const char* pointer : {"/calibration/slope", "/merged/1/members", "/members"}) {
    nlohmann::json changed = description();
    changed[nlohmann::json::json_pointer(pointer)] = 7;
    EXPECT_NE(seal(changed), seal(description())) << pointer;
  }
}

TEST(SealedJson, EveryFlippedBitBreaksItOrChangesACircumstance) {
  const std::string good = sealed_text(description());
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    const TemporaryFile file(bad);
    nlohmann::json read;
    try {
      read = read_sealed(file.path(), "");
    } catch (const Error&) {
      continue;
    }
    ++accepted;
    for (const char* pointer : {"/calibration/slope", "/calibration/shift", "/merged/0/members", "/members"}) {
      const nlohmann::json::json_pointer place(pointer);
      EXPECT_EQ(read.at(place), description().at(place)) << "bit " << bit;
    }
  }
  EXPECT_LT(accepted, good.size()) << "most bits are under the seal";
}

TEST(SealedJson, EveryTruncationIsRefused) {
  const std::string good = sealed_text(description());
  for (std::size_t size = 0; size + 1 < good.size(); ++size) EXPECT_NE(refusal(good.substr(0, size)), "accepted");
}

TEST(SealedJson, SaysWhatIsWrong) {
  EXPECT_NE(refusal("[1]").find("is damaged (it is not a JSON object): restore it from a copy or train again"),
            std::string::npos);
  EXPECT_NE(refusal("{\"a\": 1}").find("it has no checksum"), std::string::npos);
  EXPECT_NE(refusal("{\"a\": 1, \"sha256\": 5}").find("its contents are not those"), std::string::npos);
  EXPECT_NE(refusal("{").find("it is not valid JSON"), std::string::npos);
}

}  // namespace
}  // namespace phaseselect
