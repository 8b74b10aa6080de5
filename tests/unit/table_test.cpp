// The lenient reader: one table in many encodings, delimiters and packings, and every way a user's file can be wrong.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "host/io/sha256.hpp"
#include "packed.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/data/property_table.hpp"
#include "phaseselect/error.hpp"
#include "temporary_file.hpp"

namespace phaseselect {
namespace {

using Cells = std::vector<std::string_view>;

const std::string plain = "formula,Tc\nNb3Sn,18.3\nMgB2,39\nYBa2Cu3O7,93\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// UTF-16 of ASCII.
std::string utf16(const std::string& text, bool little, bool marked) {
  std::string wide = marked ? (little ? "\xFF\xFE" : "\xFE\xFF") : "";
  for (const char c : text) wide += little ? std::string{c, '\0'} : std::string{'\0', c};
  return wide;
}

std::string number_cell(const std::string& reference, const std::string& number, const std::string& style = "0") {
  return "<c r=\"" + reference + "\" s=\"" + style + "\"><v>" + number + "</v></c>";
}

std::string text_cell(const std::string& reference, const std::string& text) {
  return "<c r=\"" + reference + "\" t=\"inlineStr\"><is><t>" + text + "</t></is></c>";
}

std::string shared_cell(const std::string& reference, int number) {
  return "<c r=\"" + reference + "\" t=\"s\"><v>" + std::to_string(number) + "</v></c>";
}

std::string row(int number, const std::string& cells) {
  return "<row r=\"" + std::to_string(number) + "\">" + cells + "</row>";
}

std::string plain_sheet() {
  return row(1, shared_cell("A1", 0) + shared_cell("B1", 1)) +
         row(2, text_cell("A2", "Nb3Sn") + number_cell("B2", "18.300000000000001")) +
         row(3, shared_cell("A3", 2) + number_cell("B3", "39")) +
         row(4, "<c r=\"A4\" t=\"str\"><f>B1</f><v>YBa2Cu3O7</v></c>" + number_cell("B4", "93"));
}

const char* const plain_strings = "<si><t>formula</t></si><si><t>Tc</t></si><si><r><t>Mg</t></r><r><t>B2</t></r></si>";

struct Form {
  const char* name;
  std::string bytes;
};

class TableAsBytes : public testing::TestWithParam<Form> {};

TEST_P(TableAsBytes, IsTheSameTable) {
  const TemporaryFile file(GetParam().bytes);
  const PropertyTable table = read_property_table(file.path());
  EXPECT_EQ(table.property, "Tc");
  EXPECT_EQ(table.rows, 3u);
  EXPECT_TRUE(table.rejects.empty()) << table.rejects.front().reason;
  EXPECT_EQ(table.sha256, sha256_file(file.path()));
  ASSERT_EQ(table.records.size(), 3u);
  const std::pair<const char*, double> expected[] = {{"B Mg", 39}, {"Ba Cu O Y", 93}, {"Nb Sn", 18.3}};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(to_string(table.records[i].field), expected[i].first);
    EXPECT_EQ(table.records[i].value, expected[i].second);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Text, TableAsBytes,
    testing::Values(
        Form{"plain", plain}, Form{"crlf", replaced(plain, "\n", "\r\n")}, Form{"cr", replaced(plain, "\n", "\r")},
        Form{"no_end", plain.substr(0, plain.size() - 1)},
        Form{"cr_no_end", replaced("formula,Tc\nNb3Sn,18.3\nMgB2,39\nYBa2Cu3O7,93", "\n", "\r")},
        Form{"mark", "\xEF\xBB\xBF" + plain}, Form{"utf16le", utf16(plain, true, true)},
        Form{"utf16be", utf16(plain, false, true)}, Form{"utf16le_unmarked", utf16(plain, true, false)},
        Form{"utf16be_unmarked", utf16(plain, false, false)}, Form{"semicolons", replaced(plain, ",", ";")},
        Form{"tabs", replaced(plain, ",", "\t")},
        Form{"utf16_tabs", utf16(replaced(replaced(plain, ",", "\t"), "\n", "\r\n"), true, true)},
        Form{"quoted", replaced("formula,Tc\nNb3Sn,18.3\n\"MgB2\",\"39\"\n \"YBa2Cu3O7\" ,93", ",93", ", 93 ")},
        Form{"quoted_semicolons", "\"formula\";\"Tc\"\n\"Nb3Sn\";\"18.3\"\n\"MgB2\";\"39\"\n\"YBa2Cu3O7\";\"93\"\n"},
        Form{"empty_lines", "\n\n" + replaced(plain, "\n", "\n \n") + "\r\n\r\n"},
        Form{"comments", "# made by hand, \"really\n#\n" + plain}, Form{"hash_header", "# " + plain},
        Form{"hash_header_below_comment", "# by hand\n#formula,Tc\n\nNb3Sn,18.3\nMgB2,39\nYBa2Cu3O7,93\n"},
        Form{"blanks", replaced(plain, ",", "\u00A0,\u2009")},
        Form{"index", ",formula,Tc\n0,Nb3Sn,18.3\n1,MgB2,39\n2,YBa2Cu3O7,93\n"},
        Form{"excel_hint", "sep=;\r\n" + replaced(replaced(plain, ",", ";"), "\n", "\r\n")},
        Form{"minus", replaced(plain, "39", "\u00A0+39")}),
    [](const auto& form) { return form.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Packed, TableAsBytes,
    testing::Values(Form{"gzip", compressed(plain, archive_write_add_filter_gzip)},
                    Form{"zstd", compressed(plain, archive_write_add_filter_zstd)},
                    Form{"xz", compressed(plain, archive_write_add_filter_xz)},
                    Form{"bzip2", compressed(plain, archive_write_add_filter_bzip2)},
                    Form{"gzip_of_utf16", compressed(utf16(plain, true, false), archive_write_add_filter_gzip)},
                    Form{"gzip_parts", compressed(plain.substr(0, 20), archive_write_add_filter_gzip) +
                                           compressed(plain.substr(20), archive_write_add_filter_gzip)},
                    Form{"xlsx", workbook({{{"Data", plain_sheet()}}, plain_strings, {}, {}})},
                    Form{"gzip_of_xlsx", compressed(workbook({{{"Data", plain_sheet()}}, plain_strings, {}, {}}),
                                                    archive_write_add_filter_gzip)}),
    [](const auto& form) { return form.param.name; });

CsvTable read(std::string_view text, std::string_view formula = {}) {
  const TemporaryFile file(text);
  return read_table(file.path(), formula);
}

std::string failure(std::string_view text) {
  return message_of<Error>([&] { read(text); });
}

TEST(Table, RowsThatDoNotFitAreRejects) {
  const CsvTable table = read("formula,gap\nHg0,35Cd0,65Te,0.9\nMgB2,0\n\"Fe\"x,1\nCo\n\"two\nlines\",1,2\nNi,3\n");
  EXPECT_EQ(table.rows().size(), 2u);
  ASSERT_EQ(table.rejects().size(), 4u);
  EXPECT_EQ(table.rejects()[0].line, 2u);
  EXPECT_EQ(table.rejects()[0].text, "Hg0,35Cd0,65Te,0.9");
  EXPECT_EQ(table.rejects()[0].reason, "the row has 4 cells where the header has 2");
  EXPECT_EQ(table.rejects()[1].line, 4u);
  EXPECT_TRUE(contains(table.rejects()[1].reason, "text follows the closing quote"));
  EXPECT_EQ(table.rejects()[2].reason, "the row has 1 cells where the header has 2");
  EXPECT_EQ(table.rejects()[3].line, 6u);
  EXPECT_EQ(table.rows()[1].line, 8u);
  const CsvTable lone = read("formula,gap\r\"a\rb\",1\rFe,2\rCo\r");  // lines ended by CR are counted
  EXPECT_EQ(lone.rows().at(1).line, 4u);
  EXPECT_EQ(lone.rejects().at(0).line, 5u);
}

TEST(Table, RejectsOfRowsAndCellsAreInFileOrder) {
  const TemporaryFile file("formula,gap\nXx,1\nMgB2,0\nFe\nCo,x\n");
  const PropertyTable table = read_property_table(file.path());
  EXPECT_EQ(table.rows, 4u);
  ASSERT_EQ(table.rejects.size(), 3u);
  EXPECT_EQ(table.rejects[0].line, 2u);
  EXPECT_EQ(table.rejects[1].line, 4u);
  EXPECT_EQ(table.rejects[2].line, 5u);
  EXPECT_EQ(table.used(), 1u);
  const FieldList list = read_field_list(file.path());
  EXPECT_EQ(list.rejects.size(), 2u);
}

TEST(Table, ALongRowIsShortened) {
  const CsvTable table = read("formula,Tc\n" + std::string(100000, ',') + "\nFe,1\n");
  EXPECT_LT(table.rejects().at(0).text.size(), 300u);
  EXPECT_TRUE(contains(table.rejects()[0].reason, "100001 cells"));
}

TEST(Table, TheDelimiterIsTheOneThatFitsTheRows) {
  EXPECT_EQ(read("formula;T, K\nFe;1\n").header(), (Cells{"formula", "T, K"}));
  EXPECT_EQ(read("formula,T; K\nFe,1\n").header(), (Cells{"formula", "T; K"}));
  EXPECT_EQ(read("phases;Tc\nBa,Cu,O;1\n").rows()[0].cells, (Cells{"Ba,Cu,O", "1"}));
  EXPECT_EQ(read("phases,Tc\nBa;Cu;O,1\nBa;O,1\n").rows()[0].cells, (Cells{"Ba;Cu;O", "1"}));
  EXPECT_EQ(read("formula\nFe\n").header(), (Cells{"formula"}));
  EXPECT_EQ(read("formula\tTc").header(), (Cells{"formula", "Tc"}));
  EXPECT_EQ(read("formula;Tc\n\"a;b;c\";1\n").rows()[0].cells, (Cells{"a;b;c", "1"}));
  EXPECT_EQ(read("a,b;c\n1,2;3\n4;5\n").rows().size(), 2u);
  EXPECT_EQ(read("a,b;c\n1,2;3\n").header(), (Cells{"a", "b;c"}));  // as many rows either way: the comma
}

TEST(Table, ACommentIsTheHeaderWhereTheRowBelowIsNone) {
  const CsvTable table = read("#formula,Tc\nFe,1\n");
  EXPECT_EQ(table.header(), (Cells{"formula", "Tc"}));
  EXPECT_EQ(table.rows().at(0).line, 2u);
  ASSERT_EQ(table.remarks().size(), 1u);
  EXPECT_TRUE(contains(table.remarks()[0], "comment"));
  EXPECT_EQ(read("# formula,Tc\nphases,value\nFe,1\n").header(), (Cells{"phases", "value"}));
  EXPECT_EQ(read("# formula,Tc,x\nstuff,value\nFe,1\n").header(), (Cells{"stuff", "value"}));  // other cells
  EXPECT_EQ(read("# stuff,Tc\nFe,1\nCo,2\n", "stuff").header(), (Cells{"stuff", "Tc"}));
  EXPECT_EQ(read("# \"formula,Tc\nFe,1\nCo,2\n").header(), (Cells{"Fe", "1"}));
}

TEST(Table, FilesThatAreNoTableAreNamed) {
  EXPECT_TRUE(contains(failure(""), "the file is empty"));
  for (const char* beginning : {"BZh", "PK", "\x1F", "\xFF", "sep=", "#", "\"", "\xEF\xBB\xBF"}) {
    EXPECT_NO_THROW(failure(beginning)) << beginning;  // an Error or a header, nothing else
  }
  EXPECT_TRUE(contains(failure("\n# only this\n"), "no header line"));
  EXPECT_TRUE(contains(failure("a\n1\n\"open\n2\n"), "line 3: a quoted cell is not closed"));
  EXPECT_TRUE(contains(failure("# a\n\na\n1\n\"open\n2\n"), "line 5: a quoted cell is not closed"));
  EXPECT_TRUE(contains(failure(std::string("formula,Tc\nFe,\0", 15)), "line 2: there is a NUL byte"));
  EXPECT_TRUE(contains(failure(std::string(100000, '\0')), "NUL byte"));
  EXPECT_TRUE(contains(failure(utf16(plain, true, true) + "x"), "UTF-16 text is damaged"));
  EXPECT_TRUE(contains(failure(std::string("\xFF\xFE"
                                           "a\0"
                                           "\x00\xD8"
                                           "b\0",
                                           8)),
                       "UTF-16 text is damaged"));
  EXPECT_TRUE(contains(failure("\xD0\xCF\x11\xE0 old"), "an old Excel file (.xls) or one with a password"));
  EXPECT_TRUE(contains(failure(zipped({{"mimetype", "x"}, {"content.xml", "<x/>"}})), "an OpenDocument file"));
  EXPECT_TRUE(contains(failure(zipped({{"Index/Document.iwa", "x"}})), "a Numbers file"));
  EXPECT_TRUE(contains(failure(zipped({{"xl/workbook.bin", "x"}})), "a binary workbook"));
  EXPECT_TRUE(contains(failure(zipped({{"table.csv", plain}})), "a zip archive: unpack it"));
  EXPECT_TRUE(
      contains(failure(compressed(compressed(plain, archive_write_add_filter_xz), archive_write_add_filter_gzip)),
               "compressed twice"));
  EXPECT_TRUE(contains(failure("7z\xBC\xAF\x27\x1C and so on"), "a file of 7-Zip: unpack it"));
  EXPECT_TRUE(contains(failure(compressed(std::string(257, 'x') + "ustar", archive_write_add_filter_gzip)),
                       "(tar): unpack it"));
  EXPECT_TRUE(contains(failure(compressed("", archive_write_add_filter_gzip)), "the file is empty"));
  EXPECT_TRUE(contains(message_of<Error>([] { read_table("/nowhere.csv"); }), "/nowhere.csv: cannot be opened"));
  EXPECT_TRUE(contains(message_of<Error>([] { read_table(std::filesystem::temp_directory_path()); }), "a folder"));
  EXPECT_TRUE(contains(message_of<Error>([] { read_table("/dev/zero"); }), "NUL byte"));
}

std::string cells_of(const CsvTable& table) {
  std::string text;
  for (const CsvRow& each : table.rows()) {
    for (const std::string_view cell : each.cells) text += std::string(cell) + ",";
  }
  return text;
}

struct Packing {
  const char* name;
  ArchiveFilter filter;
  bool has_checksum = true;  // what libarchive writes as zstd has none
};

class CompressedTable : public testing::TestWithParam<Packing> {};

// A shorter table would be a silent loss: every cut, every flipped bit and every byte behind the end is an error.
TEST_P(CompressedTable, DamageIsAnError) {
  std::string text = "formula,Tc\n";
  for (int i = 1; i < 3000; ++i) text += "Nb" + std::to_string(i) + "Sn," + std::to_string(i * 7919 % 1000) + "\n";
  const std::string whole = compressed(text, GetParam().filter);
  ASSERT_EQ(read(whole).rows().size(), 2999u);
  for (const std::size_t size :
       {std::size_t{12}, whole.size() / 4, whole.size() / 2, whole.size() - 9, whole.size() - 1}) {
    EXPECT_FALSE(failure(whole.substr(0, size)).empty()) << size << " of " << whole.size();
  }
  EXPECT_FALSE(failure(whole + "more").empty());
  EXPECT_FALSE(failure(whole + whole.substr(0, whole.size() / 2)).empty());
  if (!GetParam().has_checksum) return;
  for (std::size_t at = 12; at < whole.size(); at += std::max<std::size_t>(1, whole.size() / 50)) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    EXPECT_TRUE(!failure(flipped).empty() || cells_of(read(flipped)) == cells_of(read(whole))) << at;
  }
}

TEST_P(CompressedTable, BombsAreRefused) {
  const std::string bomb = compressed("formula,Tc\n" + std::string(40'000'000, ' '), GetParam().filter);
  EXPECT_TRUE(contains(failure(bomb), "unfolds to more than 1000 times its size")) << bomb.size();
}

INSTANTIATE_TEST_SUITE_P(Table, CompressedTable,
                         testing::Values(Packing{"gzip", archive_write_add_filter_gzip},
                                         Packing{"zstd", archive_write_add_filter_zstd, false},
                                         Packing{"xz", archive_write_add_filter_xz},
                                         Packing{"bzip2", archive_write_add_filter_bzip2}),
                         [](const auto& packing) { return packing.param.name; });

TEST(Table, PipesAreRead) {
  const TemporaryFile place("");
  std::filesystem::remove(place.path());
  ASSERT_EQ(mkfifo(place.path().c_str(), 0600), 0);
  std::string large = "formula,Tc\n";
  for (int i = 1; i < 20000; ++i) large += "Nb" + std::to_string(i) + "Sn,18.3\n";
  std::thread writer([&] { std::ofstream(place.path()) << large; });
  const CsvTable table = read_table(place.path());
  writer.join();
  EXPECT_EQ(table.rows().size(), 19999u);
  EXPECT_EQ(table.sha256(), sha256(std::as_bytes(std::span(large))));
  EXPECT_TRUE(contains(message_of<Error>([&] { read_csv(place.path()); }), "a pipe or a device"));
}

}  // namespace
}  // namespace phaseselect
