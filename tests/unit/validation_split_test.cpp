// Splits of a validation: who may learn from which field, and clear sentences for what the fields do not allow.
#include "phaseselect/data/validation_split.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "phaseselect/data/folds.hpp"
#include "phaseselect/error.hpp"
#include "tests/unit/temporary_file.hpp"

namespace phaseselect {
namespace {

using Rows = std::vector<std::uint32_t>;

// All fields of 1 to 4 out of eight elements; every other one is positive.
struct Table {
  Table() {
    const std::vector<Element> elements = parse_phase_field("Ba Ca Cu Fe Li O S Y").elements();
    for (unsigned bits = 1; bits < 256; ++bits) {
      std::vector<Element> chosen;
      for (unsigned e = 0; e < 8; ++e) {
        if ((bits >> e & 1) != 0) chosen.push_back(elements[e]);
      }
      if (chosen.size() > 4) continue;
      fields.emplace_back(chosen);
      labels.push_back(fields.size() % 2);
    }
  }
  std::vector<SplitFold> split(const ValidationSplit& how) const { return split_fields(fields, labels, how); }
  std::string refusal(const ValidationSplit& how) const {
    return message_of<UsageError>([&] { split(how); });
  }

  std::vector<PhaseField> fields;
  std::vector<std::uint8_t> labels;
};

ValidationSplit of_kind(SplitKind kind) {
  ValidationSplit how;
  how.split = kind;
  return how;
}

bool has(const PhaseField& field, std::string_view name) {
  return std::count(field.elements().begin(), field.elements().end(), *find_element(name)) > 0;
}

bool related(const PhaseField& a, const PhaseField& b) {
  const auto &x = a.elements(), &y = b.elements();
  return std::includes(x.begin(), x.end(), y.begin(), y.end()) || std::includes(y.begin(), y.end(), x.begin(), x.end());
}

TEST(ValidationSplits, RandomFoldsAreThoseOfMakeFolds) {
  const Table table;
  const std::vector<std::uint8_t> expected = make_folds(table.labels, 5, true, 1);
  const std::vector<SplitFold> folds = table.split({});
  ASSERT_EQ(folds.size(), 5u);
  for (std::size_t f = 0; f < 5; ++f) {
    EXPECT_EQ(folds[f].holds_out, "");
    for (const std::uint32_t row : folds[f].judged) EXPECT_EQ(expected[row], f);
    Rows both;
    std::merge(folds[f].training.begin(), folds[f].training.end(), folds[f].judged.begin(), folds[f].judged.end(),
               std::back_inserter(both));
    ASSERT_EQ(both.size(), table.fields.size());
    for (std::uint32_t row = 0; row < both.size(); ++row) EXPECT_EQ(both[row], row);
  }
}

TEST(ValidationSplits, NothingIsLearnedFromRelatives) {
  Table table;
  std::erase_if(table.fields, [](const PhaseField& field) { return field.size() == 1 || field.size() == 3; });
  table.labels.resize(table.fields.size());
  ValidationSplit how = of_kind(SplitKind::supersets);
  how.folds = 10;
  const std::vector<SplitFold> folds = table.split(how);
  how.split = SplitKind::random;
  const std::vector<SplitFold> random = table.split(how);
  std::size_t left_out = 0;
  for (std::size_t f = 0; f < folds.size(); ++f) {
    EXPECT_EQ(folds[f].judged, random[f].judged);
    const std::set<std::uint32_t> learned(folds[f].training.begin(), folds[f].training.end());
    for (const std::uint32_t row : random[f].training) {
      const bool has_relative = std::any_of(folds[f].judged.begin(), folds[f].judged.end(), [&](std::uint32_t judged) {
        return related(table.fields[row], table.fields[judged]);
      });
      EXPECT_EQ(learned.count(row), has_relative ? 0u : 1u) << to_string(table.fields[row]);
      left_out += has_relative ? 1 : 0;
    }
  }
  EXPECT_GT(left_out, 0u);
}

TEST(ValidationSplits, NamedElementsAreLeftOutOneAtATime) {
  const Table table;
  ValidationSplit how = of_kind(SplitKind::leave_element_out);
  how.elements = {"O", "Fe"};
  const std::vector<SplitFold> folds = table.split(how);
  ASSERT_EQ(folds.size(), 2u);
  EXPECT_EQ(folds[0].holds_out, "fields with O");
  EXPECT_EQ(folds[1].holds_out, "fields with Fe");
  for (std::size_t f = 0; f < 2; ++f) {
    EXPECT_EQ(folds[f].judged.size() + folds[f].training.size(), table.fields.size());
    for (const std::uint32_t row : folds[f].judged) EXPECT_TRUE(has(table.fields[row], how.elements[f]));
    for (const std::uint32_t row : folds[f].training) EXPECT_FALSE(has(table.fields[row], how.elements[f]));
  }
}

TEST(ValidationSplits, ElementsWithEnoughFieldsAreDrawn) {
  Table table;
  for (const char* rare : {"Ba Zr", "Ca Zr"}) {  // too few to be drawn
    table.fields.push_back(parse_phase_field(rare));
    table.labels.push_back(table.fields.size() % 2);
  }
  ValidationSplit how = of_kind(SplitKind::leave_element_out);
  how.folds = 8;
  std::set<std::string> drawn;
  for (const SplitFold& fold : table.split(how)) drawn.insert(fold.holds_out);
  EXPECT_EQ(drawn.size(), 8u);
  EXPECT_EQ(drawn.count("fields with Zr"), 0u);
  how.folds = 3;
  const auto names = [&] {
    std::vector<std::string> result;
    for (const SplitFold& fold : table.split(how)) result.push_back(fold.holds_out);
    return result;
  };
  const std::vector<std::string> first = names();
  EXPECT_EQ(first.size(), 3u);
  EXPECT_EQ(names(), first);
  how.seed = 2;
  EXPECT_NE(names(), first);
}

TEST(ValidationSplits, LargeFieldsAreJudgedBySmallOnes) {
  const Table table;
  ValidationSplit how = of_kind(SplitKind::arity);
  how.arity = 2;
  const std::vector<SplitFold> folds = table.split(how);
  ASSERT_EQ(folds.size(), 1u);
  EXPECT_EQ(folds[0].holds_out, "fields of 3 elements and more");
  EXPECT_EQ(folds[0].judged.size(), 56u + 70u);
  EXPECT_EQ(folds[0].training.size(), 8u + 28u);
  for (const std::uint32_t row : folds[0].training) EXPECT_LE(table.fields[row].size(), 2);
}

TEST(ValidationSplits, ImpossibleRequestsAreNamed) {
  const Table table;
  ValidationSplit how = of_kind(SplitKind::arity);
  how.arity = 4;
  EXPECT_EQ(table.refusal(how), "fold 0 (fields of 5 elements and more) has no field to be judged by");
  how = of_kind(SplitKind::leave_element_out);
  how.folds = 9;
  EXPECT_TRUE(contains(table.refusal(how), "8 elements are in 10 fields or more of each class, too few for 9 folds"));
  how.elements = {"Xx"};
  EXPECT_EQ(table.refusal(how), "validation.elements: unknown element 'Xx'");
  how.elements = {"O", "O"};
  EXPECT_EQ(table.refusal(how), "validation.elements: 'O' is given twice");
  how.elements = {"Zr"};
  EXPECT_TRUE(contains(table.refusal(how), "fold 0 (fields with Zr) has no field to be judged by"));
  EXPECT_TRUE(contains(table.refusal(of_kind(SplitKind::supersets)), "to learn from, at least 2 are needed"));
}

}  // namespace
}  // namespace phaseselect
