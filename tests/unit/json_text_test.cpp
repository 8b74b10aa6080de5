// JSON of others: deep, long and broken.
#include "host/io/json_text.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "phaseselect/error.hpp"
#include "tests/unit/temporary_file.hpp"

namespace phaseselect {
namespace {

std::string refusal(const std::string& text) {
  return message_of<Error>([&] { parse_json(text); });
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

// In bytes, of this process since it began.
long peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024L;
}

TEST(Json, WhatIsWrittenIsReadAgain) {
  const nlohmann::json json = {{"a", {1, 2.5, "text \"[{\\"}}, {"b", nullptr}};
  EXPECT_EQ(parse_json(json_text(json)), json);
  EXPECT_EQ(parse_json("[]"), nlohmann::json::array());
}

TEST(Json, Malformed) {
  EXPECT_EQ(refusal(""), "it is not valid JSON at byte 1");
  EXPECT_EQ(refusal("{\"a\": 1,}"), "it is not valid JSON at byte 9");
  EXPECT_EQ(refusal("[1] [2]"), "it is not valid JSON at byte 5");
  EXPECT_EQ(refusal("[NaN]"), "it is not valid JSON at byte 2");
  EXPECT_EQ(refusal("[1e999]"), "its JSON has a number that is too large");
  EXPECT_PRED2(contains, refusal("[\"\xFF\"]"), "not valid JSON");
  EXPECT_PRED2(contains, refusal("[\""), "not valid JSON");
}

TEST(Json, Depth) {
  EXPECT_EQ(refusal(nested(deepest_json)), "");
  EXPECT_EQ(refusal(nested(deepest_json + 1)), "its JSON is nested more than 64 deep");
  EXPECT_EQ(refusal(std::string(deepest_json + 1, '[')), "its JSON is nested more than 64 deep");
  EXPECT_EQ(refusal("[\"" + std::string(100, '[') + "\\\"" + std::string(100, '{') + "\"]"), "");  // in a string
  std::string objects;
  for (int i = 0; i < 65; ++i) objects += "{\"a\":";
  EXPECT_EQ(refusal(objects), "its JSON is nested more than 64 deep");
}

TEST(Json, ABombTakesNoMemory) {
  const std::string bomb = nested(10'000'000);
  const long before = peak_memory();
  EXPECT_EQ(refusal(bomb), "its JSON is nested more than 64 deep");
  EXPECT_LT(peak_memory() - before, 4'000'000);
}

}  // namespace
}  // namespace phaseselect
