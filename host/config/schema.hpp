// The one list of configuration keys: reading, checking, `--set` overrides, suggestions and the resolved form all come
// from it.
#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "phaseselect/config/config.hpp"

namespace phaseselect {

// What is wrong with a value, without key and place: "must be a whole number, not 'many'".
class BadValue : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct SchemaKey {
  std::string path;  // "model.attention.heads"
  bool required = false;
  // Stores the value; `folder` is what relative paths refer to. Throws BadValue.
  std::function<void(const YAML::Node& value, const std::filesystem::path& folder)> read;
  std::function<void(YAML::Emitter&)> write;
};

// Keys in the order of the resolved form; keys of one section are neighbours. They refer to `config`.
std::vector<SchemaKey> schema(Config& config);

}  // namespace phaseselect
