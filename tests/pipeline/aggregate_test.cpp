// aggregate and inspect on small tables and, where they are, on the real ones.
#include "host/io/sha256.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/error.hpp"
#include "tests/pipeline/commands_fixture.hpp"
#include "tests/real_data.hpp"

namespace phaseselect {
namespace {

// A request for the table in a folder, the notes and remarks of the command, and what it writes.
struct Aggregation {
  explicit Aggregation(const std::string& text) {
    small_data::write_file(folder / "formulas.csv", text);
    request.formulas = folder / "formulas.csv";
    request.output = folder / "out.csv";
    request.rejects = folder / "rejects.csv";
    execution.note = [this](const std::string& note) { notes.push_back(note); };
    execution.remark = [this](const std::string& remark) { remarks.push_back(remark); };
  }
  nlohmann::json run() const { return aggregate(request, execution); }
  std::string output() const { return small_data::read_file(request.output); }
  std::string rejects() const { return small_data::read_file(request.rejects); }

  small_data::Folder folder;
  AggregateRequest request;
  Execution execution;
  std::vector<std::string> notes, remarks;
};

std::ptrdiff_t lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

TEST(Aggregate, MergesByMaximumAndListsEveryReject) {
  Aggregation asked(
      "formula,Tc\nYBa2Cu3O7,90\nBa2YCu3O6.92,93\nXx2O,1\nLa=zO,2\nYBa2Cu3D0O6,none\nNaCl,nan\n\"Na, "
      "Cl\",3\nYBa2Cu3O6,5\n");
  asked.request.property = "Tc";
  const nlohmann::json result = asked.run();
  EXPECT_EQ(result["rows"], 8);
  EXPECT_EQ(result["fields"], 1);
  EXPECT_EQ(result["rejects"], 5);
  EXPECT_EQ(result["property"], "Tc");
  EXPECT_EQ(result["guessed"], false);
  EXPECT_EQ(result["values"], 3);
  EXPECT_EQ(result["range"], (nlohmann::json{5.0, 93.0}));
  ASSERT_EQ(asked.notes.size(), 6u) << joined(asked.notes);
  EXPECT_EQ(asked.notes[0], "property 'Tc': 3 values from 5 to 93");
  EXPECT_PRED2(contains, asked.notes[1], "formulas.csv:4: 'Xx2O'");
  ASSERT_EQ(asked.remarks.size(), 1u) << joined(asked.remarks);
  EXPECT_PRED2(contains, asked.remarks[0],
               "formulas.csv: 5 of 8 rows were not used, the first in line 4: 'Xx2O': unknown element 'Xx'");
  EXPECT_EQ(result["remarks"], nlohmann::json(asked.remarks));
  EXPECT_EQ(asked.output(), "phases,Tc,n_compositions,minimum,maximum_formula\nBa Cu O Y,93,3,5,Ba2YCu3O6.92\n");
  EXPECT_EQ(lines(asked.rejects()), 6);
  EXPECT_PRED2(contains, asked.rejects(), "line,text,reason\n4,Xx2O,");
  EXPECT_PRED2(contains, asked.rejects(), "\n8,\"Na, Cl\",");
}

TEST(Aggregate, AGuessedPropertyIsARemark) {
  Aggregation asked("formula,Tc\nNaCl,1\n");
  EXPECT_EQ(asked.run()["guessed"], true);
  EXPECT_TRUE(asked.notes.empty()) << joined(asked.notes);
  ASSERT_EQ(asked.remarks.size(), 1u);
  EXPECT_PRED2(contains, asked.remarks[0], "property 'Tc': 1 value from 1 to 1 (guessed");
}

TEST(Aggregate, ListsTheFirstTwentyRejects) {
  std::string text = "formula,Tc\nNaCl,1\n";
  for (int i = 0; i < 25; ++i) text += "Xx,1\n";
  Aggregation asked(text);
  EXPECT_EQ(asked.run()["rejects"], 25);
  ASSERT_EQ(asked.notes.size(), 21u);
  EXPECT_PRED2(contains, asked.notes[19], ":22:");
  EXPECT_EQ(asked.notes[20], "... and 5 more");
  EXPECT_EQ(lines(asked.rejects()), 26);
}

TEST(Aggregate, RejectsAreHarmlessInASpreadsheet) {
  Aggregation asked("formula,Tc\nNaCl,1\n=1+1,2\n+Na,2\n-Na,2\n@Na,2\n\"\tQq\",2\nNa=O,2\n");
  asked.run();
  for (const char* cell : {"\n3,'=1+1,", "\n4,'+Na,", "\n5,'-Na,", "\n6,'@Na,", "\n7,\\tQq,", "\n8,Na=O,"}) {
    EXPECT_PRED2(contains, asked.rejects(), cell);
  }
}

TEST(Aggregate, NothingIsWrittenWhenOneOutputFails) {
  Aggregation asked("formula,Tc\nNaCl,1\n");
  asked.request.rejects = asked.folder / "missing/rejects.csv";
  EXPECT_THROW(asked.run(), Error);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(asked.folder.path()), {}), 1);
}

TEST(Aggregate, RealSuperconductors) {
  PHASESELECT_NEEDS_DATA("supercon_compositions.csv");
  Aggregation asked("");
  asked.request.formulas = real_data() / "supercon_compositions.csv";
  const nlohmann::json result = asked.run();
  EXPECT_EQ(result["rows"], 14296);
  EXPECT_EQ(result["rejects"], 94);  // 87 with oxygen OY
  const auto rows = small_data::read_cells(asked.request.output);
  EXPECT_EQ(rows.size(), result["fields"].get<std::size_t>() + 1);
  std::size_t merged = 0;
  for (const auto& row : rows) merged += row[0] == "phases" ? 0 : std::stoul(row[2]);
  EXPECT_EQ(merged + 94, 14296u) << "rows are lost or counted twice";
}

TEST(Prepare, KeepsTheChecksumsOfBothTables) {
  const small_data::Folder folder;
  small_data::write_tables(folder);
  const PreparedData data = prepare(read_config(folder / "config.yaml"));
  EXPECT_EQ(data.identity, (DataIdentity{sha256_file(folder / "fields.csv"), sha256_file(folder / "formulas.csv")}));
}

TEST(Inspect, CountsOfSmallTables) {
  const small_data::Folder folder;
  small_data::write_tables(folder);
  small_data::write_file(folder / "fields.csv", small_data::fields_csv() + "O Xe,50\nLi Qq,3\nBa Ca O,1\n");
  const nlohmann::json result = inspect(read_config(folder / "config.yaml"), Execution{});
  EXPECT_EQ(result["environments"]["elements"], small_data::elements);
  EXPECT_EQ(result["environments"]["formulas"], 84);
  EXPECT_EQ(result["properties"]["rows"], 63);
  EXPECT_EQ(result["properties"]["fields"], 61);
  EXPECT_EQ(result["properties"]["duplicates_merged"], 1);
  EXPECT_EQ(result["properties"]["rejects"].size(), 1u);
  EXPECT_EQ(result["set_aside"]["unmodelled"], nlohmann::json::array({"O Xe"}));
  EXPECT_EQ(result["set_aside"]["unmodelled_elements"], (nlohmann::json{{"Xe", 1}}));
  EXPECT_EQ(result["classes"]["fields"], 60);
  EXPECT_EQ(result["classes"]["positives"].get<int>() + result["classes"]["negatives"].get<int>(), 60);
  EXPECT_GT(result["estimate"]["training_seconds"].get<double>(), 0);
}

TEST(Inspect, RealTables) {
  PHASESELECT_NEEDS_DATA("mp_formulas.csv");
  const small_data::Folder folder;
  small_data::write_file(folder / "config.yaml",
                         "data: {properties: " + (real_data() / "superconductors.csv").string() +
                             ", threshold: 10}\nenvironments: {formulas: " +
                             (real_data() / "mp_formulas.csv").string() + "}\nensemble: {members: 1}\n");
  const nlohmann::json environments = inspect(read_config(folder / "config.yaml"), Execution{})["environments"];
  EXPECT_EQ(environments["formulas"], 77402);
  EXPECT_EQ(environments["distinct"], 54653);
  EXPECT_EQ(environments["elements"], 87);
  EXPECT_EQ(environments["environments"], 63384);
  EXPECT_EQ(environments["ones"], 152990);
  EXPECT_EQ(environments["groups"], 10423);
  EXPECT_EQ(environments["grouped_ones"], 82852);
}

}  // namespace
}  // namespace phaseselect
