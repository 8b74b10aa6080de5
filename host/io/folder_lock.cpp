// flock(2) on a file that is removed by whoever holds it.
#include "host/io/folder_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "host/io/partial_name.hpp"
#include "host/io/unicode.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

constexpr int no_follow = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

struct Held {
  int descriptor = -1;
  fs::path folder;
  bool made = false;
};
std::mutex held_mutex;
std::vector<Held> held;  // by this process

// The process that a lock file names, "17 host"; "another process" where it names none yet.
std::string holder(int descriptor) {
  std::array<char, 300> text{};
  ssize_t size = 0;
  for (int tries = 0; tries < 20 && size == 0; ++tries) {  // it writes its name as soon as it has the lock
    if (tries > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    size = ::pread(descriptor, text.data(), text.size(), 0);
  }
  const std::string_view read(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::string_view digits = read.substr(0, read.find_first_not_of("0123456789"));
  if (digits.empty()) return "another process";
  std::string_view host = read.substr(std::min(read.size(), digits.size() + 1));
  host = host.substr(0, host.find('\n'));
  return host.empty() || host == host_name() ? fmt::format("process {}", digits)
                                             : fmt::format("process {} on {}", digits, shown(host));
}

// Closes the lock file.
[[noreturn]] void in_use(const fs::path& folder, int descriptor) {
  const std::string process = holder(descriptor);
  ::close(descriptor);
  throw Error(
      fmt::format("{} is in use by {}: wait until it has finished, or name another folder", folder.string(), process));
}

[[noreturn]] void cannot_lock(const fs::path& folder, int error) {
  throw Error(fmt::format("cannot lock {} by the file {}: {}: check the folder, its permissions and the disk",
                          folder.string(), lock_file_name, std::strerror(error)));
}

bool has_no_locks(int error) { return error == ENOLCK || error == EOPNOTSUPP || error == ENOSYS || error == EINVAL; }

// Whether the path still names the open file: whoever held it before may have removed it.
bool is_still(const fs::path& path, int descriptor) {
  struct stat named {};
  struct stat open {};
  return ::lstat(path.c_str(), &named) == 0 && ::fstat(descriptor, &open) == 0 && named.st_ino == open.st_ino &&
         named.st_dev == open.st_dev;
}

}  // namespace

FolderLock::FolderLock(fs::path folder, const std::function<void(const std::string&)>& remark, bool made)
    : folder_(std::move(folder)) {
  const fs::path path = folder_ / lock_file_name;
  while (descriptor_ < 0) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | no_follow, 0666);
    if (descriptor < 0) cannot_lock(folder_, errno);
    const int error = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (error == EWOULDBLOCK) in_use(folder_, descriptor);
    if (error == 0 && is_still(path, descriptor)) {
      descriptor_ = descriptor;
      break;
    }
    ::close(descriptor);
    if (error == 0 || error == EINTR) continue;
    if (!has_no_locks(error)) cannot_lock(folder_, error);
    ::unlink(path.c_str());
    remark(fmt::format("{} lies on a file system without locks: nothing keeps a second process from writing there",
                       folder_.string()));
    return;
  }
  {
    const std::lock_guard guard(held_mutex);
    held.push_back({descriptor_, folder_, made});
  }
  const std::string text = fmt::format("{} {}\n", ::getpid(), host_name());
  [[maybe_unused]] const bool written =
      ::ftruncate(descriptor_, 0) == 0 && ::pwrite(descriptor_, text.data(), text.size(), 0) > 0;  // for messages alone
}

FolderLock::~FolderLock() {
  if (descriptor_ < 0) return;
  const std::lock_guard guard(held_mutex);
  std::erase_if(held, [this](const Held& lock) { return lock.descriptor == descriptor_; });
  ::unlink((folder_ / lock_file_name).c_str());
  ::close(descriptor_);
}

void FolderLock::release_all() {
  const std::lock_guard guard(held_mutex);
  std::error_code ignored;
  for (const Held& lock : held) {
    fs::remove(lock.folder / lock_file_name, ignored);
    if (lock.made) fs::remove(lock.folder, ignored);  // only when empty
  }
  held.clear();
}

void FolderLock::check_free(const fs::path& folder) {
  const int descriptor = ::open((folder / lock_file_name).c_str(), O_RDONLY | no_follow);
  if (descriptor < 0) return;
  if (::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) in_use(folder, descriptor);
  ::close(descriptor);
}

}  // namespace phaseselect
