// Sorts more candidates than memory holds.
#include "host/pipeline/external_sort.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include "host/engine/ensemble.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

[[noreturn]] void fail(const std::filesystem::path& folder, int error) {
  throw Error(fmt::format("cannot keep intermediate results in {}: {}; free space there or ask for fewer with --top",
                          folder.string(), std::generic_category().message(error)));
}

// The name is removed at once: the space is freed however the process ends.
int open_unlinked(const std::filesystem::path& folder) {
  std::string name = (folder / ".phaseselect-sort-XXXXXX").string();
  const int file = mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) fail(folder, errno);
  unlink(name.c_str());
  return file;
}

void write_all(int file, std::span<const Candidate> records, const std::filesystem::path& folder) {
  const char* data = reinterpret_cast<const char*>(records.data());
  std::size_t left = records.size_bytes();
  while (left > 0) {
    const ssize_t written = write(file, data, left);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(folder, errno);
    data += written;
    left -= static_cast<std::size_t>(written);
  }
}

void read_all(int file, std::span<Candidate> records, std::uint64_t first, const std::filesystem::path& folder) {
  char* data = reinterpret_cast<char*>(records.data());
  std::size_t left = records.size_bytes();
  auto offset = static_cast<off_t>(first * sizeof(Candidate));
  while (left > 0) {
    const ssize_t count = pread(file, data, left, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail(folder, count < 0 ? errno : EIO);
    data += count;
    offset += count;
    left -= static_cast<std::size_t>(count);
  }
}

}  // namespace

bool better(const Candidate& a, const Candidate& b) {
  return ranks_before({a.score, a.error, a.rank}, {b.score, b.error, b.rank});
}

CandidateSorter::CandidateSorter(std::filesystem::path folder, std::size_t capacity, std::uint64_t keep)
    : folder_(std::move(folder)),
      capacity_(std::max<std::size_t>(capacity, 2)),
      keep_(keep == 0 ? std::numeric_limits<std::uint64_t>::max() : keep) {}

CandidateSorter::~CandidateSorter() {
  if (file_ >= 0) close(file_);
}

void CandidateSorter::add(const Candidate& candidate) {
  if (buffer_.size() == capacity_) shrink();
  buffer_.push_back(candidate);
}

// While the best `keep` fit in half the memory, the rest can be forgotten and nothing needs to be spilled.
void CandidateSorter::shrink() {
  if (runs_.empty() && keep_ <= capacity_ / 2) {
    const auto keep = static_cast<std::ptrdiff_t>(keep_);
    std::nth_element(buffer_.begin(), buffer_.begin() + keep, buffer_.end(), better);
    buffer_.resize(static_cast<std::size_t>(keep_));
    return;
  }
  spill();
}

void CandidateSorter::sort_best() {
  std::sort(buffer_.begin(), buffer_.end(), better);
  if (buffer_.size() > keep_) buffer_.resize(static_cast<std::size_t>(keep_));
}

void CandidateSorter::spill() {
  if (file_ < 0) file_ = open_unlinked(folder_);
  sort_best();
  write_all(file_, buffer_, folder_);
  SortedRun run;
  run.position = spilled_;
  spilled_ += buffer_.size();
  run.end = spilled_;
  runs_.push_back(run);
  buffer_.clear();
}

void CandidateSorter::finish() {
  if (runs_.empty()) {
    sort_best();
    return;
  }
  if (!buffer_.empty()) spill();
  open_merge();
}

void CandidateSorter::open_merge() {
  // Every run reads through an equal part of the memory.
  const std::size_t part = std::max<std::size_t>(1, capacity_ / runs_.size());
  buffer_.resize(part * runs_.size());
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    runs_[i].first = i * part;
    if (load(runs_[i])) heap_.push_back(i);
  }
  std::make_heap(heap_.begin(), heap_.end(), [&](std::size_t a, std::size_t b) { return better(head(b), head(a)); });
}

bool CandidateSorter::load(SortedRun& run) {
  const std::size_t part = buffer_.size() / runs_.size();
  run.loaded = static_cast<std::size_t>(std::min<std::uint64_t>(part, run.end - run.position));
  run.used = 0;
  if (run.loaded == 0) return false;
  read_all(file_, std::span(buffer_).subspan(run.first, run.loaded), run.position, folder_);
  run.position += run.loaded;
  return true;
}

bool CandidateSorter::next(Candidate& candidate) {
  if (delivered_ == keep_) return false;
  if (runs_.empty()) {
    if (cursor_ == buffer_.size()) return false;
    candidate = buffer_[cursor_++];
    ++delivered_;
    return true;
  }
  if (heap_.empty()) return false;
  const auto worse = [&](std::size_t a, std::size_t b) { return better(head(b), head(a)); };
  std::pop_heap(heap_.begin(), heap_.end(), worse);
  SortedRun& run = runs_[heap_.back()];
  candidate = buffer_[run.first + run.used++];
  if (run.used < run.loaded || load(run)) {
    std::push_heap(heap_.begin(), heap_.end(), worse);
  } else {
    heap_.pop_back();
  }
  ++delivered_;
  return true;
}

}  // namespace phaseselect
