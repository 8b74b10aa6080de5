// What a configuration file may be: one document of plain values, small, of readable bytes. And what YAML makes of
// values that look like something else.
#include <chrono>
#include <tuple>

#include "tests/unit/config_fixture.hpp"

namespace phaseselect {
namespace {

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST_F(ConfigTest, OneDocument) {
  EXPECT_EQ(error("---\n" + required_keys + "...\n"), "");
  EXPECT_EQ(error(","), line(1) + "another document or text begins after the value: keep one");
  EXPECT_EQ(error(required_keys + "---\nmodel: {features: 3}\n"),
            line(5) + "another document or text begins after the value: keep one");
  EXPECT_TRUE(contains(error(required_keys + "...\nmodel: {features: 3}\n"), line(6) + "another document"));
  EXPECT_TRUE(contains(error(required_keys + "model: {features: 3},\n"), ":5: not valid YAML"));
  EXPECT_TRUE(contains(error(required_keys + "model: {hidden: [128],128}\n"), ":5: unknown key 'model.128'"));
  EXPECT_TRUE(contains(error("[1], 2"), line(1) + "another document"));
  EXPECT_TRUE(contains(error("{}\n}"), ":2: not valid YAML"));
}

// Texts of a megabyte that other readers of YAML take minutes or gigabytes for.
TEST_F(ConfigTest, EveryTextEndsAtOnce) {
  const auto start = std::chrono::steady_clock::now();
  for (const char* part :
       {",", "[", "{", "? ", "- ", "[],", "{a: ", "'", "\"", "|\n", "#", ": ", "---\n", "a: 1\n", "\n"}) {
    for (const char* before : {"", "model: ", "model: {hidden: ["}) {
      EXPECT_NE(error(before + repeated(part, 100'000)), "") << before << part;
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST_F(ConfigTest, Bounds) {
  const std::string comment = "#" + std::string(80, 'x') + "\n";
  EXPECT_EQ(error(required_keys + repeated(comment, 12'000)), "");
  EXPECT_TRUE(contains(error(required_keys + repeated(comment, 13'000)), "holds more than 1048576 bytes"));
  EXPECT_TRUE(contains(message_of<UsageError>([] { read_config("/dev/zero"); }), "holds more than 1048576 bytes"));
  EXPECT_TRUE(contains(error("model: " + repeated("[", 17) + repeated("]", 17)), line(1) + "values are nested more"));
  EXPECT_TRUE(contains(error("model: {hidden: [" + repeated("1,", 10'000) + "]}"), "more than 10000 values"));
  const std::string long_word(5000, 'x');
  EXPECT_LT(error(required_keys, {long_word + "=1"}).size(), 700u);
  EXPECT_LT(error(required_keys, {"model.features=" + long_word}).size(), 700u);
  EXPECT_LT(error(required_keys + "? " + long_word + "\n: 1\n").size(), 700u);
}

TEST_F(ConfigTest, AliasesAnchorsTagsAndMergeKeysAreRefused) {
  const std::string laughs = "a: &a [x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: &d [*c,*c,*c]\n";
  EXPECT_TRUE(contains(error(laughs), line(1) + "anchors (&name) are not read"));
  EXPECT_TRUE(contains(error(required_keys + "model: &m {features: 3}\n"), line(5) + "anchors"));
  EXPECT_TRUE(
      contains(error(required_keys + "model: *m\n"), ":5: not valid YAML: the referenced anchor is not defined"));
  EXPECT_TRUE(contains(error(required_keys + "model: {<<: {features: 3}}\n"), ":5: unknown key 'model.<<'"));
  EXPECT_TRUE(contains(error(required_keys + "model: {features: !!int 3}\n"), line(5) + "tags (!name) are not read"));
  EXPECT_TRUE(contains(error("data: {properties: !x a.csv}\n"), line(1) + "tags (!name) are not read"));
}

TEST_F(ConfigTest, KeysArePlainWords) {
  EXPECT_EQ(error(required_keys + "? [a]\n: 1\n"), line(5) + "keys must be plain words: or is a bracket left open?");
  EXPECT_EQ(error(required_keys + "{a: 1}: 1\n"), line(5) + "keys must be plain words: or is a bracket left open?");
  EXPECT_EQ(error(required_keys + "~: 1\n"), line(5) + "a key is empty: write a word before the colon");
  EXPECT_EQ(error(required_keys + "\"model\": {'features': 3}\n"), "");
  EXPECT_TRUE(
      contains(error(required_keys + "Model: {features: 3}\n"), ":5: unknown key 'Model': did you mean 'model'?"));
  EXPECT_TRUE(contains(error(required_keys + "model: {FEATURES: 3}\n"), "did you mean 'model.features'?"));
  EXPECT_EQ(error(required_keys + "model:\n"), line(5) + "model must be a section with keys of its own");
  EXPECT_EQ(error(required_keys + "model: {}\n"), "");
}

TEST_F(ConfigTest, Bytes) {
  EXPECT_EQ(error(required_keys + "model:\n  features: 3\n"), "");
  EXPECT_EQ(error("\xef\xbb\xbf" + required_keys), "") << "byte order mark";
  std::string windows, old_mac;
  for (const char c : required_keys) {
    windows += c == '\n' ? "\r\n" : std::string(1, c);
    old_mac += c == '\n' ? '\r' : c;
  }
  for (const std::string& text : {windows, old_mac}) {
    EXPECT_EQ(read(text).environments.formulas, folder_ / "formulas.csv");
    EXPECT_TRUE(contains(error(text + "modl: 3"), line(5) + "unknown key 'modl'"));
  }
  const std::string nul(1, '\0');
  EXPECT_EQ(error(required_keys + "# " + nul), line(5) + "holds the control character U+0000: save it as UTF-8");
  EXPECT_EQ(error(required_keys + "\x04\nmodel: {features: 3}\n"),
            line(5) + "holds the control character U+0004: remove it");
  EXPECT_EQ(error("data: {properties: \"a.csv\\0.txt\"}"), line(1) + "a text holds the character NUL: remove it");
  EXPECT_EQ(error("\xff\xfe"
                  "d\x01"),
            line(1) + "is UTF-16: save it as UTF-8");
  EXPECT_TRUE(contains(error("data:\n\tproperties: a.csv\n"), ":2: not valid YAML"));
  EXPECT_TRUE(contains(error("data:\n\tproperties: a.csv\n"), "indent with blanks, not with tabs"));
  EXPECT_EQ(error("data:\n  properties:\ta.csv\t\n  threshold:\t1\nenvironments: {formulas: b.csv}\n"), "");
}

// A path is bytes, whether they are UTF-8 or not: what the resolved form says must find the same file.
TEST_F(ConfigTest, TextOfAnyBytesReadsBackTheSame) {
  for (const char* text : {"na\xefve.csv", "\xc3\xa4\xe2\x82\xac.csv",
                           "a\xc2\x85"
                           "b\xe2\x80\xa8"
                           "c",
                           "a\tb\nc\x7f\x01", "\\\"'#: ~", " blanks ", "\xff\xfe", "a\xed\xa0\x80",
                           "\xef\xbb\xbf"
                           "a"}) {
    Config config = read(required_keys);
    config.data.property = text;
    config.data.properties = folder_ / text;
    const Config again = read(to_yaml(config));
    EXPECT_EQ(again.data.property, config.data.property);
    EXPECT_EQ(again.data.properties, config.data.properties);
    EXPECT_EQ(read(required_keys, {std::string("data.property=") + text}).data.property, text);
  }
}

TEST_F(ConfigTest, TextThatYamlReadsAsNothingMustBeQuoted) {
  for (const char* nothing : {"#Tc", "~", "null", "NULL", "", "  # Tc"}) {
    const std::string text = "data:\n  properties: a.csv\n  threshold: 1\n  property: " + std::string(nothing) +
                             "\nenvironments: {formulas: b.csv}\n";
    EXPECT_EQ(error(text),
              line(4) +
                  "data.property must be text, but is empty: put it in quotes, since YAML reads ~, null and "
                  "what follows ' #' as nothing");
  }
  const auto with = [](const std::string& keys) {
    return "data: {properties: a.csv, threshold: 1, " + keys + "}\nenvironments: {formulas: b.csv}\n";
  };
  EXPECT_EQ(read(with("property: ''")).data.property, "");
  EXPECT_EQ(read(with("property: \"#Tc\"")).data.property, "#Tc");
  EXPECT_EQ(read(with("property: '~'")).data.property, "~");
  EXPECT_EQ(read(with("property: a#1")).data.property, "a#1");
  EXPECT_TRUE(contains(error("data: {properties: ~}"), ":1: data.properties must be the path of a file, but is empty"));
  EXPECT_TRUE(
      contains(error("data: {properties: ''}"), ":1: data.properties must be the path of a file, but is empty"));
  EXPECT_TRUE(contains(error("validation: {elements: [Y, ~]}"),
                       ":1: validation.elements must be the symbol of an element, but is empty"));
}

TEST_F(ConfigTest, NumbersAndWordsAreNotGuessed) {
  using Case = std::tuple<const char*, const char*, double>;  // key, text, value
  for (const auto& [key, text, value] :
       {Case{"threshold", ".5", 0.5}, Case{"threshold", "5.", 5}, Case{"threshold", "+5", 5},
        Case{"threshold", "-.5e1", -5}, Case{"threshold", "1e-3", 0.001}, Case{"threshold", "010", 10},
        Case{"threshold", "1E+2", 100}}) {
    EXPECT_EQ(read("data: {properties: a, " + std::string(key) + ": " + text + "}\nenvironments: {formulas: b}\n")
                  .data.threshold,
              value);
  }
  EXPECT_EQ(read(required_keys + "training: {epochs: 010}\n").training.epochs, 10);
  for (const char* text : {"1_000",
                           "0x10",
                           "1e400",
                           "+-5",
                           "-+5",
                           "++5",
                           "--5",
                           "1,5",
                           "'5'",
                           "5 K",
                           "0b11",
                           "1:30",
                           "inf",
                           ".inf",
                           ".nan",
                           "one",
                           "~",
                           "[5]",
                           "\xc2\xa0"
                           "5",
                           "\xef\xbc\x95",
                           "e5",
                           "."}) {
    const std::string threshold = "data: {properties: a, threshold: " + std::string(text) + "}\n";
    EXPECT_TRUE(contains(error(threshold), line(1))) << text;
    EXPECT_TRUE(contains(error("training: {epochs: " + std::string(text) + "}\n"),
                         line(1) + "training.epochs must be a whole") ||
                contains(error("training: {epochs: " + std::string(text) + "}\n"), line(1) + "unknown key"))
        << text;
  }
  for (const char* text : {"1e1", "1.0", "0o17", "1e-3"}) {
    EXPECT_TRUE(contains(error("training: {epochs: " + std::string(text) + "}\n"), "must be a whole number, not '"))
        << text;
  }
  for (const char* text : {"yes", "no", "on", "off", "Yes", "True", "TRUE", "y", "1", "'true'"}) {
    EXPECT_TRUE(contains(error("calibration:\n  neighbours: " + std::string(text) + "\n"),
                         line(2) + "calibration.neighbours must be true or false, not "))
        << text;
  }
  EXPECT_EQ(read(required_keys + "validation: {elements: [Y, No, N, 'F']}\n").validation.elements,
            (std::vector<std::string>{"Y", "No", "N", "F"}));
}

}  // namespace
}  // namespace phaseselect
