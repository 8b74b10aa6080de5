// Values in options, --set key=VALUE: text as it stands, numbers and words without the blanks around them, lists as one
// list of YAML.
#include <tuple>

#include "host/config/option_value.hpp"
#include "tests/unit/config_fixture.hpp"

namespace phaseselect {
namespace {

TEST_F(ConfigTest, TextInAnOptionMeansWhatItSays) {
  for (const char* text : {"#Tc",         "my data #1.csv",
                           "a: b.csv",    "[x].csv",
                           "{a}",         "~",
                           "null",        "- x",
                           "a # b",       "*x",
                           "&x",          "!x",
                           "%x",          "@x",
                           "Tc, K",       "yes",
                           "3",           " Tc ",
                           "\tTc",        "a'b",
                           "it's \"it\"", ">",
                           "|",           "? a",
                           "a=b",         "Tc\n",
                           "T\xe9"}) {
    EXPECT_EQ(read(required_keys, {"data.property=" + std::string(text)}).data.property, text);
    EXPECT_EQ(read(required_keys, {"data.properties=" + std::string(text)}).data.properties,
              std::filesystem::current_path() / text);
  }
  EXPECT_EQ(read(required_keys, {"data.property="}).data.property, "");
  EXPECT_EQ(error(required_keys, {"data.properties="}),
            "--set data.properties=: data.properties must be the path of a file, but is empty");
}

TEST_F(ConfigTest, AQuotedTextInAnOptionIsUnquotedOrRefused) {
  using Case = std::tuple<const char*, const char*>;
  for (const auto& [given, text] : {Case{"\"Tc\"", "Tc"}, Case{"'Tc, K'", "Tc, K"}, Case{"'it''s'", "it's"},
                                    Case{"\"a\\\"b\\\\\"", "a\"b\\"}, Case{"\" Tc \"", " Tc "}, Case{"''", ""},
                                    Case{"\"\"", ""}, Case{"'# [~'", "# [~"}, Case{"\"\\u00e9\"", "\xc3\xa9"}}) {
    EXPECT_EQ(read(required_keys, {"data.property=" + std::string(given)}).data.property, text) << given;
  }
  for (const char* given : {"\"Tc\",K", "\"Tc\" # \"", "'Tc' ", "\"Tc", "'", "\"", "'a'b'", "\"a\\\"", "'Tc': 'K'"}) {
    EXPECT_EQ(error(required_keys, {"data.property=" + std::string(given)}),
              "--set data.property=" + std::string(given) +
                  ": the value begins with a quote but is not one quoted text: put quotes around all of it, or around "
                  "none");
  }
  EXPECT_TRUE(contains(error(required_keys, {"data.property=\"\\q\""}), "--set data.property=\"\\q\": not valid YAML"));
  EXPECT_TRUE(contains(error(required_keys, {"training.epochs=\"3\""}), "must be a whole number, not the quoted '3'"));
  EXPECT_EQ(read(required_keys, {"model.attention.combine='pooled'"}).model.attention.combine, Combine::pooled);
}

TEST_F(ConfigTest, WordsInAnOption) {
  EXPECT_EQ(read(required_keys, {"training.epochs= 5 ", "data.threshold=1e-3"}).training.epochs, 5);
  EXPECT_EQ(read(required_keys, {"model.attention.combine= pooled\t"}).model.attention.combine, Combine::pooled);
  EXPECT_EQ(read(required_keys, {"training.epochs=010"}).training.epochs, 10);
  for (const char* given :
       {"", " ", "~", "5 # five", "5,6", "[5]", "{}", "5: 6", "- 5", "!!int 5", "5\n", "0x5", "5e0"}) {
    EXPECT_TRUE(contains(error(required_keys, {"training.epochs=" + std::string(given)}),
                         "training.epochs must be a whole number, "))
        << given;
  }
  EXPECT_TRUE(contains(error(required_keys, {"calibration.neighbours=yes"}), "must be true or false, not 'yes'"));
  EXPECT_TRUE(contains(error(required_keys, {"calibration.neighbours="}), "must be true or false, but is empty"));
}

TEST_F(ConfigTest, AListInAnOptionIsOneList) {
  EXPECT_EQ(read(required_keys, {"model.hidden= [8,\n 4,] "}).model.hidden, (std::vector<int>{8, 4}));
  EXPECT_EQ(read(required_keys, {"model.hidden=[]"}).model.hidden, std::vector<int>{});
  EXPECT_EQ(read(required_keys, {"validation.elements=[Y, No, 'N']"}).validation.elements,
            (std::vector<std::string>{"Y", "No", "N"}));
  using Case = std::tuple<const char*, const char*>;
  for (const auto& [given, reason] :
       {Case{"[128],128", "another document or text begins after the value: keep one"},
        Case{"[8] [4]", "another document"}, Case{"[8]]", "not valid YAML"}, Case{"[8", "is a bracket left open?"},
        Case{"[8] # ]", "takes no comment"}, Case{"", "must be a list of whole numbers, but is empty"},
        Case{"8", "must be a list of whole numbers, not '8'"},
        Case{"- 8", "must be a list of whole numbers, not '- 8'"}, Case{"'[8]'", "not the quoted '[8]'"},
        Case{"[&a 8]", "anchors (&name) are not read"}, Case{"[8]\n---\n[4]", "another document"},
        Case{"[[8]]", "must be a whole number, not a list"}, Case{"[a: 8]", "must be a whole number, not a section"},
        Case{"[,8]", "must be a whole number, but is empty"}, Case{"[8 4]", "must be a whole number, not '8 4'"},
        Case{"{8}", "must be a list of whole numbers, not '{8}'"}}) {
    const std::string found = error(required_keys, {"model.hidden=" + std::string(given)});
    EXPECT_TRUE(contains(found, "--set model.hidden=")) << given << " -> " << found;
    EXPECT_TRUE(contains(found, reason)) << given << " -> " << found;
  }
}

TEST(SplitValues, AtCommasOutsideOfQuotesAndOfTheBracketsOfLists) {
  using Values = std::vector<std::string>;
  EXPECT_EQ(split_values("10,20", Form::word), (Values{"10", "20"}));
  EXPECT_EQ(split_values("10,,", Form::word), (Values{"10", "", ""}));
  EXPECT_EQ(split_values("", Form::text), Values{""});
  EXPECT_EQ(split_values("[80,80],[40],[]", Form::list), (Values{"[80,80]", "[40]", "[]"}));
  EXPECT_EQ(split_values("[a],b].csv", Form::text), (Values{"[a]", "b].csv"}));
  EXPECT_EQ(split_values("\"Tc, K\",'it''s, yes',it's,\"a", Form::text),
            (Values{"\"Tc, K\"", "'it''s, yes'", "it's", "\"a"}));
  EXPECT_EQ(split_values("\"a\" b,c", Form::text), (Values{"\"a\" b", "c"}));
}

}  // namespace
}  // namespace phaseselect
