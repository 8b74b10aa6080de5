// What reaches the terminal: whatever names and cells hold, messages are one line each and do nothing to the terminal,
// and the commands in them can be pasted.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/io/readable.hpp"
#include "tests/cli/fixture.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;
using small_data::read_file;
using small_data::write_file;

class TerminalTest : public CommandLine {
 protected:
  // Everything that a command prints is as safe as `lines` makes it.
  static Outcome expect_safe(const Words& arguments) {
    Outcome outcome = call(arguments);
    EXPECT_EQ(lines(outcome.err), outcome.err);
    EXPECT_EQ(lines(outcome.out), outcome.out);
    return outcome;
  }
  // By sh, in the folder, "$0" being the program.
  static int shell(const std::string& command) {
    const std::string script = "cd " + shell_quoted(folder().path()) + " && " + command;
    const std::string words = "sh -c " + shell_quoted(script) + " " + shell_quoted(PHASESELECT_BINARY);
    const int status = std::system(words.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
};

const std::string hostile =
    "\x1B]0;owned\x07\x1B[2J\xE2\x80\xAE\xC2\x9B"
    "1m\xFF";
const std::string harmless = "\\x1B]0;owned\\x07\\x1B[2J\\u202E\\u009B1m\\xFF";

TEST_F(TerminalTest, ArgumentsAndNames) {
  expect_refused({"train", "config.yaml", "-o", "new", hostile}, 2, {harmless});
  expect_refused({"train", "config.yaml", "-o", "new", "--" + hostile}, 2, {"--" + harmless});
  expect_refused({"train", "config.yaml", "-o", "new", "--set", hostile + "=1"}, 2, {harmless});
  expect_refused({"train", "config.yaml", "-o", "new", "--device", hostile}, 2, {harmless});
  expect_refused({"screen", hostile, "-o", "new.csv"}, 1, {harmless});
  expect_refused({"aggregate", "two\nlines" + hostile, "-o", "new.csv"}, 1, {"two\\nlines" + harmless});
  expect_refused({"map", "fields.csv", "-o", hostile + "/new.svg"}, 1, {});
}

TEST_F(TerminalTest, CellsOfTables) {
  write_file(folder() / "hostile.csv", "formula,Tc\nNaCl,1\n\"" + hostile + "\nbest: 1\",2\nKCl,3\nLiF,1\nNaF,4\n");
  const Outcome aggregated = expect_safe({"aggregate", "hostile.csv", "-o", "hostile_fields.csv"});
  EXPECT_EQ(aggregated.code, 0) << aggregated.err;
  EXPECT_PRED2(contains, aggregated.err, harmless + "\\nbest: 1");
  write_file(folder() / "hostile_config.yaml",
             "data: {properties: hostile.csv, threshold: 2}\nenvironments: {formulas: formulas.csv}\n");
  const Outcome inspected = expect_safe({"inspect", "hostile_config.yaml"});
  EXPECT_EQ(inspected.code, 0) << inspected.err;
  EXPECT_PRED2(contains, inspected.out, harmless + "\\nbest: 1");
  const Outcome json = expect_safe({"inspect", "hostile_config.yaml", "--json"});
  EXPECT_PRED2(contains, json.out, "\\u001b[2J\\u202e");
  const auto text = nlohmann::json::parse(json.out)["properties"]["rejects"][0]["text"].get<std::string>();
  EXPECT_PRED2(contains, text, "\x1B[2J\xE2\x80\xAE\xC2\x9B");
}

TEST_F(TerminalTest, SummariesKeepTheirLines) {
  const Outcome screened = expect_safe({"screen", "run", "-o", "ranking.csv"});
  EXPECT_GT(std::count(screened.err.begin(), screened.err.end(), '\n'), 3) << screened.err;
}

// The command that an interrupted training ends with, run by sh as it stands.
TEST_F(TerminalTest, TheCommandToGoOnWithCanBePasted) {
  for (const std::string run : {"two words", "it's \"$HOME\" `id`", "new\nline", "-dash", "caf\xE9;exit 3"}) {
    const std::string named = run.front() == '-' ? "./" + run : run;
    Program program(folder().path(),
                    {"train", "config.yaml", "--quiet", "--set", "training.epochs=100000", "-o", named});
    for (int i = 0; i < 2000 && !fs::exists(folder() / run / "checkpoint.safetensors"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    program.send(SIGINT);
    const Outcome stopped = program.finish();
    ASSERT_EQ(stopped.code, 130) << stopped.err;
    EXPECT_EQ(std::count(stopped.err.begin(), stopped.err.end(), '\n'), 1) << stopped.err;
    const std::string lead = "continue with phaseselect ";
    const std::size_t begin = stopped.err.find(lead);
    ASSERT_NE(begin, std::string::npos) << stopped.err;
    std::string rest = stopped.err.substr(begin + lead.size());
    rest.resize(rest.find(" --resume"));
    // Another configuration, to be refused for that: proof enough that both paths were understood.
    EXPECT_EQ(shell("\"$0\" " + rest + " --resume --set training.epochs=3 2>" + "refusal"), 1) << stopped.err;
    EXPECT_PRED2(contains, read_file(folder() / "refusal"), "belongs to another run") << rest;
    EXPECT_PRED2(contains, call({"predict", named, "fields.csv", "-o", "new.csv"}).err, rest);
    fs::remove_all(folder() / run);
  }
}

TEST_F(TerminalTest, ClosedStreamsAreNotTakenForFiles) {
  EXPECT_EQ(shell("\"$0\" export run --embeddings open.csv 2>log"), 0);
  EXPECT_EQ(shell("\"$0\" export run --embeddings closed.csv --threads 1 <&- >&- 2>&-"), 0);
  expect_same_file(folder() / "open.csv", folder() / "closed.csv");
  EXPECT_EQ(shell("\"$0\" screen run -o screened.csv --json >&- 2>log"), 1);
  EXPECT_PRED2(contains, read_file(folder() / "log"), "cannot write to standard output");
  EXPECT_EQ(read_file(folder() / "screened.csv").front(), 'p');
}

}  // namespace
}  // namespace phaseselect
