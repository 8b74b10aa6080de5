// One writer for a folder; the lock of the dead blocks nobody.
#include "host/io/folder_lock.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "phaseselect/error.hpp"
#include "tests/temporary_folder.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

class FolderLockTest : public testing::Test {
 protected:
  fs::path file() const { return folder_ / lock_file_name; }
  void lock() const { FolderLock(folder_.path(), remark_); }
  // Exit code of a child that does it; it dies without unlocking.
  static int in_a_child(const std::function<int()>& work) {
    const pid_t child = fork();
    if (child == 0) _exit(work());
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  }
  std::string refusal(const std::function<void()>& work) const {
    try {
      work();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
  TemporaryFolder folder_;
  const std::function<void(const std::string&)> remark_ = [](const std::string& text) { FAIL() << text; };
};

TEST_F(FolderLockTest, TheSecondIsRefusedAndTheFirstNamed) {
  std::optional<FolderLock> first(std::in_place, folder_.path(), remark_);
  const std::string expected = folder_.path().string() + " is in use by process " + std::to_string(getpid()) + ": ";
  // Locks belong to open files: what holds in this process holds in another.
  EXPECT_EQ(refusal([&] { lock(); }).rfind(expected, 0), 0u) << refusal([&] { lock(); });
  EXPECT_EQ(refusal([&] { FolderLock::check_free(folder_.path()); }).rfind(expected, 0), 0u);
  EXPECT_EQ(in_a_child([&] { return refusal([&] { lock(); }).rfind(expected, 0) == 0 ? 7 : 1; }), 7);
  EXPECT_TRUE(fs::exists(file()));
  first.reset();
  EXPECT_FALSE(fs::exists(file()));
  lock();
  FolderLock::check_free(folder_.path());
}

TEST_F(FolderLockTest, OfAnotherHost) {
  write_bytes(file(), "17 far\x1b[away\n");
  const int descriptor = ::open(file().c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(descriptor, LOCK_EX), 0);
  EXPECT_NE(refusal([&] { lock(); }).find("in use by process 17 on far\\x1B[away: "), std::string::npos)
      << refusal([&] { lock(); });
  ::close(descriptor);
}

TEST_F(FolderLockTest, TheDeadBlockNobody) {
  EXPECT_EQ(in_a_child([&] {
              new FolderLock(folder_.path(), remark_);
              return 3;
            }),
            3);
  EXPECT_TRUE(fs::exists(file())) << "the child should have left it";
  FolderLock::check_free(folder_.path());
  lock();
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(FolderLockTest, LinksAreNotFollowed) {
  write_bytes(folder_ / "victim", "precious");
  fs::create_symlink("victim", file());
  EXPECT_NE(refusal([&] { lock(); }).find("cannot lock"), std::string::npos);
  EXPECT_EQ(read_bytes(folder_ / "victim"), "precious");
}

TEST_F(FolderLockTest, WhatIsNoLockFile) {
  fs::create_directory(file());
  EXPECT_NE(refusal([&] { lock(); }).find("cannot lock"), std::string::npos);
}

TEST_F(FolderLockTest, CheckingMakesNothing) {
  FolderLock::check_free(folder_.path());
  FolderLock::check_free(folder_ / "absent");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(FolderLockTest, AnEndWithoutMoreAdo) {
  for (const bool made : {false, true}) {
    const fs::path empty = folder_ / "empty", full = folder_ / "full";
    fs::create_directory(empty);
    fs::create_directory(full);
    write_bytes(full / "thesis.tex", "text");
    EXPECT_EQ(in_a_child([&] {
                new FolderLock(empty, remark_, made);
                new FolderLock(full, remark_, made);
                FolderLock::release_all();
                return 0;
              }),
              0);
    EXPECT_EQ(fs::exists(empty), !made);
    EXPECT_EQ(read_bytes(full / "thesis.tex"), "text");
    EXPECT_FALSE(fs::exists(full / lock_file_name));
    EXPECT_FALSE(fs::exists(empty / lock_file_name));
  }
}

}  // namespace
}  // namespace phaseselect
