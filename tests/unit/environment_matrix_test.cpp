// The environment matrix and its column groups: small cases by hand, a naive construction, and the real formulas.
#include "phaseselect/data/environment_matrix.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>

#include "phaseselect/chemistry/composition.hpp"
#include "phaseselect/error.hpp"
#include "temporary_file.hpp"
#include "tests/real_data.hpp"

namespace phaseselect {
namespace {

EnvironmentMatrix build(const std::vector<std::string>& formulas) {
  EnvironmentMatrixBuilder builder;
  std::size_t line = 2;
  for (const std::string& formula : formulas) builder.add(formula, line++);
  return std::move(builder).finish();
}

// The elements of each column, in words.
std::vector<std::string> columns(const EnvironmentMatrix& matrix) {
  std::vector<std::string> text(matrix.environments());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (std::uint32_t at = matrix.column_offsets[i]; at < matrix.column_offsets[i + 1]; ++at) {
      if (!text[i].empty()) text[i] += ' ';
      text[i] += symbol(matrix.elements[matrix.column_rows[at]]);
    }
  }
  return text;
}

// Environments as text in a map: the definition, word for word.
std::map<std::string, std::set<std::string>> naive_environments(const std::vector<std::string>& formulas) {
  std::map<std::string, std::set<std::string>> environments;
  for (const std::string& formula : formulas) {
    const std::vector<IntegerComponent> components = reduced(parse_composition(formula));
    for (const IntegerComponent& centre : components) {
      std::string key = fmt::format("(){}", centre.amount);
      for (const IntegerComponent& other : components) {
        if (other.element == centre.element) continue;
        key += fmt::format("{}{}", symbol(other.element), other.amount);
      }
      environments[key].insert(std::string(symbol(centre.element)));
    }
  }
  return environments;
}

std::string joined(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += fmt::format("{}{}", text.empty() ? "" : " ", word);
  return text;
}

TEST(EnvironmentMatrix, LithiumPhosphate) {
  const EnvironmentMatrix matrix = build({"Li3PO4"});
  EXPECT_EQ(matrix.environments(), 3u);
  EXPECT_EQ(columns(matrix), (std::vector<std::string>{"Li", "O", "P"}));
}

TEST(EnvironmentMatrix, SharedEnvironmentsMeetInOneColumn) {
  // "()3PO4" of Li and Na is one column; AgPO4 gives "()PO4", another; Li4PO3 holds nothing of Li3PO4's.
  const EnvironmentMatrix matrix = build({"Li3PO4", "Na3PO4", "AgPO4", "Li4PO3"});
  EXPECT_EQ(columns(matrix), (std::vector<std::string>{"Li Na", "O", "P", "O", "P", "Ag", "O", "P", "Li", "O", "P"}));
}

TEST(EnvironmentMatrix, TheAmountOfTheCentreCounts) {
  const EnvironmentMatrix matrix = build({"LiO", "Na2O"});  // "()1O1" and "()2O1"
  EXPECT_EQ(columns(matrix), (std::vector<std::string>{"Li", "O", "Na", "O"}));
}

TEST(EnvironmentMatrix, EqualReducedCompositionsCountOnce) {
  const EnvironmentMatrix matrix = build({"Fe2O3", "Fe4O6", "O1.5Fe", "Fe3O4"});
  EXPECT_EQ(matrix.formulas, 4u);
  EXPECT_EQ(matrix.distinct, 2u);
  EXPECT_EQ(matrix.ones(), 4u);
  ASSERT_EQ(matrix.fields.size(), 1u);
  EXPECT_EQ(to_string(matrix.fields[0]), "Fe O");
}

TEST(EnvironmentMatrix, RejectsAndSingleElementsAddNothing) {
  const EnvironmentMatrix matrix = build({"Fe", "=z", "MgO"});
  EXPECT_EQ(matrix.formulas, 3u);
  EXPECT_EQ(matrix.distinct, 2u);
  EXPECT_EQ(matrix.elements.size(), 2u);
  EXPECT_EQ(matrix.fields.size(), 2u);
  ASSERT_EQ(matrix.rejects.size(), 1u);
  EXPECT_EQ(matrix.rejects[0].line, 3u);
  EXPECT_EQ(matrix.rejects[0].text, "=z");
  EXPECT_TRUE(contains(matrix.rejects[0].reason, "unexpected '='"));
}

TEST(EnvironmentMatrix, AmountsOfAnySizeStayApart) {
  std::vector<std::string> formulas;
  for (const char* amount :
       {"1", "127", "128", "129", "255", "256", "16383", "16384", "2097153", "9223372036854775807"}) {
    for (const char* partner : {"O", "S", "Ar"}) formulas.push_back(fmt::format("Fe{}{}", amount, partner));
  }
  const auto naive = naive_environments(formulas);
  EXPECT_EQ(build(formulas).environments(), naive.size());
  // Written in sevens of bits without a mark where an amount ends, these two would be the same bytes.
  EXPECT_EQ(build({"Ag9217Zr", "AgO245"}).distinct, 2u);
}

TEST(EnvironmentGroups, IdenticalColumnsAreStoredOnce) {
  const EnvironmentMatrix matrix = build({"Li3PO4", "Na3PO4", "AgPO4", "Li4PO3"});
  const EnvironmentGroups groups = group_columns(matrix, Grouping::exact);
  EXPECT_EQ(groups.elements, 5);
  EXPECT_EQ(groups.environments, 11u);
  EXPECT_EQ(groups.groups(), 5);
  // The first column, "()3PO4" of Li and Na, is the only one with two ones: its group comes last.
  EXPECT_EQ(groups.column_group, (std::vector<std::uint32_t>{4, 0, 1, 0, 1, 2, 0, 1, 3, 0, 1}));
  EXPECT_EQ(groups.multiplicity, (std::vector<std::uint32_t>{4, 4, 1, 1, 1}));
  EXPECT_EQ(groups.offsets, (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 6}));
  const EnvironmentGroups single = group_columns(matrix, Grouping::none);
  EXPECT_EQ(single.groups(), 11);
  EXPECT_EQ(single.column_group, (std::vector<std::uint32_t>{10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(single.rows.size(), matrix.column_rows.size());
  EXPECT_EQ(single.multiplicity, std::vector<std::uint32_t>(11, 1));
}

TEST(EnvironmentMatrix, BadFilesAreNamed) {
  const TemporaryFile no_column("phases\nFe O\n");
  EXPECT_TRUE(contains(message_of<Error>([&] { read_environment_matrix(no_column.path()); }),
                       "there is no 'formula' column; the file has 'phases'; name one with environments.formula"));
  const TemporaryFile no_formula("formula\n=z\n");
  EXPECT_TRUE(
      contains(message_of<Error>([&] { read_environment_matrix(no_formula.path()); }), "line 2: unexpected '='"));
  EXPECT_THROW(read_environment_matrix(no_column.path(), {"x"}), UsageError);
  const TemporaryFile header_only("formula\n");
  EXPECT_TRUE(contains(message_of<Error>([&] { read_environment_matrix(header_only.path()); }), "there is no formula"));
  EXPECT_THROW(read_environment_matrix("/nowhere.csv"), Error);
}

TEST(RealFormulas, CountsOfThePublishedMatrix) {
  PHASESELECT_NEEDS_DATA("mp_formulas.csv");
  const EnvironmentMatrix matrix = read_environment_matrix(real_data() / "mp_formulas.csv");
  EXPECT_TRUE(matrix.rejects.empty());
  EXPECT_EQ(matrix.formulas, 77402u);
  EXPECT_EQ(matrix.distinct, 54653u);
  EXPECT_EQ(matrix.elements.size(), 87u);
  EXPECT_EQ(matrix.environments(), 63384u);
  EXPECT_EQ(matrix.ones(), 152990u);
  const EnvironmentGroups groups = group_columns(matrix, Grouping::exact);
  EXPECT_EQ(groups.groups(), 10423);
  EXPECT_EQ(groups.rows.size(), 82852u);
  EXPECT_EQ(std::accumulate(groups.multiplicity.begin(), groups.multiplicity.end(), 0u), 63384u);
  std::set<std::vector<std::uint16_t>> patterns;
  for (std::size_t g = 0; g + 1 < groups.offsets.size(); ++g) {
    patterns.emplace(groups.rows.begin() + groups.offsets[g], groups.rows.begin() + groups.offsets[g + 1]);
  }
  EXPECT_EQ(patterns.size(), 10423u);
  for (std::size_t column = 0; column < matrix.environments(); ++column) {
    const std::uint32_t g = groups.column_group[column];
    ASSERT_TRUE(std::equal(matrix.column_rows.begin() + matrix.column_offsets[column],
                           matrix.column_rows.begin() + matrix.column_offsets[column + 1],
                           groups.rows.begin() + groups.offsets[g], groups.rows.begin() + groups.offsets[g + 1]));
  }
}

// The same columns, as a multiset, as the naive construction from text.
TEST(RealFormulas, MatrixEqualsTheDefinition) {
  PHASESELECT_NEEDS_DATA("mp_formulas.csv");
  const FieldList list = read_field_list(real_data() / "mp_formulas.csv");
  ASSERT_EQ(list.fields.size(), 77402u);
  std::ifstream file(real_data() / "mp_formulas.csv");
  std::vector<std::string> formulas;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) formulas.push_back(line);
  }
  const EnvironmentMatrix matrix = build(formulas);
  std::multiset<std::string> naive;
  for (const auto& [environment, elements] : naive_environments(formulas)) naive.insert(joined(elements));
  const std::vector<std::string> found = columns(matrix);
  EXPECT_EQ(std::multiset<std::string>(found.begin(), found.end()), naive);
  std::set<PhaseField> fields(list.fields.begin(), list.fields.end());
  EXPECT_EQ(std::vector<PhaseField>(fields.begin(), fields.end()), matrix.fields);
}

}  // namespace
}  // namespace phaseselect
