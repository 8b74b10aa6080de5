// Records are written as they lie in memory: the file never leaves the machine.
#include "host/pipeline/spill_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

[[noreturn]] void fail(const std::filesystem::path& folder, int error) {
  throw Error(fmt::format("cannot keep intermediate results in {}: {}; free space there or ask for fewer with --top",
                          folder.string(), std::generic_category().message(error)));
}

}  // namespace

SpillFile SpillFile::unnamed(const std::filesystem::path& folder) {
  std::string name = (folder / ".phaseselect-sort-XXXXXX").string();
  const int file = mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) fail(folder, errno);
  unlink(name.c_str());
  return {folder, file};
}

SpillFile SpillFile::named(const std::filesystem::path& path, std::uint64_t records) {
  const std::filesystem::path folder = path.parent_path();
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (file < 0) fail(folder, errno);
  SpillFile spill(folder, file);
  const auto size = static_cast<off_t>(records * sizeof(Candidate));
  if (ftruncate(file, size) != 0 || lseek(file, size, SEEK_SET) != size) fail(folder, errno);
  return spill;
}

SpillFile::SpillFile(SpillFile&& other) noexcept
    : folder_(std::move(other.folder_)), file_(std::exchange(other.file_, -1)) {}

SpillFile::~SpillFile() {
  if (file_ >= 0) close(file_);
}

void SpillFile::append(std::span<const Candidate> records) {
  const char* data = reinterpret_cast<const char*>(records.data());
  std::size_t left = records.size_bytes();
  while (left > 0) {
    const ssize_t written = write(file_, data, left);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(folder_, errno);
    data += written;
    left -= static_cast<std::size_t>(written);
  }
}

void SpillFile::read(std::span<Candidate> records, std::uint64_t first) const {
  char* data = reinterpret_cast<char*>(records.data());
  std::size_t left = records.size_bytes();
  auto offset = static_cast<off_t>(first * sizeof(Candidate));
  while (left > 0) {
    const ssize_t count = pread(file_, data, left, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail(folder_, count < 0 ? errno : EIO);
    data += count;
    offset += count;
    left -= static_cast<std::size_t>(count);
  }
}

void SpillFile::sync() const {
  if (fdatasync(file_) != 0) fail(folder_, errno);
}

}  // namespace phaseselect
