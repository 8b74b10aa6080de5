// Sealed JSON.
#include "host/io/sealed_json.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "host/io/json_text.hpp"
#include "host/io/regular_file.hpp"
#include "host/io/sha256.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr const char* seal_key = "sha256";
constexpr std::uint64_t most_bytes = std::uint64_t{64} << 20;

void erase(nlohmann::json& object, std::initializer_list<const char*> keys) {
  if (!object.is_object()) return;
  for (const char* key : keys) object.erase(key);
}

nlohmann::json without_circumstances(nlohmann::json object) {
  erase(object, {"created", "timings", "seconds", "resumed", "device"});
  if (const auto calibration = object.find("calibration"); calibration != object.end()) {
    erase(*calibration, {"validation"});
  }
  if (const auto merged = object.find("merged"); merged != object.end() && merged->is_array()) {
    for (nlohmann::json& part : *merged) erase(part, {"created", "resumed", "device", "run"});
  }
  return object;
}

}  // namespace

std::string seal_of(const nlohmann::json& object) {
  nlohmann::json kept = without_circumstances(object);
  kept.erase(seal_key);
  const std::string text = json_text(kept);
  return sha256(std::as_bytes(std::span(text)));
}

std::string sealed_text(nlohmann::json object) {
  object[seal_key] = seal_of(object);
  return json_text(object) + "\n";
}

nlohmann::json read_sealed(const std::filesystem::path& path, const std::string& remedy) {
  const auto damaged = [&](std::string_view reason) {
    return Error(fmt::format("{} is damaged ({}): restore it from a copy or {}", path.string(), reason, remedy));
  };
  const std::string text = read_regular_file(path, most_bytes);
  nlohmann::json object;
  try {
    object = parse_json(text);
  } catch (const Error& error) {
    throw damaged(error.what());
  }
  if (!object.is_object()) throw damaged("it is not a JSON object");
  const auto seal = object.find(seal_key);
  if (seal == object.end()) throw damaged("it has no checksum: an older version wrote it, or it was changed");
  if (*seal != seal_of(object)) throw damaged("its contents are not those that its checksum was made of");
  object.erase(seal);
  return object;
}

}  // namespace phaseselect
