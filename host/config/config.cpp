// Reads a configuration through the schema: file first, then overrides, then what keys demand of each other.
#include "phaseselect/config/config.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <set>
#include <string_view>

#include "host/config/schema.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

// Where values come from: a file (places are lines) or one override (one place).
struct Source {
  std::string name;  // file, or what was typed: "--set key=value"
  fs::path folder;   // what relative paths refer to
  bool has_lines = true;

  std::string place(const YAML::Mark& mark) const {
    return has_lines && !mark.is_null() ? fmt::format("{}:{}", name, mark.line + 1) : name;
  }
};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string_view last_word(std::string_view path) { return path.substr(path.rfind('.') + 1); }

class ConfigReader {
 public:
  ConfigReader() : keys_(schema(config_)) {
    for (const SchemaKey& key : keys_) {
      for (std::size_t dot = key.path.find('.'); dot != std::string::npos; dot = key.path.find('.', dot + 1)) {
        sections_.insert(key.path.substr(0, dot));
      }
    }
  }

  void read_file(const fs::path& path);
  void read_override(const Override& given);
  Config finish(const fs::path& path) const;
  std::string find(const std::string& name, const std::string& option) const;

 private:
  void read(const std::string& path, const YAML::Node& value, const std::string& place, const Source& source);
  void read_section(const std::string& prefix, const YAML::Node& section, const Source& source);
  [[noreturn]] void unknown_key(const std::string& path, const std::string& place) const;

  Config config_;
  std::vector<SchemaKey> keys_;
  std::set<std::string> sections_;
  std::map<std::string, std::string> given_;    // key -> place of the value that counts
  std::map<std::string, std::string> repeats_;  // keys and sections of the current kind of source -> place
};

void ConfigReader::unknown_key(const std::string& path, const std::string& place) const {
  std::string nearest;
  std::size_t smallest = std::string::npos;
  const auto consider = [&](const std::string& known) {
    const std::size_t moved = edit_distance(last_word(path), last_word(known)) + 1;  // the right word, another section
    const std::size_t distance = std::min(edit_distance(path, known), moved);
    if (distance < smallest) {
      smallest = distance;
      nearest = known;
    }
  };
  for (const SchemaKey& key : keys_) consider(key.path);
  for (const std::string& section : sections_) consider(section);
  // A third of the letters may be wrong; a key without its section is always near.
  if (smallest <= std::max<std::size_t>(1, path.size() / 3)) {
    throw UsageError(fmt::format("{}: unknown key '{}': did you mean '{}'?", place, path, nearest));
  }
  std::string top_level;
  for (const SchemaKey& key : keys_) {
    const std::string section = key.path.substr(0, key.path.find('.'));
    if (top_level.find(section) == std::string::npos) top_level += (top_level.empty() ? "" : ", ") + section;
  }
  throw UsageError(fmt::format("{}: unknown key '{}': the sections are {}", place, path, top_level));
}

void ConfigReader::read(const std::string& path, const YAML::Node& value, const std::string& place,
                        const Source& source) {
  const auto key = std::find_if(keys_.begin(), keys_.end(), [&](const SchemaKey& k) { return k.path == path; });
  if (key == keys_.end() && sections_.count(path) == 0) unknown_key(path, place);
  const auto [earlier, is_new] = repeats_.emplace(path, place);
  if (!is_new) {
    throw UsageError(fmt::format("{}: key '{}' is given twice (first at {}): keep one", place, path, earlier->second));
  }
  if (key == keys_.end()) {
    if (!value.IsMap()) throw UsageError(fmt::format("{}: {} must be a section with keys of its own", place, path));
    read_section(path + ".", value, source);
    return;
  }
  try {
    key->read(value, source.folder);
  } catch (const BadValue& bad) {
    throw UsageError(fmt::format("{}: {} {}", place, path, bad.what()));
  }
  given_[path] = place;
}

void ConfigReader::read_section(const std::string& prefix, const YAML::Node& section, const Source& source) {
  for (const auto& entry : section) {
    const std::string place = source.place(entry.first.Mark());
    if (!entry.first.IsScalar()) throw UsageError(fmt::format("{}: keys must be plain words", place));
    read(prefix + entry.first.Scalar(), entry.second, place, source);
  }
}

std::string read_text(const fs::path& path) {
  if (fs::is_directory(path)) {
    throw UsageError(fmt::format("{}: is a folder, not a configuration file", path.string()));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw UsageError(fmt::format("{}: cannot read the configuration: {}", path.string(), std::strerror(errno)));
  }
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

YAML::Node parse(const std::string& text, const Source& source) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) throw UsageError(fmt::format("{}: holds several YAML documents: keep one", source.name));
    return documents.empty() ? YAML::Node() : documents.front();
  } catch (const YAML::Exception& error) {
    throw UsageError(fmt::format("{}: not valid YAML: {}", source.place(error.mark), error.msg));
  }
}

void ConfigReader::read_file(const fs::path& path) {
  const Source source{path.string(), fs::absolute(path).parent_path()};
  const YAML::Node root = parse(read_text(path), source);
  if (!root.IsNull() && !root.IsMap()) {
    throw UsageError(fmt::format("{}: must hold sections of keys (data:, model:, ...)", source.place(root.Mark())));
  }
  if (root.IsMap()) read_section("", root, source);
  repeats_.clear();
}

void ConfigReader::read_override(const Override& given) {
  const std::string& text = given.setting;
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(fmt::format("{}: must have the form key.path=value", given.given));
  }
  const Source source{given.given, fs::current_path(), false};
  read(text.substr(0, equals), parse(text.substr(equals + 1), source), source.name, source);
}

std::string ConfigReader::find(const std::string& name, const std::string& option) const {
  std::vector<std::string> found;
  for (const SchemaKey& key : keys_) {
    if (key.path == name) return name;
    if (last_word(key.path) == name) found.push_back(key.path);
  }
  if (found.empty()) unknown_key(name, option);
  if (found.size() > 1) {
    throw UsageError(fmt::format("{}: '{}' may be {}: give the whole key", option, name, fmt::join(found, " or ")));
  }
  return found.front();
}

Config ConfigReader::finish(const fs::path& path) const {
  for (const SchemaKey& key : keys_) {
    if (key.required && given_.count(key.path) == 0) {
      throw UsageError(fmt::format("{}: {} is missing: add it to the file or give it with --set {}=...", path.string(),
                                   key.path, key.path));
    }
  }
  if (config_.model.prediction_orders > 1 && config_.model.slot_order != SlotOrder::random) {
    throw UsageError(
        fmt::format("{}: model.prediction_orders must be 1 while model.slot_order is sorted, not {}: set "
                    "model.slot_order to random to average over orders",
                    given_.at("model.prediction_orders"), config_.model.prediction_orders));
  }
  const auto& accessibility = config_.accessibility;
  if (accessibility.members > 0 && accessibility.members < accessibility.folds) {
    throw UsageError(
        fmt::format("{}: accessibility.members must be 0 or at least accessibility.folds, not {} for {} folds: each "
                    "fold is judged by the members that left it out",
                    given_.at("accessibility.members"), accessibility.members, accessibility.folds));
  }
  if (config_.model.attention.combine == Combine::pooled && config_.model.slot_order == SlotOrder::random) {
    throw UsageError(
        fmt::format("{}: model.slot_order must be sorted while model.attention.combine is pooled, not random: the "
                    "order of the elements changes nothing there",
                    given_.at("model.slot_order")));
  }
  const auto& attention = config_.model.attention;
  if (attention.weight != 1 && (attention.combine == Combine::values || attention.combine == Combine::scores)) {
    throw UsageError(
        fmt::format("{}: model.attention.weight must be 1 while model.attention.combine is {}, not {}: only residual "
                    "and pooled have the features beside the attention",
                    given_.at("model.attention.weight"), attention.combine == Combine::values ? "values" : "scores",
                    attention.weight));
  }
  if (!attention.mask && attention.combine == Combine::pooled) {
    throw UsageError(
        fmt::format("{}: model.attention.mask must be true while model.attention.combine is pooled, not false: pooled "
                    "fields have no absent slots",
                    given_.at("model.attention.mask")));
  }
  return config_;
}

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t dot = std::min(path.find('.', start), path.size());
    parts.push_back(path.substr(start, dot - start));
    start = dot + 1;
  }
  return parts;
}

}  // namespace

Config read_config(const fs::path& path, std::span<const std::string> overrides) {
  std::vector<Override> set;
  set.reserve(overrides.size());
  for (const std::string& setting : overrides) set.push_back({setting, "--set " + setting});
  return read_config(path, std::span<const Override>(set));
}

Config read_config(const fs::path& path, std::span<const Override> overrides) {
  ConfigReader reader;
  reader.read_file(path);
  for (const Override& given : overrides) reader.read_override(given);
  return reader.finish(path);
}

std::string full_key(const std::string& name, const std::string& option) { return ConfigReader().find(name, option); }

std::string to_yaml(const Config& config) {
  Config copy = config;  // the schema refers to a configuration it could also change
  YAML::Emitter out;
  std::vector<std::string> open;  // sections around the current key
  out << YAML::BeginMap;
  for (const SchemaKey& key : schema(copy)) {
    const std::vector<std::string> parts = split(key.path);
    std::size_t shared = 0;
    while (shared < open.size() && shared + 1 < parts.size() && open[shared] == parts[shared]) ++shared;
    for (; open.size() > shared; open.pop_back()) out << YAML::EndMap;
    for (; open.size() + 1 < parts.size(); open.push_back(parts[open.size()])) {
      out << YAML::Key << parts[open.size()] << YAML::Value << YAML::BeginMap;
    }
    out << YAML::Key << parts.back() << YAML::Value;
    key.write(out);
  }
  for (; !open.empty(); open.pop_back()) out << YAML::EndMap;
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace phaseselect
