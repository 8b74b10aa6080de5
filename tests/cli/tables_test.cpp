// Tables of users through the binary: where they come from, what is said about them, and columns by other names.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/cli/fixture.hpp"

namespace phaseselect {
namespace {

using small_data::read_file;
using small_data::write_file;

class Tables : public CommandLine {
 protected:
  static std::string header() { return "phases,Tc,n_compositions,minimum,maximum_formula\n"; }

  // aggregate in a shell, which gives it `input` to read.
  static int aggregate_from_shell(const std::string& input, const std::string& arguments) {
    const std::string command = "cd " + folder().path().string() + " && " + input + " " + PHASESELECT_BINARY +
                                " aggregate " + arguments + " --quiet 2>errors.txt";
    return std::system(command.c_str());
  }
};

// Lists and rankings as well: - is standard input wherever a table is read.
TEST_F(Tables, CommandsInAPipe) {
  const auto shell = [](const std::string& command) {
    const std::string quiet = "cd " + folder().path().string() + " && " + command + " 2>errors.txt";
    return std::system(quiet.c_str());
  };
  const std::string program = PHASESELECT_BINARY;
  ASSERT_EQ(call({"screen", "run", "-o", "piped_ranking.csv"}).code, 0);
  ASSERT_EQ(call({"map", "piped_ranking.csv", "-o", "from_file.svg"}).code, 0);
  for (const char* input : {"-", "/dev/stdin"}) {
    ASSERT_EQ(shell(program + " screen run -o - -q | " + program + " map " + input + " -q -o from_pipe.svg"), 0)
        << read_file(folder() / "errors.txt");
    expect_same_file(folder() / "from_file.svg", folder() / "from_pipe.svg");
  }
  write_file(folder() / "piped_list.csv", "phases\nBa Li O\nK O S\n");
  ASSERT_EQ(call({"predict", "run", "piped_list.csv", "-o", "from_file.csv"}).code, 0);
  ASSERT_EQ(shell("cat piped_list.csv | " + program + " predict run - -q -o - > from_pipe.csv"), 0)
      << read_file(folder() / "errors.txt");
  expect_same_file(folder() / "from_file.csv", folder() / "from_pipe.csv");
  ASSERT_EQ(call({"screen", "run", "--known", "piped_list.csv", "-o", "known_file.csv"}).code, 0);
  ASSERT_EQ(shell("cat piped_list.csv | " + program + " screen run --known - -q -o known_pipe.csv"), 0)
      << read_file(folder() / "errors.txt");
  expect_same_file(folder() / "known_file.csv", folder() / "known_pipe.csv");
}

TEST_F(Tables, OptionsThatWouldHaveNoEffect) {
  write_file(folder() / "some_list.csv", "phases\nBa Li O\n");
  expect_refused({"screen", "run", "-o", "new.csv", "--formula-column", "phases"}, 2, {"--formula-column", "--known"});
  expect_refused({"accessibility", "run", "-o", "new.csv", "--formula-column", "phases"}, 2,
                 {"--formula-column", "--reported"});
  expect_refused({"study", "run", "--metals", "-o", "new.csv", "--known", "some_list.csv"}, 2,
                 {"--known", "--ranking"});
  expect_refused({"study", "run", "--metals", "-o", "new.csv", "--seed", "3"}, 2, {"--seed"});
  expect_refused({"study", "config.yaml", "--vary", "features=2", "-o", "new.csv", "--arity", "2"}, 2, {"--arity"});
}

TEST_F(Tables, ListsWithoutAUsableRow) {
  write_file(folder() / "all_bad.csv", "phases\nnonsense\nK Xx\n");
  expect_refused({"predict", "run", "all_bad.csv", "-o", "new.csv"}, 1, {"all_bad.csv: there is no usable row"});
  expect_refused({"screen", "run", "--known", "all_bad.csv", "-o", "new.csv"}, 1, {"no usable row"});
  expect_refused({"study", "run", "--ranking", "--known", "all_bad.csv", "-o", "new.csv"}, 1, {"no usable row"});
  write_file(folder() / "partly.csv", "phases\nnonsense\nBa Li O\n");
  const Outcome screened = call({"screen", "run", "--known", "partly.csv", "-o", "partly_out.csv", "-q"});
  EXPECT_EQ(screened.code, 0);
  EXPECT_PRED2(contains, screened.err, "partly.csv: 1 of 2 rows was not used, the first in line 2: 'nonsense'");
  EXPECT_PRED2(contains, call({"screen", "run", "--known", "partly.csv", "-o", "partly_out.csv"}).err,
               "1 reported fields were read, 1 rows rejected");
  const Outcome study = call({"study", "run", "--ranking", "--known", "partly.csv", "-o", "study_out.csv", "--json"});
  ASSERT_EQ(study.code, 0) << study.err;
  EXPECT_EQ(nlohmann::json::parse(study.out)["rejects"], 1);
  EXPECT_EQ(nlohmann::json::parse(study.out)["reported_rows"], 1);
}

TEST_F(Tables, StandardInputIsAFileNamedByADash) {
  write_file(folder() / "one.csv", "formula,Tc\nNb3Sn,18.3\n");
  for (const char* arguments : {"- -o piped.csv", "/dev/stdin -o piped.csv"}) {
    EXPECT_EQ(aggregate_from_shell("cat one.csv |", arguments), 0) << read_file(folder() / "errors.txt");
    EXPECT_EQ(read_file(folder() / "piped.csv"), header() + "Nb Sn,18.3,1,18.3,Nb3Sn\n");
  }
  EXPECT_EQ(aggregate_from_shell("gzip -c one.csv |", "- -o piped.csv"), 0) << read_file(folder() / "errors.txt");
  EXPECT_EQ(read_file(folder() / "piped.csv"), header() + "Nb Sn,18.3,1,18.3,Nb3Sn\n");
  EXPECT_NE(aggregate_from_shell("printf 'formula,Tc\\nQq,1\\n' |", "- -o missing.csv"), 0);
  EXPECT_PRED2(contains, read_file(folder() / "errors.txt"), "standard input: there is no usable row; line 2");
  EXPECT_FALSE(std::filesystem::exists(folder() / "missing.csv"));
}

TEST_F(Tables, ColumnsByOtherNames) {
  write_file(folder() / "named.csv", "sample;Stuff;T\u00A0c;P\n1;Hg0,35Cd0,65Te;0,9;1\n2;MgB2;39;0\n3;Fe;1.5;0\n");
  expect_refused({"aggregate", "named.csv", "-o", "new.csv"}, 1,
                 {"'sample', 'Stuff', 'T\\u00A0c', 'P'", "--formula-column"});
  expect_refused({"aggregate", "named.csv", "-o", "new.csv", "--formula-column", "stuff"}, 1,
                 {"'P'", "name it with --property"});
  expect_refused({"aggregate", "named.csv", "-o", "new.csv", "--formula-column", "formula"}, 2,
                 {"'formula'", "--formula-column", "'Stuff'"});
  expect_refused({"aggregate", "named.csv", "-o", "new.csv", "--formula-column", "stuff", "--property", "Tc"}, 2,
                 {"'Tc'", "--property", "'T\\u00A0c'"});
  expect_refused({"aggregate", "named.csv", "-o", "new.csv", "--decimal", ";"}, 2, {"--decimal"});
  const Outcome outcome = call({"aggregate", "named.csv", "-o", "named_fields.csv", "--formula-column", "stuff",
                                "--property", "T\u00A0c", "--decimal", ",", "--json", "--quiet"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json result = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(result["property"], "T\u00A0c");
  EXPECT_EQ(result["guessed"], false);
  EXPECT_EQ(result["values"], 2);
  EXPECT_EQ(result["range"], (nlohmann::json{0.9, 39.0}));
  EXPECT_EQ(result["rejects"], 1);
  EXPECT_EQ(result["remarks"].size(), 1u);
  EXPECT_PRED2(contains, outcome.err, "has a decimal point where data.decimal is ','");
}

// The same in a configuration, in the same words for all commands that read one.
TEST_F(Tables, WhatIsGuessedOrLeftOutIsSaidUnderQuietToo) {
  std::string fields = small_data::fields_csv() + "O Xe,50\nLi Qq,3\nLi,>4\nBa Ba O,1\n";
  fields.replace(0, 6, "chemsys");
  write_file(folder() / "fields_guessed.csv", fields);
  write_file(
      folder() / "formulas_guessed.csv", "id,Composition\n" + [] {
        std::string text = small_data::formulas_csv();
        text.erase(0, text.find('\n') + 1);
        std::string rows;
        for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
          rows += "1," + text.substr(at, text.find('\n', at) + 1 - at);
        }
        return rows + "2,Li3+\n3,LiO6050\n";
      }());
  const Words settings{"--set", "data.properties=fields_guessed.csv",         "--set",  "data.property=",
                       "--set", "environments.formulas=formulas_guessed.csv", "--quiet"};
  const Words commands[] = {{"inspect", "config.yaml", "--json"},
                            {"train", "config.yaml", "-o", "run_guessed"},
                            {"validate", "config.yaml", "-o", "validation_guessed"}};
  for (Words command : commands) {
    command.insert(command.end(), settings.begin(), settings.end());
    const Outcome outcome = call(command);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    for (const char* part :
         {"property 'Tc': 62 values from 1 to 50 (guessed",
          "fields_guessed.csv: column 'chemsys' is read as the phase field",
          "fields_guessed.csv: 1 row where an element is named twice, which counts once, the first in line 65: 'Ba Ba "
          "O'",
          "fields_guessed.csv: 2 of 64 rows were not used, the first in line 63: 'Li Qq': unknown element 'Qq'",
          "formulas_guessed.csv: column 'Composition' is read as the formula",
          "formulas_guessed.csv: 1 row with an amount of 1,000 or more",
          "formulas_guessed.csv: 1 of 86 rows was not used, the first in line 86: 'Li3+': unexpected '+'",
          "1 of 62 fields are set aside: an element of theirs has no environments"}) {
      EXPECT_PRED2(contains, outcome.err, part) << command.front();
    }
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 8) << outcome.err;
  }
  const Outcome named = call({"train", "config.yaml", "-o", "run_named"});
  EXPECT_PRED2(contains, named.err, "property 'Tc': 60 values from 2 to 31\n");
}

TEST_F(Tables, DecimalCommasInAConfiguration) {
  write_file(folder() / "comma.csv", "phases;Tc\nLi O;0,5\nNa O;20,5\nLi Cl;1,5\nNa Cl;21\nK Cl;2\nK O;25\n");
  for (const char* mark : {"data.decimal=','", "data.decimal=,"}) {
    const Outcome outcome =
        call({"inspect", "config.yaml", "--json", "--set", "data.properties=comma.csv", "--set", mark});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(nlohmann::json::parse(outcome.out)["properties"]["range"], (nlohmann::json{0.5, 25.0}));
  }
}

TEST_F(Tables, AListOfFieldsInAnySpelling) {
  const Outcome dashed = call({"explain", "run", "O-Li-Ba"});
  EXPECT_EQ(dashed.code, 0) << dashed.err;
  EXPECT_EQ(dashed.out, call({"explain", "run", "Ba Li O"}).out);
}

}  // namespace
}  // namespace phaseselect
