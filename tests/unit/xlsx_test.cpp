// Excel workbooks: every kind of cell, where it stands, dates, and what is wrong with files.
#include <gtest/gtest.h>

#include <string>

#include "host/io/spreadsheet_date.hpp"
#include "packed.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/data/property_table.hpp"
#include "phaseselect/error.hpp"
#include "temporary_file.hpp"

namespace phaseselect {
namespace {

using Cells = std::vector<std::string_view>;

std::string row(int number, const std::string& cells) {
  return "<row r=\"" + std::to_string(number) + "\">" + cells + "</row>";
}

std::string cell(const std::string& reference, const std::string& value, const std::string& type = "n", int style = 0) {
  return "<c r=\"" + reference + "\" t=\"" + type + "\" s=\"" + std::to_string(style) + "\"><v>" + value + "</v></c>";
}

std::string text(const std::string& reference, const std::string& content) {
  return "<c r=\"" + reference + "\" t=\"inlineStr\"><is>" + content + "</is></c>";
}

std::string words(int number, const std::string& first, const std::string& second) {
  const std::string line = std::to_string(number);
  return row(number, text("A" + line, "<t>" + first + "</t>") + text("B" + line, "<t>" + second + "</t>"));
}

const std::string header = words(1, "formula", "Tc");

CsvTable read(const Sheets& book) {
  const TemporaryFile file(workbook(book));
  return read_table(file.path());
}

// The second cell of a row whose second cell is this.
std::string second_cell(const std::string& content, const Sheets& book = {}) {
  Sheets whole = book;
  whole.sheets = {{"Data", header + row(2, text("A2", "<t>Fe</t>") + content)}};
  const CsvTable table = read(whole);
  return std::string(table.rows().at(0).cells.at(1));
}

std::string failure(const Sheets& book) {
  return message_of<Error>([&] { read(book); });
}

TEST(Workbook, NumbersAreTheShortestTextOfTheDouble) {
  EXPECT_EQ(second_cell(cell("B2", "18.300000000000001")), "18.3");
  EXPECT_EQ(second_cell(cell("B2", "39")), "39");
  EXPECT_EQ(second_cell(cell("B2", "0.30000000000000004")),
            "0.30000000000000004");  // not 0.3, as Excel's 17 digits say
  EXPECT_EQ(second_cell(cell("B2", "1.5E-7")), "1.5e-07");
  EXPECT_EQ(second_cell(cell("B2", " -4 ")), "-4");
  EXPECT_EQ(second_cell("<c r=\"B2\"><v>7</v></c>"), "7");
}

TEST(Workbook, OtherKindsOfCells) {
  EXPECT_EQ(second_cell(cell("B2", "1", "b")), "TRUE");
  EXPECT_EQ(second_cell(cell("B2", "0", "b")), "FALSE");
  EXPECT_EQ(second_cell(cell("B2", "#N/A", "e")), "#N/A");
  EXPECT_EQ(second_cell(cell("B2", "93 K", "str")), "93 K");
  EXPECT_EQ(second_cell("<c r=\"B2\"><f>A1*2</f><v>18.300000000000001</v></c>"), "18.3");
  EXPECT_EQ(second_cell("<c r=\"B2\"><f>A1*2</f></c>"), "=A1*2");  // never computed
  EXPECT_EQ(second_cell("<c r=\"B2\"><f>A1*2</f><v></v></c>"), "=A1*2");
  EXPECT_EQ(second_cell("<c r=\"B2\" t=\"str\"><f>\"\"</f><v></v></c>"), "");
  EXPECT_EQ(
      second_cell(cell("B2", "1", "s"), {{}, "<si><t>a</t></si><si><t xml:space=\"preserve\"> b </t></si>", {}, {}}),
      "b");
}

TEST(Workbook, RichTextKeepsItsPieces) {
  EXPECT_EQ(second_cell(text("B2", "<r><t>Nb</t></r><r><t xml:space=\"preserve\"> </t></r><r><t>Sn</t></r>")), "Nb Sn");
  EXPECT_EQ(second_cell(text("B2", "<t>a&amp;b &lt;c&gt; &#x2082;</t><rPh><t>no</t></rPh>")), "a&b <c> ₂");
  EXPECT_EQ(second_cell(text("B2", "<t>a_x000D_b_x005F_x0041_</t>")), "a\rb_x0041_");
  const std::string lowered = "<rPr><vertAlign val=\"subscript\"/></rPr>";
  const std::string raised = "<rPr><vertAlign val=\"superscript\"/></rPr>";
  EXPECT_EQ(second_cell(text("B2", "<r><t>Nb</t></r><r>" + lowered + "<t>3</t></r><r><t>Sn</t></r>")), "Nb₃Sn");
  EXPECT_EQ(second_cell(text("B2", "<r><t>Fe</t></r><r>" + raised + "<t>3+</t></r>")), "Fe³+");
}

TEST(Workbook, ANumberWithAFormatOfDatesIsADate) {
  const std::string styles =
      "<numFmts><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\"/><numFmt numFmtId=\"165\" formatCode=\"0.0 "
      "&quot;days&quot;\"/></numFmts><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"164\"/><xf "
      "numFmtId=\"165\"/><xf numFmtId=\"2\"/></cellXfs>";
  const Sheets book{{}, {}, styles, {}};
  EXPECT_EQ(second_cell(cell("B2", "45413", "n", 0), book), "45413");
  EXPECT_EQ(second_cell(cell("B2", "45413", "n", 1), book), "2024-05-01");
  EXPECT_EQ(second_cell(cell("B2", "45413.75", "n", 2), book), "2024-05-01T18:00:00");
  EXPECT_EQ(second_cell(cell("B2", "4.5", "n", 3), book), "4.5");
  EXPECT_EQ(second_cell(cell("B2", "4.5", "n", 4), book), "4.5");
  EXPECT_EQ(second_cell(cell("B2", "4.5", "n", 99), book), "4.5");
  const Sheets later{{}, {}, styles, "date1904=\"1\""};
  EXPECT_EQ(second_cell(cell("B2", "43951", "n", 1), later), "2024-05-01");
  // What Excel makes of "1.5" is rejected as what it is, not read as 45413.
  Sheets table = book;
  table.sheets = {
      {"Data", header + row(2, text("A2", "<t>Fe</t>") + cell("B2", "45413", "n", 1)) + words(3, "Co", "1")}};
  const TemporaryFile file(workbook(table));
  const PropertyTable read = read_property_table(file.path());
  EXPECT_EQ(read.records.size(), 1u);
  EXPECT_EQ(read.rejects.at(0).reason,
            "the value of 'Tc' is a date, which a spreadsheet may have made of a number: '2024-05-01'");
}

TEST(Workbook, CellsStandWhereTheirReferencesSay) {
  const std::string rows = row(3, text("B3", "<t>formula</t>") + text("D3", "<t>Tc</t>")) +
                           row(5, text("D5", "<t>1</t>")) + row(6, text("B6", "<t>Fe</t>")) +
                           row(8, text("B8", "<t>Co</t>") + text("E8", "<t>note</t>")) + row(9, text("A9", "<t> </t>"));
  const CsvTable table = read({{{"Data", rows}}, {}, {}, {}});
  EXPECT_EQ(table.header(), (Cells{"", "formula", "", "Tc"}));
  ASSERT_EQ(table.rows().size(), 2u);
  EXPECT_EQ(table.rows()[0].line, 5u);
  EXPECT_EQ(table.rows()[0].cells, (Cells{"", "", "", "1"}));
  EXPECT_EQ(table.rows()[1].cells, (Cells{"", "Fe", "", ""}));
  ASSERT_EQ(table.rejects().size(), 1u);
  EXPECT_EQ(table.rejects()[0].line, 8u);
  EXPECT_EQ(table.rejects()[0].reason, "the row has 5 cells where the header has 4");
  // Without references cells follow each other, rows too.
  const CsvTable bare = read({{{"Data",
                                "<row><c t=\"str\"><v>formula</v></c><c t=\"str\"><v>Tc</v></c></row><row><c "
                                "t=\"str\"><v>Fe</v></c><c><v>1</v></c></row>"}},
                              {},
                              {},
                              {}});
  EXPECT_EQ(bare.rows().at(0).cells, (Cells{"Fe", "1"}));
  EXPECT_EQ(bare.rows()[0].line, 2u);
}

TEST(Workbook, CommentsAndPrefixes) {
  const std::string comment = row(1, text("A1", "<t># by hand</t>"));
  EXPECT_EQ(read({{{"Data", comment + words(2, "formula", "Tc") + words(3, "Fe", "1")}}, {}, {}, {}}).rows().at(0).line,
            3u);
  const CsvTable hashed = read({{{"Data", words(1, "# formula", "Tc") + words(2, "Fe", "1")}}, {}, {}, {}});
  EXPECT_EQ(hashed.header(), (Cells{"formula", "Tc"}));
  EXPECT_EQ(hashed.remarks().size(), 1u);
  const std::string prefixed =
      "<x:row r=\"1\"><x:c r=\"A1\" t=\"inlineStr\"><x:is><x:t>formula</x:t></x:is></x:c></x:row>";
  EXPECT_EQ(read({{{"Data", prefixed}}, {}, {}, {}}).header(), (Cells{"formula"}));
}

TEST(Workbook, TheFirstVisibleSheetWithContentIsRead) {
  const CsvTable table =
      read({{{"Empty", ""}, {"Notes\" state=\"hidden", words(1, "a", "b")}, {"Data", header}, {"More", header}},
            {},
            {},
            {}});
  EXPECT_EQ(table.header(), (Cells{"formula", "Tc"}));
  ASSERT_EQ(table.remarks().size(), 1u);
  EXPECT_EQ(table.remarks()[0], "of the sheets 'Data', 'More' the first is read");
  EXPECT_TRUE(read({{{"Empty", ""}, {"Data", header}}, {}, {}, {}}).remarks().empty());
  EXPECT_TRUE(contains(failure({{{"Empty", ""}, {"Data\" state=\"veryHidden", header}}, {}, {}, {}}),
                       "no visible sheet with content"));
}

TEST(Workbook, DamageIsNamed) {
  const auto of_rows = [](const std::string& rows) { return failure({{{"Data", rows}}, "<si><t>a</t></si>", {}, {}}); };
  EXPECT_TRUE(contains(of_rows(header + "<row"), "sheet1.xml is damaged"));
  EXPECT_TRUE(contains(of_rows(row(2, cell("A2", "1", "s"))), "string '1' of cell A2"));
  EXPECT_TRUE(contains(of_rows(row(2, cell("A2", "-1", "s"))), "string '-1' of cell A2"));
  EXPECT_TRUE(contains(of_rows(header + header), "row '1'"));
  EXPECT_TRUE(contains(of_rows(row(99999999, "")), "row '99999999'"));
  EXPECT_TRUE(contains(of_rows(row(1, cell("B1", "1") + cell("A1", "1"))), "cell 'A1' in row 1"));
  EXPECT_TRUE(contains(of_rows(row(1, cell("ZZZZZZZZ1", "1"))), "cell 'ZZZZZZZZ1' in row 1"));
  EXPECT_TRUE(contains(of_rows(row(1, cell("1", "1"))), "cell '1' in row 1"));
  const std::string whole = workbook({{{"Data", header + words(2, "Fe", "1")}}, {}, {}, {}});
  for (const std::size_t size : {std::size_t{30}, whole.size() / 2, whole.size() - 5}) {
    const TemporaryFile file(whole.substr(0, size));
    EXPECT_THROW(read_table(file.path()), Error) << size;
  }
}

TEST(Workbook, EntitiesFromOutsideAreNotRead) {
  const TemporaryFile secret("secret");
  const std::string document = "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY e SYSTEM \"file://" +
                               secret.path().string() + "\">]><worksheet><sheetData>" + words(1, "formula", "T&e;c") +
                               "</sheetData></worksheet>";
  const TemporaryFile file(
      zipped({{"xl/workbook.xml", "<workbook><sheets><sheet name=\"x\" r:id=\"r\"/></sheets></workbook>"},
              {"xl/_rels/workbook.xml.rels",
               "<Relationships><Relationship Id=\"r\" Type=\"x/worksheet\" "
               "Target=\"/xl/worksheets/a.xml\"/></Relationships>"},
              {"xl/worksheets/a.xml", document}}));
  EXPECT_EQ(read_table(file.path()).header().at(1), "T&e;c");
}

TEST(Workbook, BombsAreRefused) {
  const std::string spaces(40'000'000, ' ');
  EXPECT_TRUE(contains(failure({{{"Data", header + spaces}}, {}, {}, {}}), "unfolds"));
  // A header of 16,384 columns and many rows would be a table of billions of cells, most of them empty.
  std::string rows = row(1, cell("A1", "1") + cell("XFD1", "2"));
  for (int i = 2; i < 10000; ++i) rows += row(i, cell("A" + std::to_string(i), std::to_string(i * 7919 % 10007)));
  EXPECT_TRUE(contains(failure({{{"Data", rows}}, {}, {}, {}}), "most of them empty"));
}

TEST(SpreadsheetDate, FormatsOfDates) {
  for (const char* code :
       {"yyyy-mm-dd", "d.m.yy", "h:mm", "[h]:mm:ss", "[$-409]d mmm yy;@", "\\ yyyy", "mm/dd", "\"on\" d", "[Red]m"}) {
    EXPECT_TRUE(is_date_format(std::string_view(code))) << code;
  }
  for (const char* code : {"General", "0.00", "#,##0", "0.0 \"mm\"", "[Red]0.0", "0\\d", "0.00E+00", "_d0", "*d0", "@",
                           "0%", "[>100]0", "\"day", "[", "\\"}) {
    EXPECT_FALSE(is_date_format(std::string_view(code))) << code;
  }
  EXPECT_TRUE(is_date_format(14));
  EXPECT_FALSE(is_date_format(0));
  EXPECT_FALSE(is_date_format(13));
}

TEST(SpreadsheetDate, DaysAsDates) {
  EXPECT_EQ(iso_date(1, DateSystem::from_1900), "1900-01-01");
  EXPECT_EQ(iso_date(59, DateSystem::from_1900), "1900-02-28");
  EXPECT_EQ(iso_date(61, DateSystem::from_1900), "1900-03-01");
  EXPECT_EQ(iso_date(36526, DateSystem::from_1900), "2000-01-01");
  EXPECT_EQ(iso_date(0.5, DateSystem::from_1900), "12:00:00");
  EXPECT_EQ(iso_date(0.9999999, DateSystem::from_1900), "1900-01-01");
  EXPECT_EQ(iso_date(1, DateSystem::from_1904), "1904-01-02");
  EXPECT_EQ(iso_date(-1, DateSystem::from_1900), "-1");
  EXPECT_EQ(iso_date(1e300, DateSystem::from_1900), "1e+300");
}

}  // namespace
}  // namespace phaseselect
