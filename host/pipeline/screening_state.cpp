// state.json carries its own checksum: it decides which candidates are not judged again.
#include "host/pipeline/screening_state.hpp"

#include <fmt/format.h>

#include <bit>
#include <system_error>
#include <utility>

#include "host/io/atomic_folder.hpp"
#include "host/io/json_text.hpp"
#include "host/io/output_file.hpp"
#include "host/io/partial_name.hpp"
#include "host/io/regular_file.hpp"
#include "host/io/sealed_json.hpp"
#include "host/io/sha256.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

constexpr const char* state_file = "state.json";
constexpr int format_version = 2;

[[noreturn]] void damaged(const fs::path& path, const std::string& reason) {
  throw Error(fmt::format("{} is damaged ({}): remove the folder {} and screen again", path.string(), reason,
                          path.parent_path().string()));
}

// The bits of a float: JSON has no infinities.
std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }

nlohmann::json to_json(const ScreeningProgress& progress) {
  nlohmann::json runs = nlohmann::json::array();
  for (const SpilledRun& run : progress.runs) runs.push_back({{"end", run.end}, {"sha256", run.sha256}});
  return {{"next_rank", progress.next_rank},
          {"screened", progress.tally.screened},
          {"known", progress.tally.known},
          {"left_out", progress.tally.left_out},
          {"smallest_error_bits", bits(progress.tally.errors.low())},
          {"largest_error_bits", bits(progress.tally.errors.high())},
          {"runs", std::move(runs)}};
}

ScreeningProgress progress_from_json(const nlohmann::json& json) {
  ScreeningProgress progress;
  progress.next_rank = json.at("next_rank");
  progress.tally.screened = json.at("screened");
  progress.tally.known = json.at("known");
  progress.tally.left_out = json.at("left_out");
  const auto low = std::bit_cast<float>(json.at("smallest_error_bits").get<std::uint32_t>());
  const auto high = std::bit_cast<float>(json.at("largest_error_bits").get<std::uint32_t>());
  if (low <= high) {  // otherwise there was none
    progress.tally.errors.include(low);
    progress.tally.errors.include(high);
  }
  for (const nlohmann::json& run : json.at("runs")) progress.runs.push_back({run.at("end"), run.at("sha256")});
  return progress;
}

}  // namespace

namespace {

fs::path folder_of(const fs::path& output) {
  fs::path folder = output;
  folder += ".screening";
  return folder;
}

nlohmann::json read_state(const fs::path& folder) {
  return read_sealed(folder / state_file, fmt::format("remove the folder {} and screen again", folder.string()));
}

}  // namespace

std::optional<std::pair<std::string, std::string>> engine_of_screening(const fs::path& output) {
  const fs::path folder = folder_of(output);
  if (!file_exists(folder / state_file)) return std::nullopt;
  const nlohmann::json identity = read_state(folder).value("identity", nlohmann::json::object());
  return std::pair(identity.value("engine", std::string()), identity.value("instruction_set", std::string()));
}

ScreeningState::ScreeningState(const fs::path& output, Identity identity,
                               const std::function<void(const std::string&)>& remark)
    : output_(output), folder_(folder_of(output)), identity_(std::move(identity)) {
  lock_.emplace(folder_, remark, make_folders(folder_));
  remove_partial_files(folder_);
  if (file_exists(folder_ / state_file)) read();
}

ScreeningState::~ScreeningState() {
  lock_.reset();
  std::error_code ignored;
  fs::remove(folder_, ignored);  // only when empty
}

void ScreeningState::read() {
  const fs::path path = folder_ / state_file;
  const nlohmann::json state = read_state(folder_);
  try {
    if (state.at("format_version") != format_version) {
      throw Error(fmt::format("{} was written by another version: remove the folder {} and screen again", path.string(),
                              folder_.string()));
    }
    const auto saved = state.at("identity").get<Identity>();
    for (const auto& [key, value] : identity_) {
      const auto found = saved.find(key);
      if (found != saved.end() && found->second == as_utf8(value)) continue;
      throw Error(
          fmt::format("{} belongs to another screening, its {} differs: repeat the command it was begun with, name "
                      "another output, or remove that folder",
                      folder_.string(), key));
    }
    if (!state.at("finished").get<bool>()) {
      progress_ = progress_from_json(state.at("progress"));
    } else if (file_exists(output_) && sha256_file(output_) == state.at("output_sha256")) {
      result_ = state.at("result");
    }
  } catch (const nlohmann::json::exception&) {
    damaged(path, "it lacks an entry");
  }
}

void ScreeningState::write(nlohmann::json state) const {
  state["format_version"] = format_version;
  state["identity"] = identity_;
  write_text(folder_ / state_file, sealed_text(std::move(state)));
}

void ScreeningState::save(const ScreeningProgress& progress) {
  write({{"finished", false}, {"progress", to_json(progress)}});
}

void ScreeningState::finish(const nlohmann::json& result) {
  write({{"finished", true}, {"output_sha256", sha256_file(output_)}, {"result", result}});
  std::error_code ignored;  // a file that stays is truncated by the next screening
  fs::remove(candidates(), ignored);
}

}  // namespace phaseselect
