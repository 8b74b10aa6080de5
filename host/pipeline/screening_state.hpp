// What a resumable screening keeps beside its result, in the folder RESULT.screening: candidates.bin has the candidates
// that were judged, in sorted runs, and state.json says of which screening they are, how far it has come and what the
// runs' checksums are. When the ranking is complete, state.json alone stays and says so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/io/folder_lock.hpp"
#include "host/pipeline/external_sort.hpp"
#include "host/pipeline/result_table.hpp"

namespace phaseselect {

// What has been counted on the way.
struct ScreeningTally {
  ErrorRange errors;
  std::uint64_t screened = 0;
  std::uint64_t known = 0;  // of all candidates, screened or left out
  std::uint64_t left_out = 0;
};

struct ScreeningProgress {
  std::uint64_t next_rank = 0;  // the first candidate that has not been looked at
  ScreeningTally tally;
  std::vector<SpilledRun> runs;
};

class ScreeningState {
 public:
  // Whatever changes the ranking, by name: the run, the candidates, the engine.
  using Identity = std::map<std::string, std::string>;

  // Opens the folder of `output`, or creates it, and locks it. Throws Error when it holds the state of another
  // screening (naming what differs), is damaged, or is in use.
  ScreeningState(const std::filesystem::path& output, Identity identity,
                 const std::function<void(const std::string&)>& remark);
  ~ScreeningState();  // removes the folder where nothing was saved
  ScreeningState(const ScreeningState&) = delete;
  ScreeningState& operator=(const ScreeningState&) = delete;

  // The summary of a ranking that is complete and still there as it was written.
  const std::optional<nlohmann::json>& result() const { return result_; }
  const ScreeningProgress& progress() const { return progress_; }  // from the beginning where nothing was saved
  std::filesystem::path candidates() const { return folder_ / "candidates.bin"; }

  void save(const ScreeningProgress& progress);
  // After the output has been written.
  void finish(const nlohmann::json& result);

 private:
  void read();
  void write(nlohmann::json state) const;

  std::filesystem::path output_;
  std::filesystem::path folder_;
  std::optional<FolderLock> lock_;
  Identity identity_;
  std::optional<nlohmann::json> result_;
  ScreeningProgress progress_;
};

// The engine that the screening of `output` was begun on: its kind and instruction set; nothing where none was begun.
std::optional<std::pair<std::string, std::string>> engine_of_screening(const std::filesystem::path& output);

}  // namespace phaseselect
