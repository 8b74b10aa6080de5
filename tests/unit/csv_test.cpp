// The CSV reader: quoting, line ends, line numbers, and every way a file can be wrong.
#include "phaseselect/data/csv.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "host/io/sha256.hpp"
#include "phaseselect/error.hpp"
#include "temporary_file.hpp"

namespace phaseselect {
namespace {

using Cells = std::vector<std::string_view>;

std::string failure(std::string_view text) {
  const TemporaryFile file(text);
  return message_of<Error>([&] { read_csv(file.path()); });
}

TEST(Csv, ReadsCellsAndLineNumbers) {
  const TemporaryFile file("formula,Tc\nFe,1\n\nCo,2");
  const CsvTable table = read_csv(file.path());
  EXPECT_EQ(table.header(), (Cells{"formula", "Tc"}));
  ASSERT_EQ(table.rows().size(), 2u);
  EXPECT_EQ(table.rows()[0].cells, (Cells{"Fe", "1"}));
  EXPECT_EQ(table.rows()[0].line, 2u);
  EXPECT_EQ(table.rows()[1].cells, (Cells{"Co", "2"}));
  EXPECT_EQ(table.rows()[1].line, 4u);
  EXPECT_EQ(table.path(), file.path());
}

TEST(Csv, QuotedCellsHoldCommasQuotesAndLines) {
  const TemporaryFile file("a,b\n\"x,\"\"y\"\"\",\"\"\n\"two\nlines\",z\nlast,\"q\"");
  const CsvTable table = read_csv(file.path());
  ASSERT_EQ(table.rows().size(), 3u);
  EXPECT_EQ(table.rows()[0].cells, (Cells{"x,\"y\"", ""}));
  EXPECT_EQ(table.rows()[1].cells, (Cells{"two\nlines", "z"}));
  EXPECT_EQ(table.rows()[1].line, 3u);
  EXPECT_EQ(table.rows()[2].cells, (Cells{"last", "q"}));
  EXPECT_EQ(table.rows()[2].line, 5u);
}

TEST(Csv, ReadsCrLfByteOrderMarkAndComments) {
  const TemporaryFile file("\xEF\xBB\xBF# what this is\r\n\r\n#, more\r\n a , b\r\n1,\r\n\r\n#3,\"4\"\r\n");
  const CsvTable table = read_csv(file.path());
  EXPECT_EQ(table.header(), (Cells{"a", "b"}));
  ASSERT_EQ(table.rows().size(), 2u);
  EXPECT_EQ(table.rows()[0].cells, (Cells{"1", ""}));
  EXPECT_EQ(table.rows()[0].line, 5u);
  EXPECT_EQ(table.rows()[1].cells, (Cells{"#3", "4"}));  // after the header '#' is text
}

TEST(Csv, LinesOfBlanksAreEmpty) {
  const TemporaryFile file(" \n\t\r\nformula,Tc\n   \nFe,1\n \t \r\n , \nCo,2\n  ");
  const CsvTable table = read_csv(file.path());
  EXPECT_EQ(table.header(), (Cells{"formula", "Tc"}));
  ASSERT_EQ(table.rows().size(), 3u);
  EXPECT_EQ(table.rows()[0].line, 5u);
  EXPECT_EQ(table.rows()[1].cells, (Cells{" ", " "}));  // a comma makes a row
  EXPECT_EQ(table.rows()[2].cells, (Cells{"Co", "2"}));
  EXPECT_EQ(table.rows()[2].line, 8u);
  EXPECT_TRUE(contains(failure("  \n \t"), "no header line"));
}

TEST(Csv, ViewsSurviveAMove) {
  const TemporaryFile file("a\nb");  // short enough for a string's own buffer, which a move would not keep
  CsvTable table = read_csv(file.path());
  const CsvTable moved = std::move(table);
  table = CsvTable();
  EXPECT_EQ(moved.header(), (Cells{"a"}));
  EXPECT_EQ(moved.rows()[0].cells, (Cells{"b"}));
}

TEST(Csv, KeepsTheChecksumOfWhatWasRead) {
  const TemporaryFile file(
      "\xEF\xBB\xBF"
      "a,b\r\n\"1\"\"2\",\"\"\r\n");  // read in place, which rewrites the text
  EXPECT_EQ(read_csv(file.path()).sha256(), sha256_file(file.path()));
}

TEST(Csv, ColumnsAreFoundByName) {
  const TemporaryFile file("formula,Tc,x,x\nFe,1,2,3\n");
  const CsvTable table = read_csv(file.path());
  EXPECT_EQ(table.find_column("Tc"), 1u);
  EXPECT_EQ(table.column("formula"), 0u);
  EXPECT_FALSE(table.find_column("phases"));
  const std::string missing = message_of<Error>([&] { table.column("phases"); });
  EXPECT_TRUE(contains(missing, file.path().string())) << missing;
  EXPECT_TRUE(contains(missing, "no column 'phases'; the file has 'formula', 'Tc', 'x', 'x'")) << missing;
  EXPECT_TRUE(contains(message_of<Error>([&] { table.find_column("x"); }), "two columns are named 'x'"));
}

TEST(Csv, BadFilesAreNamed) {
  EXPECT_TRUE(contains(failure(""), "the file is empty"));
  EXPECT_TRUE(contains(failure("\n# only this\n"), "no header line"));
  EXPECT_TRUE(contains(failure("\xEF\xBB\xBF"), "no header line"));
  EXPECT_TRUE(contains(failure("a,b\n1,2\n3\n"), "line 3: the row has 1 cells where the header has 2"));
  EXPECT_TRUE(contains(failure("a,b\n\n1,2,3\n"), "line 3: the row has 3 cells where the header has 2"));
  EXPECT_TRUE(contains(failure("a\n1\n\"open\n2\n"), "line 3: a quoted cell is not closed"));
  EXPECT_TRUE(contains(failure("a\n\"x\"y\n"), "line 2: text follows the closing quote"));
  const std::string missing = message_of<Error>([] { read_csv("/nowhere/at/all.csv"); });
  EXPECT_EQ(missing, "/nowhere/at/all.csv: cannot be opened: No such file or directory");
  const std::string folder = message_of<Error>([] { read_csv(std::filesystem::temp_directory_path()); });
  EXPECT_TRUE(contains(folder, "this is a folder")) << folder;
}

TEST(Csv, HeaderAloneIsATableWithoutRows) {
  const TemporaryFile file("formula\r");
  const CsvTable table = read_csv(file.path());
  EXPECT_EQ(table.header(), (Cells{"formula"}));
  EXPECT_TRUE(table.rows().empty());
}

TEST(Csv, CellsAreQuotedWhenTheyNeedToBe) {
  EXPECT_EQ(csv_cell("Ba Cu O Y"), "Ba Cu O Y");
  EXPECT_EQ(csv_cell(""), "");
  EXPECT_EQ(csv_cell("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_cell("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(csv_cell("a\nb"), "\"a\nb\"");
  EXPECT_EQ(csv_cell("#1"), "\"#1\"");
}

TEST(Csv, WrittenCellsReadBack) {
  const std::string awkward[] = {"a,b", "\"", "\"\"", "x\r\ny", "#c", " padded "};
  std::string text = "h\n";
  for (const std::string& each : awkward) text += csv_cell(each) + "\n";
  const TemporaryFile file(text);
  const CsvTable table = read_csv(file.path());
  ASSERT_EQ(table.rows().size(), std::size(awkward));
  for (std::size_t i = 0; i < std::size(awkward); ++i) EXPECT_EQ(table.rows()[i].cells[0], awkward[i]);
}

TEST(Csv, NumbersAreFiniteAndWhole) {
  EXPECT_EQ(parse_number("12"), 12.0);
  EXPECT_EQ(parse_number(" 12\t"), 12.0);
  EXPECT_EQ(parse_number("-0.5e-3"), -0.5e-3);
  EXPECT_EQ(parse_number("+7"), 7.0);
  EXPECT_EQ(parse_number(".5"), 0.5);
  for (const char* text :
       {"", " ", "nan", "NaN", "inf", "-inf", "1,5", "1.5 K", "x", "--1", "+-1", "1e999", "0x10", "1 2"}) {
    EXPECT_FALSE(parse_number(text)) << text;
  }
}

}  // namespace
}  // namespace phaseselect
