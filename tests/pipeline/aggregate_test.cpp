// aggregate and inspect on small tables and, where they are, on the real ones.
#include "host/io/sha256.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/error.hpp"
#include "tests/pipeline/commands_fixture.hpp"
#include "tests/real_data.hpp"

namespace phaseselect {
namespace {

TEST(Aggregate, MergesByMaximumAndListsEveryReject) {
  const small_data::Folder folder;
  small_data::write_file(
      folder / "formulas.csv",
      "formula,Tc\nYBa2Cu3O7,90\nBa2YCu3O6.92,93\nXx2O,1\nLa=zO,2\nYBa2Cu3D0O6,none\nNaCl,nan\n\"Na, "
      "Cl\",3\nYBa2Cu3O6,5\n");
  std::vector<std::string> notes;
  Execution execution;
  execution.note = [&](const std::string& note) { notes.push_back(note); };
  const AggregateResult result =
      aggregate(folder / "formulas.csv", "Tc", folder / "out.csv", folder / "rejects.csv", execution);
  EXPECT_EQ(result.rows, 8u);
  EXPECT_EQ(result.fields, 1u);
  EXPECT_EQ(result.rejects, 5u);
  EXPECT_EQ(notes.size(), 5u);
  EXPECT_PRED2(contains, notes[0], "formulas.csv:4: 'Xx2O'");
  EXPECT_EQ(small_data::read_file(folder / "out.csv"),
            "phases,Tc,n_compositions,minimum,maximum_formula\nBa Cu O Y,93,3,5,Ba2YCu3O6.92\n");
  const std::string rejects = small_data::read_file(folder / "rejects.csv");
  EXPECT_EQ(std::count(rejects.begin(), rejects.end(), '\n'), 6);
  EXPECT_PRED2(contains, rejects, "line,text,reason\n4,Xx2O,");
  EXPECT_PRED2(contains, rejects, "\n8,\"Na, Cl\",");
}

TEST(Aggregate, NothingIsWrittenWhenOneOutputFails) {
  const small_data::Folder folder;
  small_data::write_file(folder / "formulas.csv", "formula,Tc\nNaCl,1\n");
  EXPECT_THROW(aggregate(folder / "formulas.csv", "", folder / "out.csv", folder / "missing/rejects.csv", Execution{}),
               Error);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Aggregate, RealSuperconductors) {
  PHASESELECT_NEEDS_DATA("supercon_compositions.csv");
  const small_data::Folder folder;
  std::size_t notes = 0;
  Execution execution;
  execution.note = [&](const std::string&) { ++notes; };
  const AggregateResult result =
      aggregate(real_data() / "supercon_compositions.csv", "Tc", folder / "out.csv", folder / "rejects.csv", execution);
  EXPECT_EQ(result.rows, 14296u);
  EXPECT_GT(result.rejects, 0u);
  EXPECT_EQ(notes, result.rejects);
  EXPECT_EQ(small_data::read_cells(folder / "out.csv").size(), result.fields + 1);
  std::size_t merged = 0;
  for (const auto& row : small_data::read_cells(folder / "out.csv"))
    merged += row[0] == "phases" ? 0 : std::stoul(row[2]);
  EXPECT_EQ(merged + result.rejects, result.rows) << "rows are lost or counted twice";
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
