// The folder of a validation: created for a new one, entered again to resume, and removed when the command fails before
// anything in it is worth keeping.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace phaseselect {

class ResultDirectory {
 public:
  // The presence of this file says that the validation is complete.
  static constexpr std::string_view last_file = "metrics.json";
  static constexpr std::string_view configuration_file = "config.yaml";

  // Throws UsageError when the folder exists (or, to resume, does not, or holds a complete result), Error when it
  // cannot be created.
  ResultDirectory(std::filesystem::path path, bool resume);
  // Unless complete() was called or there is a checkpoint: removes what write() wrote, and the folder if it is empty
  // then.
  ~ResultDirectory();
  ResultDirectory(const ResultDirectory&) = delete;
  ResultDirectory& operator=(const ResultDirectory&) = delete;

  std::filesystem::path checkpoint() const { return path_ / "checkpoint.safetensors"; }
  void write(std::string_view name, std::string_view text);
  void complete();  // removes the checkpoint

 private:
  std::filesystem::path path_;
  std::vector<std::filesystem::path> written_;
  bool complete_ = false;
};

}  // namespace phaseselect
