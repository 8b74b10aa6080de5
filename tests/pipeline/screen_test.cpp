// Screening: complete, sorted, equal to prediction, with known fields flagged or left out.
#include <algorithm>
#include <map>
#include <set>

#include "phaseselect/error.hpp"
#include "tests/ensemble/stand_in.hpp"
#include "tests/pipeline/commands_fixture.hpp"

namespace phaseselect {
namespace {

// Where each line of a text ends.
std::vector<std::size_t> line_ends(const std::string& text) {
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') ends.push_back(i + 1);
  }
  return ends;
}

using Rows = std::vector<std::vector<std::string>>;

class Screen : public SmallRun {
 protected:
  static ScreenRequest request(const std::string& output) {
    ScreenRequest result;
    result.run = run();
    result.output = folder() / output;
    return result;
  }
  static Rows screened(const ScreenRequest& request) {
    screen(request, Execution{});
    Rows rows = small_data::read_cells(request.output);
    rows.erase(rows.begin());
    return rows;
  }
  static std::string refusal(const ScreenRequest& request) {
    const std::string message = message_of<UsageError>([&] { screen(request, Execution{}); });
    EXPECT_FALSE(std::filesystem::exists(request.output));
    return message;
  }
};

TEST_F(Screen, EveryCombinationOnceBestFirst) {
  const Rows rows = screened(request("all.csv"));
  ASSERT_EQ(rows.size(), static_cast<std::size_t>(small_data::ternaries));
  std::set<std::string> fields;
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 10u);
    fields.insert(row[0]);
  }
  EXPECT_EQ(fields.size(), rows.size());
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const double before = std::stod(rows[i - 1][1]);
    const double now = std::stod(rows[i][1]);
    EXPECT_TRUE(before > now || (before == now && std::stod(rows[i - 1][3]) <= std::stod(rows[i][3]))) << i;
  }
  EXPECT_NE(rows.front()[1], rows.back()[1]) << "the model says the same of every field: the order is not tested";
}

TEST_F(Screen, EqualsPrediction) {
  const Rows rows = screened(request("all.csv"));
  std::string list = "phases\n";
  for (const auto& row : rows) list += row[0] + "\n";
  small_data::write_file(folder() / "list.csv", list);
  predict({run(), folder() / "list.csv", folder() / "predicted.csv", {}}, Execution{});
  Rows predicted = small_data::read_cells(folder() / "predicted.csv");
  ASSERT_EQ(predicted.size(), rows.size() + 1);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(predicted[i + 1].back(), "") << "the reason";
    predicted[i + 1].pop_back();
    EXPECT_EQ(predicted[i + 1], rows[i]);
  }
}

TEST_F(Screen, TopIsTheHeadOfTheWhole) {
  const Rows all = screened(request("all.csv"));
  ScreenRequest best = request("top.csv");
  best.top = 7;
  const Rows top = screened(best);
  ASSERT_EQ(top.size(), 7u);
  EXPECT_TRUE(std::equal(top.begin(), top.end(), all.begin()));
}

// 10,660 candidates: more than the engine is given at once.
TEST_F(Screen, TopIsTheHeadOfTheWholeAcrossChunks) {
  const small_data::Folder wide;
  small_data::write_wide_tables(wide);
  TrainRequest training;
  training.config = read_config(wide / "config.yaml", std::vector<std::string>{"ensemble.members=2"});
  training.run = wide / "run";
  Execution execution;
  execution.device = Device::cpu;
  train(training, execution);
  ScreenRequest request;
  request.run = training.run;
  request.output = wide / "all.csv";
  ASSERT_EQ(screen(request, execution)["screened"], 10660);
  const std::vector<std::size_t> ends = line_ends(small_data::read_file(wide / "all.csv"));
  ASSERT_EQ(ends.size(), 10661u);
  request.output = wide / "top.csv";
  for (const std::size_t top : {1u, 40u, 2500u, 8192u, 9000u, 10660u, 20000u}) {
    request.top = top;
    const nlohmann::json summary = screen(request, execution);
    EXPECT_EQ(summary["screened"], 10660);
    EXPECT_EQ(summary["written"], std::min<std::size_t>(top, 10660));
    const std::string head = small_data::read_file(wide / "all.csv").substr(0, ends[std::min<std::size_t>(top, 10660)]);
    EXPECT_TRUE(small_data::read_file(wide / "top.csv") == head) << "the best " << top;
  }
}

TEST_F(Screen, WithTopOnlyTheBestLeaveTheEngine) {
  Execution execution;
  execution.device = Device::cuda;
  execution.cuda = with_gpu();
  StandIn::rankings = 0;
  screen(request("all.csv"), execution);
  EXPECT_EQ(StandIn::rankings, 0);
  ScreenRequest best = request("top.csv");
  best.top = 7;
  screen(best, execution);
  EXPECT_EQ(StandIn::rankings, 1);
}

TEST_F(Screen, ChosenElementsAndKnownLists) {
  small_data::write_file(folder() / "known.csv", "phases,year\nO Li Ba,1999\nK Xx,2000\nXe O Li,2001\n");
  ScreenRequest chosen = request("chosen.csv");
  chosen.elements = {"Li", "Ba", "K", "O", "O", "Na"};
  chosen.exclude = {"Na"};
  chosen.known = {folder() / "known.csv"};
  std::vector<std::string> notes;
  Execution execution;
  execution.note = [&](const std::string& note) { notes.push_back(note); };
  const nlohmann::json summary = screen(chosen, execution);
  EXPECT_EQ(summary["candidates"], 4);
  EXPECT_EQ(summary["rejects"], 1);
  EXPECT_PRED2(contains, joined(notes), "known.csv:3");
  std::map<std::string, std::string> known;
  for (const auto& row : small_data::read_cells(chosen.output)) known[row[0]] = row[8];
  EXPECT_EQ(known.size(), 5u);
  EXPECT_EQ(known.at("Ba Li O"), "training;environments;reported");
  EXPECT_EQ(known.at("Ba K Li"), "");
}

// However elements are written, and whatever the run does not model.
TEST_F(Screen, ElementsInAnyNotationAndGroups) {
  const Rows plain = [] {
    ScreenRequest named = request("named.csv");
    named.elements = {"Ba", "K", "Li", "O"};
    return screened(named);
  }();
  std::vector<std::string> notes, remarks;
  Execution execution;
  execution.note = [&](const std::string& note) { notes.push_back(note); };
  execution.remark = [&](const std::string& remark) { remarks.push_back(remark); };
  using Words = std::vector<std::string>;
  for (const Words& elements : {Words{"Ba-K-Li-O"}, Words{"Ba, K,", "Li;O"}, Words{"O", "K", "K", "Li", "Ba"},
                                Words{"BaKO2", "Li"}, Words{"Ba K Li O @noble-gases"}}) {
    ScreenRequest other = request("other.csv");
    other.elements = elements;
    screen(other, execution);
    EXPECT_EQ(small_data::read_file(folder() / "other.csv"), small_data::read_file(folder() / "named.csv"))
        << elements.front();
  }
  EXPECT_EQ(remarks, (Words{"--elements: 'BaKO2' is a formula and read as Ba K O"}));
  EXPECT_PRED2(contains, joined(notes), "--elements: of @noble-gases this run does not model Ar He Kr Ne Rn Xe");
  remarks.clear();
  ScreenRequest excluding = request("excluding.csv");
  excluding.exclude = {"Xe,Na", "@Noble_Gases", "Ca-Mg", "Cl F S"};
  screen(excluding, execution);
  EXPECT_EQ(small_data::read_file(folder() / "excluding.csv"), small_data::read_file(folder() / "named.csv"));
  EXPECT_EQ(remarks.size(), 1u);
  EXPECT_PRED2(contains, joined(remarks), "--exclude: Xe is not modelled by this run");
}

// Also those that only --known and --reported read.
TEST_F(Screen, AListWithoutAUsableRowIsAnError) {
  small_data::write_file(folder() / "unusable.csv", "phases\nnonsense\nK Xx\n");
  small_data::write_file(folder() / "bare.csv", "phases\n");
  ScreenRequest bad = request("refused.csv");
  for (const auto& [list, message] : {std::pair("unusable.csv", "there is no usable row; line 2: "),
                                      std::pair("bare.csv", "there is no row below the header")}) {
    bad.known = {folder() / list};
    EXPECT_PRED2(contains, message_of<Error>([&] { screen(bad, Execution{}); }), message);
    EXPECT_FALSE(std::filesystem::exists(bad.output));
  }
  small_data::write_file(folder() / "columns.csv", "id,Stoff\n1,Li2O\n2,Li2BaO2\n3,?\n");
  ScreenRequest named = request("stuff.csv");
  named.known = {folder() / "columns.csv"};
  EXPECT_PRED2(contains, message_of<Error>([&] { screen(named, Execution{}); }),
               "the file has 'id', 'Stoff'; name one with --formula-column");
  named.format.column = "stoff";
  std::vector<std::string> remarks;
  Execution execution;
  execution.remark = [&](const std::string& remark) { remarks.push_back(remark); };
  const nlohmann::json summary = screen(named, execution);
  EXPECT_EQ(summary["reported_rows"], 2);
  EXPECT_EQ(summary["rejects"], 1);
  EXPECT_PRED2(contains, joined(remarks), "columns.csv: 1 of 3 rows was not used, the first in line 4: '?'");
}

TEST_F(Screen, UnknownOnlyLeavesAllKnownOut) {
  const Rows all = screened(request("all.csv"));
  ScreenRequest unknown = request("unknown.csv");
  unknown.unknown_only = true;
  const Rows rows = screened(unknown);
  const auto is_unknown = [](const auto& row) { return row[8].empty(); };
  EXPECT_EQ(rows.size(), static_cast<std::size_t>(std::count_if(all.begin(), all.end(), is_unknown)));
  EXPECT_TRUE(std::all_of(rows.begin(), rows.end(), is_unknown));
  EXPECT_EQ(rows.size(), small_data::ternaries - 60u) << "the training fields are 60 ternaries";
}

TEST_F(Screen, RefusesWhatHasNoCandidates) {
  ScreenRequest bad = request("refused.csv");
  bad.elements = {"Li", "Qq", "O"};
  EXPECT_PRED2(contains, refusal(bad), "--elements: 'Qq' cannot be read");
  bad.elements = {"Li", "Xe", "O"};
  EXPECT_PRED2(contains, refusal(bad), "Xe is not modelled");
  bad.elements = {"Li", "O", "K"};
  bad.exclude = {"K"};
  EXPECT_PRED2(contains, refusal(bad), "no candidate: 2 elements");
  bad.exclude = {"Qq"};
  EXPECT_PRED2(contains, refusal(bad), "--exclude");
  bad.exclude = {"@rare-earths"};
  EXPECT_PRED2(contains, refusal(bad), "--exclude: there is no group '@rare-earths': the groups are @radioactive");
  bad.exclude = {};
  bad.elements = {"Li", " , "};
  EXPECT_PRED2(contains, refusal(bad), "--elements: no element is named");
  bad.elements = {"@radioactive"};
  EXPECT_PRED2(contains, refusal(bad), "no candidate: 0 elements");
  bad = request("refused.csv");
  bad.arity = 4;
  EXPECT_PRED2(contains, refusal(bad), "--arity: 4");
  bad.arity = 0;
  EXPECT_PRED2(contains, refusal(bad), "--arity: 0");
  bad = request("refused.csv");
  bad.elements = {"Ba", "Li", "O"};
  bad.unknown_only = true;
  EXPECT_PRED2(contains, refusal(bad), "no candidate: all 1 are known");
}

TEST_F(Screen, InterruptedWritesNothing) {
  Execution execution;
  execution.stop_requested = [] { return true; };
  const ScreenRequest stopped = request("stopped.csv");
  EXPECT_THROW(screen(stopped, execution), Interrupted);
  EXPECT_FALSE(std::filesystem::exists(stopped.output));
}

}  // namespace
}  // namespace phaseselect
