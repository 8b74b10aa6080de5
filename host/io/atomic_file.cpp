// Temporary file, fsync, rename, fsync of the folder.
#include "host/io/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "host/io/partial_name.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t buffer_size = std::size_t{1} << 18;
constexpr int most_links = 40;  // in a chain, as in the kernel

// What a chain of links names, be it there or not.
fs::path without_links(fs::path path) {
  std::error_code error;
  for (int links = 0; links < most_links && fs::is_symlink(path, error); ++links) {
    const fs::path next = fs::read_symlink(path, error);
    if (error) break;
    path = path.parent_path() / next;  // an absolute one replaces it
  }
  return path;
}

const char* remedy(int error) {
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) return "free some space";
  if (error == ENOENT || error == ENOTDIR) return "create its folder";
  if (error == ENAMETOOLONG) return "choose a shorter name";
  if (error == EMFILE || error == ENFILE) return "raise the limit of open files (ulimit -n)";
  if (error == EIO) return "it is as it was before, check the disk";
  return "check the path, its permissions and the disk";
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(without_links(std::move(path))) {
  std::error_code ignored;
  if (fs::is_directory(path_, ignored)) fail(EISDIR);
  if (fs::is_symlink(path_, ignored)) fail(ELOOP);
  remove_partials_of(path_);
  temporary_ = partial_path(path_);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(errno);
  hold_partial(descriptor_);
  buffer_.reserve(buffer_size);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail(int error) const {
  throw Error(
      fmt::format("cannot write {}: {}: {} and try again", path_.string(), std::strerror(error), remedy(error)));
}

void AtomicFile::write_out(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::flush() {
  write_out(buffer_);
  buffer_.clear();
}

void AtomicFile::append(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > buffer_size) flush();
  if (bytes.size() >= buffer_size) {
    write_out(bytes);
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void AtomicFile::overwrite(std::uint64_t offset, std::span<const std::byte> bytes) {
  flush();
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  flush();
  if (::fsync(descriptor_) != 0) fail(errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(errno);
  ::close(descriptor_);
  descriptor_ = -1;
  try {
    sync_folder(path_.parent_path());
  } catch (const Error& error) {
    throw Error(fmt::format("{} is written, but may be gone after a power failure: {}", path_.string(), error.what()));
  }
}

void sync_folder(const fs::path& folder) {
  const fs::path named = folder.empty() ? fs::path(".") : folder;
  const int descriptor = ::open(named.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int error = descriptor < 0 || ::fsync(descriptor) != 0 ? errno : 0;
  if (descriptor >= 0) ::close(descriptor);
  if (error == 0 || error == EINVAL || error == ENOTSUP || (descriptor < 0 && error == EACCES)) return;
  throw Error(
      fmt::format("cannot sync the folder {}: {}: check the disk and try again", named.string(), std::strerror(error)));
}

}  // namespace phaseselect
