// JSON files that notice when they have changed: "sha256" of the outermost object is the SHA-256 of its canonical text,
// without that key and without what says when, how fast, on which device and from which folders a result was made:
// `created`, `timings`, `seconds`, `resumed`, `device`; `calibration.validation`; of the parts in `merged` `created`,
// `resumed`, `device` and `run`. So the same work has the same seal, whenever and however often interrupted it was
// done.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace phaseselect {

// The seal of an object.
std::string seal_of(const nlohmann::json& object);

// The text of an object with its seal, and a line break at the end.
std::string sealed_text(nlohmann::json object);

// The object without its seal. Throws Error that ends in `remedy` ("validate again") for a file that is missing,
// no regular one, unreadable, no sealed object, or changed since it was written.
nlohmann::json read_sealed(const std::filesystem::path& path, const std::string& remedy);

}  // namespace phaseselect
