// Sorts more candidates than memory holds.
#include "host/pipeline/external_sort.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "host/engine/ensemble.hpp"
#include "host/io/sha256.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t checked_at_once = std::size_t{1} << 15;  // records: 1.3 MB

std::uint64_t kept(std::uint64_t keep) { return keep == 0 ? std::numeric_limits<std::uint64_t>::max() : keep; }

[[noreturn]] void damaged(const std::filesystem::path& file) {
  throw Error(fmt::format("{} is damaged (it is not what was saved): remove the folder {} and screen again",
                          file.string(), file.parent_path().string()));
}

std::string digest_of(std::span<const Candidate> records) {
  Sha256 digest;
  digest.update(std::as_bytes(records));
  return digest.finish();
}

std::string digest_of(const SpillFile& file, std::uint64_t first, std::uint64_t end) {
  Sha256 digest;
  std::vector<Candidate> records;
  for (; first < end; first += records.size()) {
    records.resize(static_cast<std::size_t>(std::min<std::uint64_t>(checked_at_once, end - first)));
    file.read(records, first);
    digest.update(std::as_bytes(std::span(records)));
  }
  return digest.finish();
}

}  // namespace

bool better(const Candidate& a, const Candidate& b) {
  return ranks_before({a.score, a.error, a.rank}, {b.score, b.error, b.rank});
}

CandidateSorter::CandidateSorter(std::filesystem::path folder, std::size_t capacity, std::uint64_t keep)
    : folder_(std::move(folder)), capacity_(std::max<std::size_t>(capacity, 2)), keep_(kept(keep)) {}

CandidateSorter::CandidateSorter(const std::filesystem::path& file, const std::vector<SpilledRun>& saved,
                                 std::size_t capacity, std::uint64_t keep)
    : named_(file),
      capacity_(std::max<std::size_t>(capacity, 2)),
      keep_(kept(keep)),
      spilled_(saved.empty() ? 0 : saved.back().end) {
  if (saved.empty()) return;
  std::error_code missing;
  const std::uintmax_t size = std::filesystem::file_size(file, missing);
  if (missing || size < spilled_ * sizeof(Candidate)) damaged(file);
  file_.emplace(SpillFile::named(file, spilled_));
  std::uint64_t begin = 0;
  for (const SpilledRun& run : saved) {
    if (run.end < begin || digest_of(*file_, begin, run.end) != run.sha256) damaged(file);
    runs_.push_back({.position = begin, .end = run.end, .sha256 = run.sha256});
    begin = run.end;
  }
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
  if (!file_) file_.emplace(named_.empty() ? SpillFile::unnamed(folder_) : SpillFile::named(named_, 0));
  sort_best();
  file_->append(buffer_);
  SortedRun run;
  run.position = spilled_;
  spilled_ += buffer_.size();
  run.end = spilled_;
  if (!named_.empty()) run.sha256 = digest_of(buffer_);
  runs_.push_back(std::move(run));
  buffer_.clear();
}

std::vector<SpilledRun> CandidateSorter::save() {
  if (!buffer_.empty()) spill();
  if (file_) file_->sync();
  std::vector<SpilledRun> saved;
  for (const SortedRun& run : runs_) saved.push_back({run.end, run.sha256});
  return saved;
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
  file_->read(std::span(buffer_).subspan(run.first, run.loaded), run.position);
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
