// The one list of configuration keys: reading, checking, `--set` overrides, suggestions and the resolved form all come
// from it.
#pragma once

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/config/value.hpp"
#include "phaseselect/config/config.hpp"

namespace phaseselect {

// What is wrong with a value, without key and place: "must be a whole number, not 'many'".
class BadValue : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct SchemaKey {
  std::string path;  // "model.attention.heads"
  Form form = Form::word;
  // Stores the value; `folder` is what relative paths refer to. Throws BadValue.
  std::function<void(const Value& value, const std::filesystem::path& folder)> read;
  std::function<std::string()> write;  // as YAML
  bool required = false;
};

// Keys in the order of the resolved form; keys of one section are neighbours. They refer to `config`.
std::vector<SchemaKey> schema(Config& config);

// Where a configuration begins before any key of the schema counts.
enum class Profile { standard, paper };  // named default and paper
inline constexpr const char* profile_key_path = "profile";
SchemaKey profile_key(Profile& profile);

Form form_of(const std::string& path);  // of a key that there is

}  // namespace phaseselect
