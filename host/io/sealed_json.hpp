// JSON files that notice when a byte of them has changed: "sha256" of the outermost object is the SHA-256 of the whole
// text with its own digits replaced by 64 zeros.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace phaseselect {

// The text of an object with its seal, and a line break at the end.
std::string sealed_text(nlohmann::json object);

// The object without its seal. Throws Error that ends in `remedy` ("validate again") for a file that is missing,
// no regular one, unreadable, no sealed object, or changed since it was written.
nlohmann::json read_sealed(const std::filesystem::path& path, const std::string& remedy);

}  // namespace phaseselect
