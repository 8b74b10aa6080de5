// Files that others wrote: what is no file, too large, unreadable or not there.
#include "host/io/regular_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "phaseselect/error.hpp"
#include "tests/temporary_folder.hpp"
#include "tests/unit/temporary_file.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

constexpr uid_t nobody = 65534;

class RegularFileTest : public testing::Test {
 protected:
  static std::string refusal(const fs::path& path, std::uint64_t most_bytes = 1000) {
    return message_of<Error>([&] { read_regular_file(path, most_bytes); });
  }
  TemporaryFolder folder_;
};

TEST_F(RegularFileTest, ReadsWholeFilesAndParts) {
  const std::string text(200'000, 'x');
  write_bytes(folder_ / "file", text + "end");
  EXPECT_EQ(read_regular_file(folder_ / "file", 1'000'000), text + "end");
  EXPECT_EQ(read_regular_file(folder_ / "file", text.size() + 3), text + "end");
  const RegularFile file(folder_ / "file");
  EXPECT_EQ(file.size(), text.size() + 3);
  std::string part(5, '?');
  EXPECT_EQ(file.read(text.size() - 1, std::as_writable_bytes(std::span(part))), 4u);
  EXPECT_EQ(part, "xend?");
  EXPECT_EQ(file.read(1'000'000, std::as_writable_bytes(std::span(part))), 0u);
  write_bytes(folder_ / "empty", "");
  EXPECT_EQ(read_regular_file(folder_ / "empty", 0), "");
}

TEST_F(RegularFileTest, WhatIsNoFileDoesNotHang) {
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  EXPECT_PRED2(contains, refusal(folder_ / "fifo"), "it is a FIFO, not a regular file");
  EXPECT_PRED2(contains, refusal("/dev/zero"), "it is a device, not a regular file");
  EXPECT_PRED2(contains, refusal(folder_.path()), "it is a folder, not a regular file");
  fs::create_symlink("/dev/zero", folder_ / "link");
  EXPECT_PRED2(contains, refusal(folder_ / "link"), "it is a device");
}

TEST_F(RegularFileTest, Bounds) {
  write_bytes(folder_ / "file", "12345678901");
  EXPECT_PRED2(contains, refusal(folder_ / "file", 10), "more than 10 bytes");
  EXPECT_EQ(refusal(folder_ / "file", 11), "");
  EXPECT_EQ(truncate((folder_ / "file").c_str(), off_t{1} << 40), 0);  // sparse
  EXPECT_PRED2(contains, refusal(folder_ / "file", 1'000'000), "more than 1000000 bytes");
}

TEST_F(RegularFileTest, TheSystemsReasonIsTold) {
  EXPECT_PRED2(contains, refusal(folder_ / "missing"), "No such file or directory: check the path");
  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_PRED2(contains, refusal(folder_ / "loop"), "Too many levels of symbolic links");
  write_bytes(folder_ / "file", "text");
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit none{0, limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const std::string refused = refusal(folder_ / "file");
  setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_PRED2(contains, refused, "Too many open files: raise the limit of open files");
}

TEST_F(RegularFileTest, NotSeenIsNotAbsent) {
  write_bytes(folder_ / "file", "text");
  EXPECT_TRUE(file_exists(folder_ / "file"));
  EXPECT_TRUE(file_exists(folder_.path()));
  EXPECT_FALSE(file_exists(folder_ / "missing"));
  EXPECT_FALSE(file_exists(folder_ / "file/below"));
  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_PRED2(contains, message_of<Error>([&] { file_exists(folder_ / "loop/x"); }), "symbolic links");
}

TEST_F(RegularFileTest, FoldersThatMayNotBeSearched) {
  fs::create_directory(folder_ / "locked");
  fs::permissions(folder_ / "locked", fs::perms::none);
  const uid_t user = ::geteuid();
  ASSERT_EQ(user == 0 ? ::seteuid(nobody) : 0, 0);  // root may search every folder
  const std::string seen = message_of<Error>([&] { file_exists(folder_ / "locked/file"); });
  const std::string read = refusal(folder_ / "locked/file");
  ASSERT_EQ(::seteuid(user), 0);
  fs::permissions(folder_ / "locked", fs::perms::owner_all);
  EXPECT_PRED2(contains, seen, "Permission denied: check its permissions");
  EXPECT_PRED2(contains, read, "Permission denied: check its permissions");
}

}  // namespace
}  // namespace phaseselect
