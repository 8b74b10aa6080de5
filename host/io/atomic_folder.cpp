// Temporary folder, sync, rename, sync of its parent.
#include "host/io/atomic_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <vector>

#include "host/io/atomic_file.hpp"
#include "host/io/partial_name.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

fs::path without_slash(const fs::path& path) {
  const fs::path plain = path.lexically_normal();
  return plain.has_filename() ? plain : plain.parent_path();
}

// Never in the place of what is there, where the file system can promise that.
int rename_to_new(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(to, ignored))) return EEXIST;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

bool make_folders(const fs::path& path) {
  const fs::path folder = without_slash(path);
  std::error_code ignored;
  std::vector<fs::path> missing;  // the lowest first
  for (fs::path above = folder; !above.empty() && !fs::is_directory(above, ignored); above = above.parent_path()) {
    missing.push_back(above);
  }
  bool made = false;
  for (auto next = missing.rbegin(); next != missing.rend(); ++next) {
    made = ::mkdir(next->c_str(), 0777) == 0;
    const int error = made ? 0 : errno;
    if (made) sync_folder(next->parent_path());
    if (made || (error == EEXIST && fs::is_directory(*next, ignored))) continue;  // or another process made it just now
    throw Error(fmt::format("cannot create the folder {}: {}", path.string(),
                            std::strerror(error == EEXIST ? ENOTDIR : error)));
  }
  return made;
}

AtomicFolder::AtomicFolder(const fs::path& path) : path_(without_slash(path)) {
  remove_partials_of(path_);
  temporary_ = partial_path(path_);
  if (::mkdir(temporary_.c_str(), 0777) != 0) fail(errno);
  descriptor_ = ::open(temporary_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ >= 0) hold_partial(descriptor_);
}

AtomicFolder::~AtomicFolder() {
  if (descriptor_ >= 0) ::close(descriptor_);
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void AtomicFolder::fail(int error) const {
  throw Error(fmt::format("cannot write {}: {}: {}", path_.string(), std::strerror(error),
                          error == EEXIST   ? "name a folder that does not exist"
                          : error == ENOENT ? "create the folder above it"
                                            : "check the path, its permissions and the disk and try again"));
}

void AtomicFolder::commit() {
  sync_folder(temporary_);
  if (const int error = rename_to_new(temporary_, path_)) fail(error);
  temporary_.clear();
  try {
    sync_folder(path_.parent_path());
  } catch (const Error& error) {
    throw Error(fmt::format("{} is written, but may be gone after a power failure: {}", path_.string(), error.what()));
  }
}

}  // namespace phaseselect
