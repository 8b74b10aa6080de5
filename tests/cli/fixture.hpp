// A folder with small tables and a finished run, and the binary to try on them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/cli/program.hpp"
#include "tests/pipeline/small_data.hpp"

namespace phaseselect {

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class CommandLine : public testing::Test {
 protected:
  using Words = std::vector<std::string>;

  static void SetUpTestSuite() {
    small_data::write_tables(folder());
    if (std::filesystem::exists(folder() / "run")) return;
    const Outcome trained = call({"train", "config.yaml", "-o", "run"});
    ASSERT_EQ(trained.code, 0) << trained.err;
  }

  static const small_data::Folder& folder() {
    static const small_data::Folder folder_;
    return folder_;
  }

  static Outcome call(const Words& arguments, std::size_t file_size_limit = 0) {
    return Program(folder().path(), arguments, file_size_limit).finish();
  }

  static std::set<std::string> files() {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder().path())) {
      names.insert(entry.path().string());
    }
    return names;
  }

  static void expect_same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
    EXPECT_GT(std::filesystem::file_size(a), 0u) << a;
    EXPECT_TRUE(small_data::read_file(a) == small_data::read_file(b)) << a << " differs from " << b;
  }

  // The command fails with this code and one line on standard error that has all of `parts`; no file appears or goes.
  static void expect_refused(Words arguments, int code, const Words& parts, std::size_t file_size_limit = 0) {
    const std::set<std::string> before = files();
    arguments.push_back("--quiet");
    const Outcome outcome = call(arguments, file_size_limit);
    std::string command;
    for (const std::string& word : arguments) command += word + " ";
    EXPECT_EQ(outcome.code, code) << command << "\n" << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << command << "\n" << outcome.err;
    EXPECT_EQ(outcome.err.rfind("phaseselect: ", 0), 0u) << command << "\n" << outcome.err;
    EXPECT_EQ(outcome.out, "") << command;
    for (const std::string& part : parts) EXPECT_PRED2(contains, outcome.err, part) << command;
    EXPECT_EQ(files(), before) << command << "\n" << outcome.err;
  }

  // The same for training with one key changed.
  static void expect_untrainable(const std::string& setting, int code, const Words& parts) {
    expect_refused({"train", "config.yaml", "-o", "new", "--set", setting}, code, parts);
  }
};

}  // namespace phaseselect
