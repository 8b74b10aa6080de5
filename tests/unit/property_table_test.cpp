// Aggregation of compositions to phase fields, the threshold rule, lists of fields, and the real tables.
#include "phaseselect/data/property_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "phaseselect/error.hpp"
#include "temporary_file.hpp"
#include "tests/real_data.hpp"

namespace phaseselect {
namespace {

PropertyTable read(std::string_view text, const std::string& property = "") {
  const TemporaryFile file(text);
  return read_property_table(file.path(), {property});
}

template <class E = Error>
std::string failure(std::string_view text, const std::string& property = "") {
  return message_of<E>([&] { read(text, property); });
}

TEST(PropertyTable, MergesCompositionsByMaximum) {
  const PropertyTable table =
      read("formula,Tc\nY1Ba2Cu3O6.5,55\nMgB2,39\nYBa2Cu3O7,93\nY Ba2 Cu3 O6.92,93\nYBa2Cu4O8D0,0\n");
  EXPECT_EQ(table.property, "Tc");
  EXPECT_EQ(table.rows, 5u);
  EXPECT_TRUE(table.rejects.empty());
  ASSERT_EQ(table.records.size(), 2u);
  EXPECT_EQ(to_string(table.records[0].field), "B Mg");
  const FieldRecord& cuprate = table.records[1];
  EXPECT_EQ(to_string(cuprate.field), "Ba Cu O Y");
  EXPECT_EQ(cuprate.value, 93);
  EXPECT_EQ(cuprate.minimum, 0);
  EXPECT_EQ(cuprate.compositions, 4u);
  EXPECT_EQ(cuprate.maximum_formula, "YBa2Cu3O7");  // the first of equals
}

TEST(PropertyTable, NegativeMaximaAreKept) {
  const PropertyTable table = read("phases,energy\nO Fe,-3\nFe O,-5\n");
  ASSERT_EQ(table.records.size(), 1u);
  EXPECT_EQ(table.records[0].value, -3);
  EXPECT_EQ(table.records[0].minimum, -5);
  EXPECT_EQ(table.records[0].maximum_formula, "O Fe");
}

TEST(PropertyTable, UnusableRowsAreListedInFileOrder) {
  const PropertyTable table = read("formula,Tc\nO10=q,21\nFe,nan\nCo,\nXx,1\nNi,2\n\"Cu\",\"1,5\"\nZn0,3\n");
  EXPECT_EQ(table.rows, 7u);
  ASSERT_EQ(table.records.size(), 1u);
  ASSERT_EQ(table.rejects.size(), 6u);
  const std::size_t lines[] = {2, 3, 4, 5, 7, 8};
  const char* const reasons[] = {"unexpected '='",
                                 "the value of 'Tc' is a word for a missing one: 'nan'",
                                 "the value of 'Tc' is empty",
                                 "unknown element 'Xx'",
                                 "the value of 'Tc' has a decimal comma",
                                 "no element is left"};
  for (std::size_t i = 0; i < table.rejects.size(); ++i) {
    EXPECT_EQ(table.rejects[i].line, lines[i]);
    EXPECT_TRUE(contains(table.rejects[i].reason, reasons[i])) << table.rejects[i].reason;
  }
  EXPECT_EQ(table.rejects[0].text, "O10=q");
}

TEST(PropertyTable, FormulaWinsOverPhases) {
  const PropertyTable table = read("phases,formula,Tc\nFe O,MgB2,39\n", "Tc");
  EXPECT_EQ(to_string(table.records.at(0).field), "B Mg");
  EXPECT_EQ(table.records[0].maximum_formula, "MgB2");
}

TEST(PropertyTable, ThePropertyColumnIsGuessedOnlyWhereItIsTheOnlyOne) {
  const PropertyTable guessed = read("formula,Tc\nFe,1\nCo,20\nNi,5\n");
  EXPECT_TRUE(guessed.guessed);
  EXPECT_EQ(guessed.minimum, 1);
  EXPECT_EQ(guessed.maximum, 20);
  EXPECT_FALSE(read("formula,Tc\nFe,1\n", "Tc").guessed);
  // An index, an empty column without a name, other names of materials and what aggregate adds are no properties.
  for (const char* text : {",formula,Tc\n0,Fe,1\n", "Unnamed: 0,formula,Tc\n0,Fe,1\n", "formula,Tc,\nFe,1,\n",
                           "formula,Composition,material,Tc\nFe,a,b,1\n", "name,phases,elements,Tc\nx,Fe,2,1\n",
                           "phases,Tc,n_compositions,minimum,maximum_formula\nFe,1,1,1,Fe\n"}) {
    EXPECT_EQ(read(text).property, "Tc") << text;
  }
  // Every other column is a candidate, numeric or not, with one bad cell or many.
  for (const char* text : {"formula,note,Tc\nFe,a,1\n", "formula,Tc,gap\nFe,1,2\n", "formula,Tc,P\nLi,>20,48\n",
                           "formula,Tc,\nFe,1,x\n", "formula,Tc,\nFe,1,\nCo,1,x\n", ",,formula,Tc\n0,1,Fe,1\n",
                           "formula,Tc,n compositions\nFe,1,2\n", "formula,Tc,x\nFe,1,\n"}) {
    EXPECT_TRUE(contains(failure(text), "it is not clear which of the columns '")) << text;
  }
  EXPECT_TRUE(contains(failure("formula,Tc,gap\nFe,1,2\n"),
                       "which of the columns 'formula', 'Tc', 'gap' is the property; name it with data.property"));
  EXPECT_TRUE(contains(failure("formula\nFe\n"), "no property column"));
  EXPECT_EQ(read("formula,Tc,gap\nFe,1,2\n", "gap").records.at(0).value, 2);
  EXPECT_EQ(read("formula,field,gap\nFe,1,2\n", "field").records.at(0).value, 1);
}

TEST(PropertyTable, ColumnsAreFoundByName) {
  EXPECT_EQ(read("FORMULA,tc\nFe,1\n", "Tc").property, "tc");
  EXPECT_EQ(read("formula,Tc,TC\nFe,1,2\n", "TC").records.at(0).value, 2);
  EXPECT_TRUE(contains(failure("formula,Tc,Tc\nFe,1,2\n", "Tc"), "columns 2 and 3 are both named 'Tc'"));
  EXPECT_TRUE(contains(failure("formula,Formula,Tc\nFe,Co,2\n", "x"), "no property column 'x'"));
  const TemporaryFile file("sample,stuff,Tc\nx,MgB2,39\n");
  EXPECT_EQ(to_string(read_property_table(file.path(), {"Tc", "Stuff"}).records.at(0).field), "B Mg");
  const std::string missing = message_of<UsageError>([&] { read_property_table(file.path(), {"Tc", "formel"}); });
  EXPECT_TRUE(contains(missing, "no column 'formel' (data.formula); the file has 'sample', 'stuff', 'Tc'")) << missing;
}

TEST(PropertyTable, SynonymsAreSaid) {
  for (const char* name : {"composition", "Chemical Formula", "_chemical_formula_sum", "pretty_formula", "Compound",
                           "material", "name", " \u00A0reduced-formula\uFEFF"}) {
    const PropertyTable table = read(std::string(name) + ",Tc\nMgB2,39\n");
    EXPECT_EQ(to_string(table.records.at(0).field), "B Mg") << name;
    ASSERT_EQ(table.remarks.size(), 1u) << name;
    EXPECT_TRUE(contains(table.remarks[0], "' is read as the formula")) << table.remarks[0];
  }
  const PropertyTable fields = read("chemsys,Tc\nMg-B,39\n");
  EXPECT_EQ(to_string(fields.records.at(0).field), "B Mg");
  EXPECT_TRUE(contains(fields.remarks.at(0), "column 'chemsys' is read as the phase field"));
  EXPECT_TRUE(read("Phases,Tc\nMg B,39\n").remarks.empty());
  // The usual names come first: a table that has them is read as ever.
  EXPECT_EQ(to_string(read("material,phases,Tc\nCaO,Fe O,39\n").records.at(0).field), "Fe O");
  EXPECT_EQ(to_string(read("name,composition,Tc\nCaO,FeO,39\n").records.at(0).field), "Fe O");
}

TEST(PropertyTable, BadTablesAreNamed) {
  EXPECT_TRUE(contains(failure<UsageError>("formula,Tc\nFe,1\n", "gap"),
                       "no property column 'gap' (data.property); the file has 'formula', 'Tc'"));
  EXPECT_TRUE(contains(failure<UsageError>("formula,Tc\nFe,1\n", "formula"), "no property column 'formula'"));
  EXPECT_TRUE(contains(failure("stuff,T\u00A0c\nFe,1\n"),
                       "neither a 'formula' nor a 'phases' column; the file has 'stuff', "
                       "'T\\u00A0c'; name one with data.formula"));
  EXPECT_TRUE(contains(failure("formula,Tc\n"), "no row below the header"));
  EXPECT_TRUE(contains(failure("formula,Tc\nFe,x\n"), "no usable row; line 2: the value of 'Tc' is not a number: 'x'"));
  EXPECT_THROW(read_property_table("/nowhere.csv"), Error);
}

TEST(PropertyTable, DoubtfulRowsAreCounted) {
  const PropertyTable amounts = read("formula,Tc\nFe2O3,1\nYBa2Cu3O6050,2\nFe999O,3\nFe1000O,4\nFeO2000,x\n");
  EXPECT_EQ(amounts.large_amounts.rows, 2u);  // a row that is not used is none
  EXPECT_EQ(amounts.large_amounts.first_line, 3u);
  EXPECT_EQ(amounts.large_amounts.first_text, "YBa2Cu3O6050");
  const PropertyTable twice = read("phases,Tc\nCl Mn Mn O,3\nNb Sn,18\nD H,1\n");
  EXPECT_EQ(twice.named_twice.rows, 2u);
  EXPECT_EQ(twice.named_twice.first_line, 2u);
  EXPECT_EQ(twice.records.size(), 3u);
  EXPECT_TRUE(twice.rejects.empty());
}

TEST(PropertyTable, DecimalCommas) {
  const TemporaryFile file("formula;Tc\nHg0,35Cd0,65Te;0,9\nMgB2;39\nFe;1.5\nCo;1.234,5\n");
  const PropertyTable table = read_property_table(file.path(), {"", "", DecimalMark::comma});
  ASSERT_EQ(table.records.size(), 2u);
  EXPECT_EQ(table.records[1].value, 0.9);
  EXPECT_EQ(table.rejects.size(), 2u);
  EXPECT_TRUE(contains(table.rejects[0].reason, "has a decimal point where data.decimal is ','"));
}

TEST(Threshold, BothMeanings) {
  EXPECT_TRUE((Threshold{10, true}.reached(10)));
  EXPECT_FALSE((Threshold{10, false}.reached(10)));
  EXPECT_TRUE((Threshold{10, false}.reached(10.5)));
  EXPECT_FALSE((Threshold{10, true}.reached(9.5)));
}

TEST(FieldList, KeepsFileOrderAndLines) {
  const TemporaryFile file("phases,x\nO Ba,1\nD0+ U,\nBa O,2\n");
  const FieldList list = read_field_list(file.path());
  ASSERT_EQ(list.fields.size(), 2u);
  EXPECT_EQ(to_string(list.fields[1]), "Ba O");
  EXPECT_EQ(list.lines, (std::vector<std::size_t>{2, 4}));
  ASSERT_EQ(list.rejects.size(), 1u);
  EXPECT_EQ(list.rejects[0].line, 3u);
  EXPECT_EQ(list.rejects[0].reason, "unknown element 'D0+'");
}

TEST(FieldList, AColumnOfFormulasMayHoldFields) {
  const TemporaryFile file("formula\nBaCuO2\nBa-Cu-O\n\"{Ba, Cu, O}\"\nO-Ba-Ba-Cu\nCl-\nNa+-Cl-\nBa-1K\n");
  const FieldList list = read_field_list(file.path());
  ASSERT_EQ(list.fields.size(), 4u);
  for (const PhaseField& field : list.fields) EXPECT_EQ(to_string(field), "Ba Cu O");
  EXPECT_EQ(list.named_twice.rows, 1u);
  EXPECT_EQ(list.named_twice.first_line, 5u);
  ASSERT_EQ(list.rejects.size(), 3u);
  EXPECT_NE(list.rejects[0].reason.find("charge"), std::string::npos) << list.rejects[0].reason;
}

TEST(FieldList, PhasesWinOverFormulas) {
  const TemporaryFile both("formula,phases\nMgB2,Fe O\n");
  EXPECT_EQ(to_string(read_field_list(both.path()).fields.at(0)), "Fe O");
  const TemporaryFile formulas("formula\nMgB2\n");
  EXPECT_EQ(to_string(read_field_list(formulas.path()).fields.at(0)), "B Mg");
  const TemporaryFile neither("x\nMgB2\n");
  EXPECT_THROW(read_field_list(neither.path()), Error);
}

// What must hold for any table: nothing lost, canonical order, each field once.
void expect_consistent(const PropertyTable& table) {
  std::size_t merged = 0;
  std::set<std::string> fields;
  for (const FieldRecord& record : table.records) {
    merged += record.compositions;
    fields.insert(to_string(record.field));
    EXPECT_LE(record.minimum, record.value);
    EXPECT_FALSE(record.maximum_formula.empty());
  }
  EXPECT_EQ(merged + table.rejects.size(), table.rows);
  EXPECT_EQ(fields.size(), table.records.size());
  EXPECT_TRUE(std::is_sorted(table.records.begin(), table.records.end(),
                             [](const FieldRecord& a, const FieldRecord& b) { return a.field < b.field; }));
}

std::size_t count_reached(const PropertyTable& table, const Threshold& threshold) {
  return static_cast<std::size_t>(
      std::count_if(table.records.begin(), table.records.end(),
                    [&](const FieldRecord& each) { return threshold.reached(each.value); }));
}

void print(const char* name, const PropertyTable& table, const Threshold& threshold) {
  std::cout << name << ": " << table.rows << " rows, " << table.records.size() << " fields, " << table.rejects.size()
            << " rejected, " << count_reached(table, threshold) << " reach the threshold\n";
}

TEST(RealTables, SuperconductingCompositions) {
  PHASESELECT_NEEDS_DATA("supercon_compositions.csv");
  const PropertyTable table = read_property_table(real_data() / "supercon_compositions.csv");
  print("supercon_compositions", table, {10, true});
  EXPECT_EQ(table.property, "Tc");
  EXPECT_EQ(table.rows, 14296u);
  expect_consistent(table);
  EXPECT_EQ(table.records.size(), 3651u);
  EXPECT_EQ(table.large_amounts.rows, 2u);  // O6050 and O1013
  // 87 formulas end with oxygen of unknown amount (OY), which is no yttrium; seven more were rejected ever since.
  std::vector<std::size_t> lines;
  std::size_t unknown = 0;
  for (const Reject& reject : table.rejects) {
    const bool is_unknown = contains(reject.reason, "oxygen of unknown amount ('OY')");
    unknown += is_unknown ? 1 : 0;
    if (!is_unknown) lines.push_back(reject.line);
  }
  EXPECT_EQ(unknown, 87u);
  EXPECT_EQ(lines, (std::vector<std::size_t>{1820, 8536, 8573, 11800, 12210, 12634, 14238}));
  const PhaseField ybco = parse_phase_field("Y Ba Cu O");
  const auto found = std::find_if(table.records.begin(), table.records.end(),
                                  [&](const FieldRecord& each) { return each.field == ybco; });
  ASSERT_NE(found, table.records.end());
  EXPECT_GT(found->value, 90);
  EXPECT_GT(found->compositions, 10u);
}

TEST(RealTables, Superconductors) {
  PHASESELECT_NEEDS_DATA("superconductors.csv");
  const PropertyTable table = read_property_table(real_data() / "superconductors.csv", {"max Tc"});
  print("superconductors", table, {10, true});
  expect_consistent(table);
  EXPECT_EQ(table.records.size(), 4230u);
  EXPECT_EQ(count_reached(table, {10, true}), 1342u);
  EXPECT_EQ(count_reached(table, {10, false}), 1326u);
}

TEST(RealTables, Magnets) {
  PHASESELECT_NEEDS_DATA("magnets.csv");
  const PropertyTable table = read_property_table(real_data() / "magnets.csv", {"max Tc"});
  print("magnets", table, {300, true});
  expect_consistent(table);
  EXPECT_EQ(table.rows, 4176u);
  EXPECT_EQ(table.rejects.size(), 32u);
  for (const Reject& reject : table.rejects) EXPECT_TRUE(contains(reject.reason, "0+'")) << reject.reason;
}

TEST(RealTables, BandGaps) {
  PHASESELECT_NEEDS_DATA("band_gaps.csv");
  const PropertyTable table = read_property_table(real_data() / "band_gaps.csv");
  print("band_gaps", table, {4.5, false});
  expect_consistent(table);
  EXPECT_EQ(table.records.size(), 35650u);
  EXPECT_EQ(count_reached(table, {4.5, true}), 19191u);
  EXPECT_EQ(count_reached(table, {4.5, false}), 17274u);
}

TEST(RealTables, ReportedFields) {
  PHASESELECT_NEEDS_DATA("icsd_fields.csv");
  const FieldList list = read_field_list(real_data() / "icsd_fields.csv");
  EXPECT_EQ(list.fields.size() + list.rejects.size(), 22946u);
  EXPECT_EQ(std::set<PhaseField>(list.fields.begin(), list.fields.end()).size(), list.fields.size());
}

}  // namespace
}  // namespace phaseselect
