// Sorts more candidates than memory holds: sorted runs go to a file and are merged when read back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/pipeline/spill_file.hpp"

namespace phaseselect {

// A sorted run in the spill file: the records from the end of the run before it to `end`.
struct SpilledRun {
  std::uint64_t end = 0;
  std::string sha256;  // of its bytes
};

class CandidateSorter {
 public:
  // Holds at most `capacity` candidates in memory (40 bytes each), at least 2. `keep`: only this many of the best are
  // delivered; 0 delivers all. `folder` is where runs are spilled; nothing is created there before memory is full.
  CandidateSorter(std::filesystem::path folder, std::size_t capacity, std::uint64_t keep);
  // Goes on from the runs that save() left in a named file, which is created when there is something to spill. Throws
  // Error when they are not what was saved.
  CandidateSorter(const std::filesystem::path& file, const std::vector<SpilledRun>& saved, std::size_t capacity,
                  std::uint64_t keep);

  // Throws Error naming the folder when the temporary file cannot be written.
  void add(const Candidate& candidate);
  // Spills all that was added, and says of which runs the file, now on the disk, consists.
  std::vector<SpilledRun> save();
  // Ends the input; then next() delivers.
  void finish();
  bool next(Candidate& candidate);

  std::size_t spilled_runs() const { return runs_.size(); }

 private:
  struct SortedRun {
    std::uint64_t position = 0;  // next record to load from the file
    std::uint64_t end = 0;
    std::string sha256;                           // empty where nobody will ask
    std::size_t first = 0, loaded = 0, used = 0;  // its part of buffer_
  };

  void shrink();
  void spill();
  void sort_best();
  bool load(SortedRun& run);
  void open_merge();
  const Candidate& head(std::size_t run) const { return buffer_[runs_[run].first + runs_[run].used]; }

  std::filesystem::path folder_, named_;  // one of them: for a file without a name, or the file
  std::size_t capacity_;
  std::uint64_t keep_;
  std::vector<Candidate> buffer_;
  std::vector<SortedRun> runs_;
  std::vector<std::size_t> heap_;  // runs with a record left, the best head on top
  std::uint64_t delivered_ = 0;
  std::uint64_t spilled_ = 0;  // records in the file
  std::size_t cursor_ = 0;     // position in buffer_ when nothing was spilled
  std::optional<SpillFile> file_;
};

}  // namespace phaseselect
