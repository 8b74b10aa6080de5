// Sorts more candidates than memory holds: sorted runs go to an unlinked temporary file and are merged when read back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <vector>

namespace phaseselect {

// What a screening keeps of a candidate; the elements follow from the rank.
struct Candidate {
  std::uint64_t rank = 0;  // among the combinations of the chosen elements
  float probability = 0;
  float deviation = 0;
  float error = 0;
  std::uint32_t known = 0;  // flags, see known_fields.hpp
  float accessibility = std::numeric_limits<float>::quiet_NaN();
  float accessibility_deviation = std::numeric_limits<float>::quiet_NaN();
  float calibrated = std::numeric_limits<float>::quiet_NaN();
  float score = 0;  // what it is ranked by
};

// Best first: score descending, then error ascending, then rank. With the raw probability as the score this is the
// order of Engine::best_fields.
bool better(const Candidate& a, const Candidate& b);

class CandidateSorter {
 public:
  // Holds at most `capacity` candidates in memory (40 bytes each), at least 2. `keep`: only this many of the best are
  // delivered; 0 delivers all. `folder` is where runs are spilled; nothing is created there before memory is full.
  CandidateSorter(std::filesystem::path folder, std::size_t capacity, std::uint64_t keep);
  ~CandidateSorter();
  CandidateSorter(const CandidateSorter&) = delete;
  CandidateSorter& operator=(const CandidateSorter&) = delete;

  // Throws Error naming the folder when the temporary file cannot be written.
  void add(const Candidate& candidate);
  // Ends the input; then next() delivers.
  void finish();
  bool next(Candidate& candidate);

  std::size_t spilled_runs() const { return runs_.size(); }

 private:
  struct SortedRun {
    std::uint64_t position = 0;  // next record to load from the file
    std::uint64_t end = 0;
    std::size_t first = 0, loaded = 0, used = 0;  // its part of buffer_
  };

  void shrink();
  void spill();
  void sort_best();
  bool load(SortedRun& run);
  void open_merge();
  const Candidate& head(std::size_t run) const { return buffer_[runs_[run].first + runs_[run].used]; }

  std::filesystem::path folder_;
  std::size_t capacity_;
  std::uint64_t keep_;
  std::vector<Candidate> buffer_;
  std::vector<SortedRun> runs_;
  std::vector<std::size_t> heap_;  // runs with a record left, the best head on top
  std::uint64_t delivered_ = 0;
  std::uint64_t spilled_ = 0;  // records in the file
  std::size_t cursor_ = 0;     // position in buffer_ when nothing was spilled
  int file_ = -1;
};

}  // namespace phaseselect
