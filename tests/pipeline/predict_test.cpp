// predict, explain and export on a small run.
#include <cmath>

#include "host/pipeline/loaded_run.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/error.hpp"
#include "tests/pipeline/commands_fixture.hpp"

namespace phaseselect {
namespace {

class Predict : public SmallRun {};
class Explain : public SmallRun {};
class Export : public SmallRun {};

TEST_F(Predict, RowsStayInOrderAndNothingIsDropped) {
  small_data::write_file(folder() / "mixed.csv",
                         "name,phases\na,O Xe\nb,Li O K\nc,nonsense\nd,Li Na K O\ne,O Li K\nf,Ba\n");
  std::vector<std::string> notes;
  Execution execution;
  execution.note = [&](const std::string& note) { notes.push_back(note); };
  const nlohmann::json summary = predict({run(), folder() / "mixed.csv", folder() / "mixed_out.csv", {}}, execution);
  const auto rows = small_data::read_cells(folder() / "mixed_out.csv");
  ASSERT_EQ(rows.size(), 7u);
  EXPECT_EQ(rows[0], (std::vector<std::string>{"phases", "probability", "probability_std", "reconstruction_error",
                                               "synthetic_uncertainty", "uncertainty_percentile", "accessibility",
                                               "accessibility_std", "known", "calibrated", "reason", "name"}));
  const auto expect_unjudged = [](const std::vector<std::string>& row, const char* phases, const char* reason,
                                  const char* name) {
    ASSERT_EQ(row.size(), 12u);
    EXPECT_EQ(row[0], phases);
    for (std::size_t i = 1; i < 10; ++i) EXPECT_EQ(row[i], "") << i;
    EXPECT_PRED2(contains, row[10], reason);
    EXPECT_EQ(row[11], name);
  };
  expect_unjudged(rows[1], "O Xe", "the run does not model Xe", "a");
  expect_unjudged(rows[3], "nonsense", "unexpected 'n' at position 1", "c");
  expect_unjudged(rows[4], "K Li Na O", "the field has 4 elements", "d");
  const std::string long_text(300, 'x');
  small_data::write_file(folder() / "long.csv", "phases\nBa Li O\n=" + long_text + "\n");
  predict({run(), folder() / "long.csv", folder() / "long_out.csv", {}}, Execution{});
  EXPECT_EQ(small_data::read_cells(folder() / "long_out.csv")[2][0], "'=" + long_text) << "whole, and no formula";
  EXPECT_EQ(std::vector(rows[2].begin(), rows[2].end() - 1), std::vector(rows[5].begin(), rows[5].end() - 1))
      << "the same field twice";
  EXPECT_EQ(rows[2][0], "K Li O");
  EXPECT_NE(rows[2][1], "");
  EXPECT_EQ(rows[2][10], "");
  EXPECT_EQ(rows[5].back(), "e");
  EXPECT_EQ(rows[6][0], "Ba");
  EXPECT_EQ(rows[6][8], "");
  EXPECT_EQ(summary["rows"], 6);
  EXPECT_EQ(summary["fields"], 5);
  EXPECT_EQ(summary["predicted"], 3);
  EXPECT_EQ(summary["unmodelled"], 1);
  EXPECT_EQ(summary["too_large"], 1);
  EXPECT_EQ(summary["rejects"], 1);
  EXPECT_PRED2(contains, joined(notes), "mixed.csv:4: 'nonsense'");
}

// Cells are as they were, whatever is in them, and stand under a name of their own; ragged rows are rows too.
TEST_F(Predict, ColumnsOfTheListAreKept) {
  small_data::write_file(folder() / "wide.csv",
                         "known,Formula,\"note, long\",input_known,reason\n"
                         "yes,Li2O,\" =1+1 \",x,r1\n"
                         "no,Li2O,\"a\"\"b\",y\n"
                         "no,LiKO,c,z,r3,more\n");
  std::vector<std::string> remarks;
  Execution execution;
  execution.remark = [&](const std::string& remark) { remarks.push_back(remark); };
  const nlohmann::json summary = predict({run(), folder() / "wide.csv", folder() / "wide_out.csv", {}}, execution);
  EXPECT_EQ(summary["rows"], 3);
  EXPECT_EQ(summary["rejects"], 2);
  const CsvTable table = read_csv(folder() / "wide_out.csv");
  const std::vector<std::string_view> own(table.header().begin() + 11, table.header().end());
  EXPECT_EQ(own, (std::vector<std::string_view>{"input_input_known", "Formula", "note, long", "input_known",
                                                "input_reason"}));
  ASSERT_EQ(table.rows().size(), 3u);
  const auto own_cells = [&](std::size_t row) {
    return std::vector<std::string_view>(table.rows()[row].cells.begin() + 11, table.rows()[row].cells.end());
  };
  EXPECT_EQ(own_cells(0), (std::vector<std::string_view>{"yes", "Li2O", " =1+1 ", "x", "r1"}));
  EXPECT_EQ(own_cells(1), (std::vector<std::string_view>{"no", "Li2O", "a\"b", "y", ""}));
  EXPECT_EQ(own_cells(2), (std::vector<std::string_view>{"no", "LiKO", "c", "z", "r3"}));
  EXPECT_EQ(table.rows()[0].cells[0], "Li O");
  EXPECT_EQ(table.rows()[1].cells[0], "");
  EXPECT_EQ(table.rows()[1].cells[10], "the row has 4 cells where the header has 5: no,Li2O,a\"b,y");
  EXPECT_EQ(table.rows()[2].cells[10], "the row has 6 cells where the header has 5: no,LiKO,c,z,r3,more");
  EXPECT_PRED2(contains, joined(remarks), "column 'known' is called 'input_input_known' in the output");
  EXPECT_PRED2(contains, joined(remarks), "wide.csv: 2 of 3 rows were not used, the first in line 3");

  predict({run(), folder() / "wide.csv", folder() / "other_out.csv", {"FORMULA", DecimalMark::point}}, Execution{});
  EXPECT_EQ(small_data::read_file(folder() / "other_out.csv"), small_data::read_file(folder() / "wide_out.csv"));
}

TEST_F(Predict, DecimalCommasOfAList) {
  small_data::write_file(folder() / "commas.csv", "formula;x\nLi1,5O2;1\n");
  const std::string refusal = message_of<Error>([] {
    predict({run(), folder() / "commas.csv", folder() / "commas_out.csv", {}}, Execution{});
  });
  EXPECT_PRED2(contains, refusal, "--decimal ,");
  predict({run(), folder() / "commas.csv", folder() / "commas_out.csv", {"", DecimalMark::comma}}, Execution{});
  EXPECT_EQ(small_data::read_cells(folder() / "commas_out.csv")[1][0], "Li O");
}

TEST_F(Predict, AListOfWhichNothingCanBeJudgedIsAnError) {
  const auto refusal = [](const std::string& rows) {
    small_data::write_file(folder() / "bad.csv", "phases\n" + rows);
    const std::string message = message_of<Error>([] {
      predict({run(), folder() / "bad.csv", folder() / "bad_out.csv", {}}, Execution{});
    });
    EXPECT_FALSE(std::filesystem::exists(folder() / "bad_out.csv"));
    return message;
  };
  EXPECT_PRED2(contains, refusal("Qq\n?\n"), "bad.csv: there is no usable row; line 2: ");
  EXPECT_PRED2(contains, refusal(""), "there is no row below the header");
  EXPECT_PRED2(contains, refusal("?\nLi Xe\nLi Na K O\n"), "no row can be judged; line 3: the run does not model Xe");
}

TEST_F(Predict, EqualsTheMembersOneByOne) {
  predict({run(), folder() / "fields.csv", folder() / "out.csv", {}}, Execution{});
  const auto rows = small_data::read_cells(folder() / "out.csv");
  const auto inputs = small_data::read_cells(folder() / "fields.csv");
  ASSERT_EQ(rows.size(), inputs.size());
  LoadedRun loaded(run(), Execution{});
  const ElementRows element_rows(loaded.contents().elements);
  float smallest = INFINITY, largest = -INFINITY;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::vector<std::int16_t> indices;
    ASSERT_TRUE(element_rows.append(parse_phase_field(inputs[i][0]), 3, indices));
    double probability = 0, error = 0;
    std::vector<float> each;
    for (Slot slot = 0; slot < loaded.run().members(); ++slot) {
      float p = 0, e = 0;
      loaded.engine().probabilities(std::span(&slot, 1), {3, indices}, std::span(&p, 1));
      loaded.engine().reconstruction_errors(std::span(&slot, 1), {3, indices}, std::span(&e, 1));
      probability += p / 3.0;
      error += e / 3.0;
      each.push_back(p);
    }
    double variance = 0;
    for (const float p : each) variance += (p - probability) * (p - probability) / 3;
    EXPECT_NEAR(std::stod(rows[i][1]), probability, 1e-6);
    EXPECT_NEAR(std::stod(rows[i][2]), std::sqrt(variance), 1e-6);
    EXPECT_NEAR(std::stod(rows[i][3]), error, 1e-5);
    const float percentile = std::stof(rows[i][5]);
    EXPECT_EQ(percentile, loaded.run().percentile(std::stof(rows[i][3])));
    EXPECT_TRUE(percentile >= 0 && percentile <= 100);
    smallest = std::min(smallest, std::stof(rows[i][4]));
    largest = std::max(largest, std::stof(rows[i][4]));
    EXPECT_PRED2(contains, rows[i][8], "training");
  }
  EXPECT_EQ(smallest, 0);
  EXPECT_EQ(largest, 1);
}

TEST_F(Predict, OneFieldHasNoRangeToNormaliseWith) {
  small_data::write_file(folder() / "one.csv", "formula\nLi2O\n");
  predict({run(), folder() / "one.csv", folder() / "one_out.csv", {}}, Execution{});
  EXPECT_EQ(small_data::read_cells(folder() / "one_out.csv")[1][4], "0");
}

TEST_F(Explain, AttentionSumsToOneAndNeighboursAreNear) {
  const nlohmann::json result = explain(run(), "O Li Ba", Execution{});
  EXPECT_EQ(result["phases"], "Ba Li O");
  EXPECT_EQ(result["known"], "training;environments");
  double sum = 0;
  for (const auto& row : result["attention"]) sum += row["attention"].get<double>();
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_EQ(result["attention"][1]["element"], "Li");
  ASSERT_EQ(result["nearest"].size(), 10u);
  EXPECT_EQ(result["nearest"][0]["phases"], "Ba Li O");
  EXPECT_EQ(result["nearest"][0]["similarity"], 1.0);
  EXPECT_EQ(result["nearest"][0]["label"], 1);

  small_data::write_file(folder() / "explained.csv", "phases\nBa Li O\n");
  predict({run(), folder() / "explained.csv", folder() / "explained_out.csv", {}}, Execution{});
  const auto row = small_data::read_cells(folder() / "explained_out.csv")[1];
  EXPECT_FLOAT_EQ(std::stof(row[1]), result["probability"].get<float>());
  EXPECT_FLOAT_EQ(std::stof(row[5]), result["uncertainty_percentile"].get<float>());
}

TEST_F(Explain, FieldsInAnyNotation) {
  std::vector<std::string> remarks;
  Execution execution;
  execution.remark = [&](const std::string& remark) { remarks.push_back(remark); };
  for (const char* field : {"Ba-Li-O", "Ba,Li,O", "O / Li / Ba", "Ba Ba Li O", "BaLi2O2", "{Ba, Li, O}"}) {
    EXPECT_EQ(explain(run(), field, execution)["phases"], "Ba Li O") << field;
  }
  EXPECT_EQ(remarks, (std::vector<std::string>{"'Ba Ba Li O' names an element twice, which counts once",
                                               "'BaLi2O2' is a formula and read as Ba Li O"}));
}

TEST_F(Explain, RefusesFieldsItCannotJudge) {
  const auto refusal = [](const char* field) {
    return message_of<UsageError>([&] { explain(run(), field, Execution{}); });
  };
  EXPECT_PRED2(contains, refusal("Li Qq"), "Qq");
  EXPECT_PRED2(contains, refusal("Li Xe"), "Xe is not modelled");
  EXPECT_PRED2(contains, refusal("Li Na K O"), "4 elements");
  EXPECT_PRED2(contains, refusal(""), "cannot be read");
}

TEST_F(Export, OneRowPerMemberAndElement) {
  export_embeddings(run(), folder() / "embeddings.csv", Execution{});
  const auto rows = small_data::read_cells(folder() / "embeddings.csv");
  ASSERT_EQ(rows.size(), 1u + 3 * small_data::elements);
  EXPECT_EQ(rows[0],
            (std::vector<std::string>{"member", "element", "feature_0", "feature_1", "feature_2", "feature_3"}));
  LoadedRun loaded(run(), Execution{});
  std::vector<float> features(small_data::elements * 4);
  const Slot slot = 2;
  loaded.engine().element_features(std::span(&slot, 1), features);
  const auto& row = rows[1 + 2 * small_data::elements + 3];
  EXPECT_EQ(row[0], "2");
  EXPECT_EQ(row[1], symbol(loaded.contents().elements[3]));
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(std::stof(row[2 + k]), features[3 * 4 + k]);
}

}  // namespace
}  // namespace phaseselect
