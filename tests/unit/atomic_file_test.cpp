// Files and folders that appear complete or not at all, and what killed processes leave of them.
#include "host/io/atomic_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "host/io/atomic_folder.hpp"
#include "host/io/output_file.hpp"
#include "host/io/partial_name.hpp"
#include "phaseselect/error.hpp"
#include "tests/temporary_folder.hpp"
#include "tests/unit/temporary_file.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

// A process that has lived.
pid_t dead_process() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return child;
}

std::string host() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

class AtomicFileTest : public testing::Test {
 protected:
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_.path())) found.insert(entry.path().filename().string());
    return found;
  }
  // What is there while a file is being written.
  std::string partial_of(const std::string& name) const {
    for (const std::string& found : names()) {
      if (found.rfind(name + ".partial-", 0) == 0) return found;
    }
    return {};
  }
  std::string left_behind(const std::string& name, const std::string& host, pid_t process) const {
    const std::string partial = name + ".partial-" + host + "-" + std::to_string(process) + "-0123456789abcdef";
    write_bytes(folder_ / partial, "half");
    return partial;
  }
  TemporaryFolder folder_;
};

TEST_F(AtomicFileTest, NamesThatNobodyCanGuess) {
  const std::string own = host() + "-" + std::to_string(::getpid()) + "-";
  std::set<fs::path> different;
  for (int i = 0; i < 100; ++i) {
    const fs::path path = partial_path("out/table.csv");
    EXPECT_EQ(path.parent_path(), "out");
    const std::string name = path.filename().string();
    EXPECT_EQ(name.rfind("table.csv.partial-" + own, 0), 0u) << name;
    EXPECT_EQ(name.size(), ("table.csv.partial-" + own).size() + 16);
    EXPECT_TRUE(is_partial_file(path));
    different.insert(path);
  }
  EXPECT_EQ(different.size(), 100u);
}

TEST_F(AtomicFileTest, WhatIsAPartialName) {
  for (const char* name : {"a.partial-17", "a.partial-host-17-0123456789abcdef",
                           "a.partial-my-host.x-1-0123456789abcdef", ".partial-1", "a.partial-b.partial-17"}) {
    EXPECT_TRUE(is_partial_file(name)) << name;
  }
  for (const char* name : {"a", "a.partial-", "a.partial-draft", "a.partial-17x", "a.partial-host-17-0123456789abcde",
                           "a.partial-host-17-0123456789abcdeF", "a.partial-host-x-0123456789abcdef",
                           "a.partial--17-0123456789abcdef", "a.partial-17-0123456789abcdef", "partial-17"}) {
    EXPECT_FALSE(is_partial_file(name)) << name;
  }
}

// Of the former names, which could be guessed.
TEST_F(AtomicFileTest, PlantedLinksAreNotFollowed) {
  write_bytes(folder_ / "victim", "precious");
  for (int i = 0; i < 200; ++i) {
    fs::create_symlink("victim", folder_ / ("map.svg.partial-" + std::to_string(::getpid() + i)));
  }
  write_text(folder_ / "map.svg", "<svg/>");
  EXPECT_EQ(read_bytes(folder_ / "victim"), "precious");
  EXPECT_EQ(read_bytes(folder_ / "map.svg"), "<svg/>");
  EXPECT_FALSE(fs::is_symlink(folder_ / "map.svg"));
}

TEST_F(AtomicFileTest, WhatDeadProcessesLeftIsRemoved) {
  const pid_t dead = dead_process();
  const std::string mine = left_behind("a.csv", host(), dead);
  const std::string other = left_behind("b.csv", host(), dead);
  const std::string living = left_behind("a.csv", host(), ::getppid());
  const std::string elsewhere = left_behind("a.csv", "another-host", dead);
  const std::string former = "a.csv.partial-" + std::to_string(dead);
  write_bytes(folder_ / former, "half");
  const std::string former_living = "a.csv.partial-" + std::to_string(::getpid());
  write_bytes(folder_ / former_living, "half");
  write_bytes(folder_ / "a.csv.partial-draft", "my own");
  write_text(folder_ / "a.csv", "whole");
  EXPECT_EQ(names(), (std::set<std::string>{"a.csv", other, living, elsewhere, former_living, "a.csv.partial-draft"}));
  remove_partial_files(folder_.path());
  EXPECT_EQ(names(), (std::set<std::string>{"a.csv", living, elsewhere, former_living, "a.csv.partial-draft"}));
}

TEST_F(AtomicFileTest, WhatIsHeldIsNotLeftBehind) {
  const std::string held = left_behind("a.csv", host(), dead_process());
  const int descriptor = ::open((folder_ / held).c_str(), O_WRONLY);
  hold_partial(descriptor);
  remove_partial_files(folder_.path());
  EXPECT_TRUE(names().count(held));
  ::close(descriptor);
  remove_partial_files(folder_.path());
  EXPECT_FALSE(names().count(held));
  AtomicFile file(folder_ / "b.csv");
  const int another = ::open((folder_ / partial_of("b.csv")).c_str(), O_RDONLY);
  EXPECT_NE(::flock(another, LOCK_EX | LOCK_NB), 0) << "a file that is being written is held";
  ::close(another);
}

TEST_F(AtomicFileTest, AKilledWriterLeavesWhatTheNextOneRemoves) {
  const pid_t child = fork();
  if (child == 0) {
    AtomicFile file(folder_ / "a.csv");
    _exit(0);  // without destructors, as if killed
  }
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(partial_of("a.csv").empty());
  write_text(folder_ / "a.csv", "whole");
  EXPECT_EQ(names(), (std::set<std::string>{"a.csv"}));
}

TEST_F(AtomicFileTest, LongNames) {
  for (const std::size_t size : {150u, 200u, 255u}) {
    const std::string name(size, 'n');
    left_behind("~" + std::string(32, '0'), host(), ::getpid());
    write_text(folder_ / name, "whole");
    EXPECT_EQ(read_bytes(folder_ / name), "whole") << size;
  }
  const std::string name(255, 'n');
  const pid_t child = fork();
  if (child == 0) {
    AtomicFile file(folder_ / name);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  const std::size_t before = names().size();
  write_text(folder_ / name, "again");
  EXPECT_EQ(names().size(), before - 1) << "what was left of a long name is found again";
  const std::string error = message_of<Error>([&] { write_text(folder_ / std::string(256, 'n'), "x"); });
  EXPECT_PRED2(contains, error, "more than the 255 bytes");
  std::string deep = folder_.path().string();
  for (int i = 0; i < 30; ++i) deep += "/" + std::string(200, 'd');
  EXPECT_PRED2(contains, message_of<Error>([&] { write_text(deep, "x"); }),
               "File name too long: choose a shorter name");
}

TEST_F(AtomicFileTest, LinksStayLinks) {
  fs::create_directory(folder_ / "far");
  fs::create_symlink("far/table.csv", folder_ / "link.csv");  // to nothing yet
  fs::create_symlink("link.csv", folder_ / "link2.csv");
  write_text(folder_ / "link2.csv", "first");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.csv"));
  EXPECT_TRUE(fs::is_symlink(folder_ / "link2.csv"));
  EXPECT_EQ(read_bytes(folder_ / "far/table.csv"), "first");
  write_text(folder_ / "link.csv", "second");
  EXPECT_EQ(read_bytes(folder_ / "far/table.csv"), "second");
  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_PRED2(contains, message_of<Error>([&] { write_text(folder_ / "loop", "x"); }), "symbolic links");
}

TEST_F(AtomicFileTest, Folders) {
  {
    AtomicFolder folder(folder_ / "run/");
    EXPECT_EQ(partial_of("run"), folder.unfinished().filename());
    write_text(folder.unfinished() / "a.csv", "a");
    EXPECT_FALSE(fs::exists(folder_ / "run"));
    folder.commit();
  }
  EXPECT_EQ(read_bytes(folder_ / "run/a.csv"), "a");
  {
    AtomicFolder folder(folder_ / "given up");
    write_text(folder.unfinished() / "a.csv", "a");
  }
  EXPECT_EQ(names(), (std::set<std::string>{"run"}));
  AtomicFolder late(folder_ / "run");
  EXPECT_PRED2(contains, message_of<Error>([&] { late.commit(); }), "File exists: name a folder that does not exist");
  EXPECT_PRED2(contains, message_of<Error>([&] { AtomicFolder(folder_ / "none/run"); }), "create the folder above it");
}

TEST_F(AtomicFileTest, FoldersAboveAreMade) {
  EXPECT_TRUE(make_folders(folder_ / "a/b/c"));
  EXPECT_FALSE(make_folders(folder_ / "a/b/c/"));
  EXPECT_TRUE(make_folders(folder_ / "a/d/"));
  EXPECT_FALSE(make_folders(""));
  EXPECT_TRUE(fs::is_directory(folder_ / "a/b/c") && fs::is_directory(folder_ / "a/d"));
  write_bytes(folder_ / "file", "text");
  try {
    make_folders(folder_ / "file/run");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), "cannot create the folder " + (folder_ / "file/run").string() + ": Not a directory");
  }
}

TEST_F(AtomicFileTest, FoldersLeftBehind) {
  const pid_t dead = dead_process();
  const std::string partial = "run.partial-" + host() + "-" + std::to_string(dead) + "-0123456789abcdef";
  fs::create_directories(folder_ / partial / "deep");
  fs::create_directory(folder_ / ("run.partial-" + std::to_string(dead)));  // may be a year
  write_bytes(folder_ / "outside", "stays");
  fs::create_symlink(folder_ / "outside", folder_ / partial / "link");
  remove_partial_files(folder_.path());
  EXPECT_TRUE(names().count(partial)) << "only files are removed from a whole folder";
  AtomicFolder(folder_ / "run").commit();
  EXPECT_EQ(names(), (std::set<std::string>{"run", "outside", "run.partial-" + std::to_string(dead)}));
}

TEST_F(AtomicFileTest, FoldersAreSynced) {
  sync_folder(folder_.path());
  sync_folder("");       // the working folder
  sync_folder("/proc");  // cannot be synced, which is no failure
  EXPECT_PRED2(contains, message_of<Error>([&] { sync_folder(folder_ / "missing"); }), "cannot sync the folder");
}

}  // namespace
}  // namespace phaseselect
