// Sealed JSON.
#include "host/io/sealed_json.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "host/io/json_text.hpp"
#include "host/io/regular_file.hpp"
#include "host/io/sha256.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr const char* seal_key = "sha256";
constexpr std::uint64_t most_bytes = std::uint64_t{64} << 20;

const std::string& no_digest() {
  static const std::string zeros(64, '0');
  return zeros;
}

// Puts `digest` where the text has `former`, which must be in it once.
std::string with_digest(std::string text, const std::string& former, const std::string& digest) {
  const std::size_t position = text.find(former);
  return position == std::string::npos ? std::string() : text.replace(position, former.size(), digest);
}

std::string digest_of(const std::string& text) { return sha256(std::as_bytes(std::span(text))); }

}  // namespace

std::string sealed_text(nlohmann::json object) {
  object[seal_key] = no_digest();
  const std::string text = json_text(object) + "\n";
  return with_digest(text, no_digest(), digest_of(text));
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
  const std::string digest = seal->is_string() ? seal->get<std::string>() : std::string();
  if (digest.size() != no_digest().size() || digest_of(with_digest(text, digest, no_digest())) != digest) {
    throw damaged("its bytes are not those that its checksum was made of");
  }
  object.erase(seal);
  return object;
}

}  // namespace phaseselect
