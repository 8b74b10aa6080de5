// Text of others on a terminal and in a shell's command.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

#include "host/io/readable.hpp"

namespace phaseselect {
namespace {

TEST(ForeignText, WhatATerminalWouldObeyIsShownEscaped) {
  EXPECT_EQ(one_line("Ba Cu O, caf\xC3\xA9, \xE6\xB0\xB4, \xF0\x9F\xA7\xB2"),
            "Ba Cu O, caf\xC3\xA9, \xE6\xB0\xB4, \xF0\x9F\xA7\xB2");
  EXPECT_EQ(one_line("\x1B[31mred\x1B]0;title\x07\x7F"), "\\x1B[31mred\\x1B]0;title\\x07\\x7F");
  EXPECT_EQ(one_line(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(one_line("two\nlines\r\tand a tab"), "two\\nlines\\r\\tand a tab");
  EXPECT_EQ(one_line("\xC2\x9B"
                     "31m"),
            "\\u009B31m");  // CSI in one character
  EXPECT_EQ(one_line("\xE2\x80\xAE"
                     "gnp.\xE2\x81\xA6x\xE2\x80\x8Bx\xEF\xBB\xBF"),
            "\\u202Egnp.\\u2066x\\u200Bx\\uFEFF");
  EXPECT_EQ(one_line("\xE2\x80\xA8\xF3\xA0\x81\x81"), "\\u2028\\U000E0041");  // a line separator, a tag
}

TEST(ForeignText, BytesThatAreNoUtf8) {
  EXPECT_EQ(one_line("caf\xE9"), "caf\\xE9");
  EXPECT_EQ(one_line("\xC0\x9B"), "\\xC0\\x9B");  // overlong
  EXPECT_EQ(one_line("\xE0\x80\x9B"), "\\xE0\\x80\\x9B");
  EXPECT_EQ(one_line("\xED\xA0\x80"), "\\xED\\xA0\\x80");           // a surrogate
  EXPECT_EQ(one_line("\xF4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80");  // beyond the last character
  EXPECT_EQ(one_line("\xF5\x80\x80\x80\x80"), "\\xF5\\x80\\x80\\x80\\x80");
  EXPECT_EQ(one_line("\xE2\x82"), "\\xE2\\x82");  // cut
  EXPECT_EQ(one_line("\xE2\x82x\x80"), "\\xE2\\x82x\\x80");
}

TEST(ForeignText, TablesKeepTheirLines) {
  EXPECT_EQ(lines("a  b\n1  \x1B[2J\n"), "a  b\n1  \\x1B[2J\n");
  EXPECT_EQ(lines(""), "");
}

// What `sh` makes of the word.
std::string understood(const std::string& word) {
  const std::string command = "printf '%s|' " + word;
  std::FILE* shell = popen(command.c_str(), "r");
  std::string text;
  for (int c = std::fgetc(shell); c != EOF; c = std::fgetc(shell)) text += static_cast<char>(c);
  EXPECT_EQ(pclose(shell), 0) << command;
  EXPECT_TRUE(text.ends_with('|')) << text;
  return text.substr(0, text.size() - 1);
}

TEST(ShellQuoted, PlainPathsStayAsTheyAre) {
  EXPECT_EQ(shell_quoted("out/run-1/config.yaml"), "out/run-1/config.yaml");
  EXPECT_EQ(shell_quoted("my run"), "'my run'");
  EXPECT_EQ(shell_quoted("-rf"), "./-rf");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("~"), "'~'");
}

TEST(ShellQuoted, TheShellReadsThePathItself) {
  for (const char* path : {"plain",
                           "two words",
                           "it's",
                           "\"quoted\"",
                           "$HOME",
                           "`id`",
                           "$(id)",
                           "a;b",
                           "a&b|c",
                           "*?[a]",
                           "back\\slash",
                           "end\\",
                           "new\nline",
                           "\n",
                           "tab\t",
                           "percent %s %d",
                           "new\nline 100% '\\041",
                           "\x1B[31m",
                           "caf\xE9",
                           "\xE2\x80\xAEgnp",
                           "#comment",
                           "~root",
                           "{a,b}",
                           "!!",
                           "a=b",
                           "x  y"}) {
    const std::string word = shell_quoted(path);
    EXPECT_EQ(one_line(word), word) << "not safe to show";
    std::string expected = path;
    if (expected.ends_with('\n')) expected += '/';
    EXPECT_EQ(understood(word), expected) << word;
  }
  EXPECT_EQ(understood(shell_quoted("-n")), "./-n");
  EXPECT_EQ(understood(shell_quoted("-\n-")), "./-\n-");
}

}  // namespace
}  // namespace phaseselect
