// The map of a ranking: every field in its cell, the best unknown ones named, what cannot be drawn is counted.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <string>

#include "phaseselect/error.hpp"
#include "tests/pipeline/commands_fixture.hpp"

namespace phaseselect {
namespace {

class Map : public testing::Test {
 protected:
  // phases, probability, synthetic_uncertainty, accessibility, known, calibrated
  nlohmann::json draw(const std::string& rows, bool paper = false, std::size_t named = 15) {
    small_data::write_file(folder_ / "ranking.csv",
                           "phases,probability,synthetic_uncertainty,accessibility,known,calibrated\n" + rows);
    return draw_map({folder_ / "ranking.csv", folder_ / "map.svg", named, paper});
  }
  std::string picture() const { return small_data::read_file(folder_ / "map.svg"); }
  // Fields of each cell, by its corner "x y".
  std::map<std::string, int> cells() const {
    std::map<std::string, int> found;
    const std::string text = picture(), title = "<title>";
    for (std::size_t at = text.find(title); at != std::string::npos; at = text.find(title, at + 1)) {
      int x = 0, y = 0;
      EXPECT_EQ(std::sscanf(text.c_str() + text.rfind("<rect", at), "<rect x=\"%d\" y=\"%d\"", &x, &y), 2);
      found[std::to_string(x) + " " + std::to_string(y)] = std::stoi(text.substr(at + title.size()));
    }
    return found;
  }
  std::string refusal(const std::string& rows) {
    return message_of<Error>([&] { draw(rows); });
  }
  small_data::Folder folder_;
};

// 50 cells of 10 pixels from (70, 40): accessibility to the right, probability upwards.
TEST_F(Map, EveryFieldInItsCell) {
  const nlohmann::json result = draw(
      "Ba O,0.3,0.9,0,training,0\n"
      "Ba Cu,0.3,0.9,1,,1\n"
      "Ba Cu O,0.3,0.9,0.99,,0.985\n"
      "Cu O,0.3,0.9,0.5,,0.25\n"
      "Xe,,,,,\n");
  EXPECT_EQ(cells(), (std::map<std::string, int>{{"70 530", 1}, {"560 40", 2}, {"320 410", 1}}));
  EXPECT_EQ(result["fields"], 4);
  EXPECT_EQ(result["without_values"], 1);
  EXPECT_EQ(result["x"], "accessibility");
  EXPECT_EQ(result["y"], "calibrated");
  EXPECT_EQ(result["named"], (std::vector<std::string>{"Ba Cu", "Ba Cu O", "Cu O"}));
  EXPECT_PRED2(contains, picture(), ">1. Ba Cu  1.00 x 1.00<");
  EXPECT_FALSE(contains(picture(), "Ba O")) << "known";
}

TEST_F(Map, ThePapersAxes) {
  const std::string rows = "O Ba,0.3,0.85,0.1,,0.8\nBa Cu,0.7,0.5,0.1,,0.8\n";
  const nlohmann::json result = draw(rows, true, 1);
  EXPECT_EQ(result["x"], "synthetic_uncertainty");
  EXPECT_EQ(result["y"], "probability");
  EXPECT_EQ(cells(), (std::map<std::string, int>{{"140 380", 1}, {"320 180", 1}}));
  EXPECT_EQ(result["named"], (std::vector<std::string>{"Ba Cu"}));
  // Without the better columns they are the axes anyway.
  EXPECT_EQ(draw("O Ba,0.3,0.9,,,\n")["x"], "synthetic_uncertainty");
  EXPECT_EQ(draw("O Ba,0.3,0.9,,,\n")["named"][0], "Ba O");
}

TEST_F(Map, SaysWhatIsWrong) {
  EXPECT_PRED2(contains, refusal("Ba O,0.3,0.9,1.5,,0.2\n"),
               "ranking.csv:2: accessibility is 1.5, not between 0 and 1");
  EXPECT_PRED2(contains, refusal("<b>,0.3,0.9,0.5,,0.2\n"), "ranking.csv:2: '<b>' is no phase field");
  EXPECT_PRED2(contains, refusal("Ba O,,,,,\n"), "there is nothing to draw");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "map.svg"));
}

}  // namespace
}  // namespace phaseselect
