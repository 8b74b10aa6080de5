// Reading with every reason of the system told.
#include "host/io/regular_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t chunk = std::size_t{1} << 16;

const char* remedy(int error) {
  if (error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG || error == ELOOP) return "check the path";
  if (error == EACCES || error == EPERM) return "check its permissions and those of its folders";
  if (error == EMFILE || error == ENFILE) return "raise the limit of open files (ulimit -n)";
  if (error == ENOMEM) return "free some memory and try again";
  return "check the disk and try again";
}

const char* kind(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

void fail_to_read(const std::filesystem::path& path, int error) {
  throw Error(fmt::format("cannot read {}: {}: {}", path.string(), std::strerror(error), remedy(error)));
}

RegularFile::RegularFile(std::filesystem::path path) : path_(std::move(path)) {
  // Without waiting for a FIFO's writer, and without making a terminal ours.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor_ < 0) fail_to_read(path_, errno);
  struct stat status {};
  const int error = ::fstat(descriptor_, &status) != 0 ? errno : 0;
  if (error == 0 && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::uint64_t>(status.st_size);
    return;
  }
  ::close(descriptor_);
  if (error != 0) fail_to_read(path_, error);
  throw Error(fmt::format("cannot read {}: it is {}, not a regular file: put the file there", path_.string(),
                          kind(status.st_mode)));
}

RegularFile::~RegularFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

RegularFile::RegularFile(RegularFile&& other) noexcept
    : path_(std::move(other.path_)), size_(other.size_), descriptor_(std::exchange(other.descriptor_, -1)) {}

RegularFile& RegularFile::operator=(RegularFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(size_, other.size_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

std::size_t RegularFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t part = ::pread(descriptor_, bytes.data() + got, bytes.size() - got, static_cast<off_t>(offset + got));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) fail_to_read(path_, errno);
    if (part == 0) break;
    got += static_cast<std::size_t>(part);
  }
  return got;
}

std::string read_regular_file(const std::filesystem::path& path, std::uint64_t most_bytes) {
  const RegularFile file(path);
  std::string text;
  // Not by its size, which may change, and which is 0 for what the kernel makes up.
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + std::max<std::size_t>(chunk, std::min(file.size(), most_bytes) / 8));
    const auto part = std::span(text).subspan(before);
    const std::size_t got = file.read(before, std::as_writable_bytes(part));
    text.resize(before + got);
    if (text.size() > most_bytes) {
      throw Error(
          fmt::format("cannot read {}: it has more than {} bytes, which such a file never has: put the right "
                      "file there",
                      path.string(), most_bytes));
    }
    if (got < part.size()) return text;
  }
}

bool file_exists(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  fail_to_read(path, errno);
}

}  // namespace phaseselect
