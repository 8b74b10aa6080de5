// state.json carries its own checksum: it decides which candidates are not judged again.
#include "host/pipeline/screening_state.hpp"

#include <fmt/format.h>

#include <bit>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "host/io/json_text.hpp"
#include "host/io/output_file.hpp"
#include "host/io/sha256.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

constexpr const char* state_file = "state.json";
constexpr int format_version = 1;

std::string digest_of(const nlohmann::json& state) {
  Sha256 digest;
  const std::string text = json_text(state, -1);
  digest.update(std::as_bytes(std::span(text)));
  return digest.finish();
}

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

ScreeningState::ScreeningState(const fs::path& output, Identity identity)
    : output_(output), folder_(output), identity_(std::move(identity)) {
  folder_ += ".screening";
  std::error_code error;
  fs::create_directory(folder_, error);
  if (error) throw Error(fmt::format("cannot create the folder {}: {}", folder_.string(), error.message()));
  if (fs::exists(folder_ / state_file)) read();
}

ScreeningState::~ScreeningState() {
  std::error_code ignored;
  fs::remove(folder_, ignored);  // only when empty
}

void ScreeningState::read() {
  const fs::path path = folder_ / state_file;
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  nlohmann::json state = nlohmann::json::parse(text, nullptr, false);
  if (!state.is_object() || !state.contains("sha256")) damaged(path, "it is no state of a screening");
  const nlohmann::json digest = state["sha256"];
  state.erase("sha256");
  if (digest != digest_of(state)) damaged(path, "its checksum does not match its contents");
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
    } else if (fs::exists(output_) && sha256_file(output_) == state.at("output_sha256")) {
      result_ = state.at("result");
    }
  } catch (const nlohmann::json::exception&) {
    damaged(path, "it lacks an entry");
  }
}

void ScreeningState::write(nlohmann::json state) const {
  state["format_version"] = format_version;
  state["identity"] = identity_;
  state = nlohmann::json::parse(json_text(state, -1));  // as it will be read
  state["sha256"] = digest_of(state);
  write_text(folder_ / state_file, json_text(state) + "\n");
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
