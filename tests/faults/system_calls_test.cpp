// Every system call that matters fails once, or the process dies at it: then a command says so or has done its work,
// nothing is half-written, and the same command again (or with --resume) gives the bits of an undisturbed run. strace
// injects the faults; without it, or where tracing is not allowed, these tests skip. By default up to eight calls of
// each kind and command are tried, evenly spread; with PHASESELECT_THOROUGH=1 all of them.
#include <algorithm>
#include <sstream>

#include "tests/faults/fixture.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;
using small_data::read_file;

struct Fault {
  const char* call;
  const char* what;  // as strace says it
};

constexpr Fault faults[] = {{"write", "error=ENOSPC"},   {"pwrite64", "error=EIO"},  {"fsync", "error=EIO"},
                            {"rename", "error=EACCES"},  {"openat", "error=EMFILE"}, {"mkdir", "error=EACCES"},
                            {"ftruncate", "error=EIO"},  {"unlink", "error=EACCES"}, {"flock", "error=ENOLCK"},
                            {"read", "error=EIO"},       {"pread64", "error=EIO"},   {"write", "signal=KILL"},
                            {"pwrite64", "signal=KILL"}, {"fsync", "signal=KILL"},   {"rename", "signal=KILL"},
                            {"mkdir", "signal=KILL"},    {"unlink", "signal=KILL"},  {"ftruncate", "signal=KILL"}};

class SystemCalls : public Faults {
 protected:
  void SetUp() override {
    if (std::system("strace -o /dev/null true >/dev/null 2>&1") != 0) GTEST_SKIP() << "strace cannot trace here";
  }

  // How often the main thread makes each call.
  static std::map<std::string, std::size_t> count_calls(const std::string& words) {
    std::string names;
    for (const Fault& fault : faults) names += (names.empty() ? "" : ",") + std::string(fault.call);
    EXPECT_EQ(run(words, "strace -f --seccomp-bpf -qq -o calls -e signal=none -e trace=" + names).code, 0);
    std::map<std::string, std::size_t> counts;
    std::istringstream lines(read_file(folder() / "calls"));
    std::string main_thread;
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words_of_line(line);
      std::string thread, call;
      words_of_line >> thread >> call;
      if (main_thread.empty()) main_thread = thread;
      if (thread == main_thread && call.front() != '<') ++counts[call.substr(0, call.find('('))];
    }
    return counts;
  }

  // Breaks `words`, whose output begins with `broken`, in every way. `again` goes on with it; empty: it is repeated
  // where there is no output.
  static void break_everywhere(const std::string& output, const std::string& words, const std::string& again) {
    remove_output("broken");
    const std::map<std::string, std::size_t> counts = count_calls(words);
    const auto right = results(folder() / output);
    ASSERT_FALSE(right.empty());
    const bool thorough = std::getenv("PHASESELECT_THOROUGH") != nullptr;
    std::size_t tried = 0, said = 0, killed = 0, harmless = 0;
    for (const Fault& fault : faults) {
      const auto found = counts.find(fault.call);
      const std::size_t calls = found == counts.end() ? 0 : found->second;
      const std::size_t chosen = thorough ? calls : std::min<std::size_t>(calls, 8);
      for (std::size_t i = 0; i < chosen; ++i) {
        const std::size_t when = 1 + (chosen == 1 ? calls - 1 : i * (calls - 1) / (chosen - 1));
        remove_output("broken");
        const std::string tracer =
            fmt::format("strace -f -qq -o calls -e trace={0} -e inject={0}:{1}:when={2}", fault.call, fault.what, when);
        const Ended ended = run(words, tracer);
        if (ended.messages.find("shared libraries") != std::string::npos) continue;  // the program had not begun
        ++tried;
        const std::string where = fmt::format("{}: {} {} {}: {}", words, fault.call, when, fault.what, ended.messages);
        const auto there = results(folder() / output);
        for (const auto& [file, contents] : there) {
          const auto same = right.find(file);
          EXPECT_TRUE(same != right.end() && same->second == contents) << where << file << " is half-written";
        }
        if (ended.code == 0) {
          ++harmless;
          EXPECT_EQ(there.size(), right.size()) << where << "done, but files are missing";
        } else if (ended.code == 137 && std::string(fault.what) == "signal=KILL") {
          ++killed;
        } else {
          ++said;
          EXPECT_TRUE(ended.code == 1 || ended.code == 2) << where << "exit code " << ended.code;
          EXPECT_TRUE(ended.messages.find("phaseselect: ") != std::string::npos) << where << "no message";
        }
        if (again.empty() && !there.empty()) continue;
        const Ended repeated = run(again.empty() ? words : again);
        EXPECT_EQ(repeated.code, 0) << where << "and then: " << repeated.messages;
        EXPECT_TRUE(results(folder() / output) == right) << where << "other bits afterwards";
        EXPECT_EQ(left_over(), 0u) << where << "something is left over";
      }
    }
    fmt::print("{} faults: {} said, {} killed, {} harmless\n", tried, said, killed, harmless);
    EXPECT_GT(said, 0u);
    EXPECT_GT(killed, 0u);
  }
};

TEST_F(SystemCalls, Aggregate) { break_everywhere("broken.csv", "aggregate fields.csv -o broken.csv", ""); }

TEST_F(SystemCalls, Train) {
  const std::string words = "train config.yaml -o broken --checkpoint-seconds 0 --calibration cv " + settings();
  break_everywhere("broken", words, words + " --resume");
}

TEST_F(SystemCalls, Validate) {
  const std::string words = "validate config.yaml -o broken --checkpoint-seconds 0 --member-predictions " + settings();
  break_everywhere("broken", words, words + " --resume");
}

TEST_F(SystemCalls, Merge) { break_everywhere("broken", "merge part0 part1 -o broken", ""); }

TEST_F(SystemCalls, Predict) { break_everywhere("broken.csv", "predict run list.csv -o broken.csv", ""); }

TEST_F(SystemCalls, Screen) { break_everywhere("broken.csv", "screen run --known list.csv -o broken.csv", ""); }

TEST_F(SystemCalls, ScreenResumed) {
  const std::string words = "screen run -o broken.csv --resume --checkpoint-seconds 0";
  break_everywhere("broken.csv", words, words);
}

TEST_F(SystemCalls, Map) { break_everywhere("broken.svg", "map ranking.csv -o broken.svg", ""); }

TEST_F(SystemCalls, Export) { break_everywhere("broken.csv", "export run --embeddings broken.csv", ""); }

}  // namespace
}  // namespace phaseselect
