// Reads a configuration through the schema: file first, then overrides, then what keys demand of each other.
#include "phaseselect/config/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <map>
#include <numeric>
#include <set>
#include <string_view>

#include "host/config/document.hpp"
#include "host/config/option_value.hpp"
#include "host/config/schema.hpp"
#include "host/io/unicode.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

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

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// An option that sets a key.
struct Setting {
  std::string key;
  std::string_view value;
  Source source;
};

Setting parse_setting(const Override& given) {
  const std::string_view text = given.setting;
  const Source source{shown(given.given, 200), fs::current_path(), false};
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw UsageError(fmt::format("{}: must have the form key.path=value", source.name));
  }
  return {std::string(text.substr(0, equals)), text.substr(equals + 1), source};
}

class ConfigReader {
 public:
  ConfigReader() : keys_(schema(config_)) {
    keys_.push_back(profile_key(profile_));
    for (const SchemaKey& key : keys_) {
      for (std::size_t dot = key.path.find('.'); dot != std::string::npos; dot = key.path.find('.', dot + 1)) {
        sections_.insert(key.path.substr(0, dot));
      }
    }
  }

  // Before all other keys: they change what the profile says.
  void choose_profile(const Value& root, const Source& source, std::span<const Setting> settings);
  void read_file(const Value& root, const Source& source);
  void read_setting(const Setting& setting);
  Config finish(const fs::path& path) const;
  std::string find(const std::string& name, const std::string& option) const;

 private:
  const SchemaKey* key(const std::string& path) const;
  void check_new(const std::string& path, const std::string& place);
  void store(const SchemaKey& key, const Value& value, const std::string& place, const Source& source);
  void store_setting(const Setting& setting);
  void read_section(const std::string& prefix, const Value& section, const Source& source);
  std::string place_of(std::initializer_list<const char*> keys) const;
  [[noreturn]] void unknown_key(const std::string& path, const std::string& place) const;

  Profile profile_ = Profile::standard;
  Config config_;
  std::vector<SchemaKey> keys_;  // of the profile and the configuration
  std::set<std::string> sections_;
  std::map<std::string, std::string> given_;    // key -> place of the value that counts
  std::map<std::string, std::string> repeats_;  // keys and sections of the current kind of source -> place
};

constexpr std::size_t longest_key = 100;  // no key is nearly as long

void ConfigReader::unknown_key(const std::string& path, const std::string& place) const {
  std::string nearest;
  std::size_t smallest = std::string::npos;
  const std::string given = lower_case(path.substr(0, longest_key));
  const auto consider = [&](const std::string& known) {
    const std::size_t moved = edit_distance(last_word(given), last_word(known)) + 1;  // the right word, another section
    const std::size_t distance = std::min(edit_distance(given, known), moved);
    if (distance < smallest) {
      smallest = distance;
      nearest = known;
    }
  };
  for (const SchemaKey& key : keys_) consider(key.path);
  for (const std::string& section : sections_) consider(section);
  // A third of the letters may be wrong; a key without its section is always near.
  if (smallest <= std::max<std::size_t>(1, given.size() / 3)) {
    throw UsageError(fmt::format("{}: unknown key '{}': did you mean '{}'?", place, shown(path), nearest));
  }
  std::string top_level;
  for (const SchemaKey& key : keys_) {
    const std::string section = key.path.substr(0, key.path.find('.'));
    if (!sections_.contains(section)) continue;
    if (top_level.find(section) == std::string::npos) top_level += (top_level.empty() ? "" : ", ") + section;
  }
  throw UsageError(fmt::format("{}: unknown key '{}': the sections are {}", place, shown(path), top_level));
}

const SchemaKey* ConfigReader::key(const std::string& path) const {
  const auto found = std::ranges::find(keys_, path, &SchemaKey::path);
  return found == keys_.end() ? nullptr : &*found;
}

void ConfigReader::check_new(const std::string& path, const std::string& place) {
  const auto [earlier, is_new] = repeats_.emplace(path, place);
  if (is_new) return;
  throw UsageError(fmt::format("{}: key '{}' is given twice (first at {}): keep one", place, path, earlier->second));
}

void ConfigReader::store(const SchemaKey& key, const Value& value, const std::string& place, const Source& source) {
  try {
    key.read(value, source.folder);
  } catch (const BadValue& bad) {
    throw UsageError(fmt::format("{}: {} {}", place, key.path, bad.what()));
  }
  given_[key.path] = place;
}

void ConfigReader::read_section(const std::string& prefix, const Value& section, const Source& source) {
  for (const Entry& entry : section.entries) {
    const std::string path = prefix + entry.key;
    const std::string place = source.place(entry.line);
    const SchemaKey* known = key(path);
    if (known == nullptr && !sections_.contains(path)) unknown_key(path, place);
    check_new(path, place);
    if (known != nullptr) {
      store(*known, entry.value, place, source);
    } else if (entry.value.kind == Value::Kind::section) {
      read_section(path + ".", entry.value, source);
    } else {
      throw UsageError(fmt::format("{}: {} must be a section with keys of its own", place, path));
    }
  }
}

void ConfigReader::choose_profile(const Value& root, const Source& source, std::span<const Setting> settings) {
  for (const Entry& entry : root.entries) {
    if (entry.key == profile_key_path) store(*key(entry.key), entry.value, source.place(entry.line), source);
  }
  for (const Setting& setting : settings) {
    if (setting.key == profile_key_path) store_setting(setting);
  }
  if (profile_ == Profile::paper) config_ = paper_profile();
}

void ConfigReader::read_file(const Value& root, const Source& source) {
  if (root.kind != Value::Kind::nothing && root.kind != Value::Kind::section) {
    throw UsageError(fmt::format("{}: must hold sections of keys (data:, model:, ...)", source.name));
  }
  read_section("", root, source);
  repeats_.clear();
}

void ConfigReader::read_setting(const Setting& setting) {
  const std::string& place = setting.source.name;
  if (sections_.contains(setting.key)) {
    const auto first =
        std::ranges::find_if(keys_, [&](const SchemaKey& key) { return key.path.starts_with(setting.key + "."); });
    throw UsageError(fmt::format("{}: {} is a section: set one key of it, as {}=...", place, setting.key, first->path));
  }
  if (key(setting.key) == nullptr) unknown_key(setting.key, place);
  check_new(setting.key, place);
  store_setting(setting);
}

void ConfigReader::store_setting(const Setting& setting) {
  const SchemaKey& known = *key(setting.key);
  store(known, option_value(setting.value, known.form, setting.source), setting.source.name, setting.source);
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

// Of the first of these keys that was given: one of them was, where their defaults agree.
std::string ConfigReader::place_of(std::initializer_list<const char*> keys) const {
  for (const char* key : keys) {
    if (const auto found = given_.find(key); found != given_.end()) return found->second;
  }
  return {};
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
                    place_of({"model.prediction_orders", "model.slot_order"}), config_.model.prediction_orders));
  }
  const auto& accessibility = config_.accessibility;
  if (accessibility.members > 0 && accessibility.members < accessibility.folds) {
    throw UsageError(fmt::format(
        "{}: accessibility.members must be 0 or at least accessibility.folds, not {} for {} folds: each "
        "fold is judged by the members that left it out",
        place_of({"accessibility.members", "accessibility.folds"}), accessibility.members, accessibility.folds));
  }
  const auto& attention = config_.model.attention;
  if (attention.combine == Combine::pooled && config_.model.slot_order == SlotOrder::random) {
    throw UsageError(
        fmt::format("{}: model.slot_order must be sorted while model.attention.combine is pooled, not random: the "
                    "order of the elements changes nothing there",
                    place_of({"model.slot_order", "model.attention.combine"})));
  }
  if (attention.weight != 1 && (attention.combine == Combine::values || attention.combine == Combine::scores)) {
    throw UsageError(
        fmt::format("{}: model.attention.weight must be 1 while model.attention.combine is {}, not {}: only residual "
                    "and pooled have the features beside the attention",
                    place_of({"model.attention.weight", "model.attention.combine"}),
                    attention.combine == Combine::values ? "values" : "scores", attention.weight));
  }
  if (!attention.mask && attention.combine == Combine::pooled) {
    throw UsageError(
        fmt::format("{}: model.attention.mask must be true while model.attention.combine is pooled, not false: pooled "
                    "fields have no absent slots",
                    place_of({"model.attention.mask", "model.attention.combine"})));
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
  const Source source{path.string(), fs::absolute(path).parent_path()};
  const Value root = parse_document(read_document_text(path), source);
  std::vector<Setting> settings;
  settings.reserve(overrides.size());
  for (const Override& given : overrides) settings.push_back(parse_setting(given));
  ConfigReader reader;
  reader.choose_profile(root, source, settings);
  reader.read_file(root, source);
  for (const Setting& setting : settings) reader.read_setting(setting);
  return reader.finish(path);
}

Config paper_profile() {
  Config paper;
  paper.environments.normalisation = Normalisation::none;
  paper.model.features = 20;
  paper.model.attention.combine = Combine::values;
  paper.model.hidden = {80, 80, 80, 20};
  paper.model.l1 = 0.03;
  paper.model.l2 = 1e-4;
  paper.training.epochs = 100;
  paper.training.batch = 16;
  paper.training.learning_rate = 1e-5;
  paper.training.encoder_rate = 1;
  paper.training.schedule = Schedule::constant;
  paper.training.weight_decay = 0;
  paper.training.class_weights = ClassWeights::balanced;
  paper.training.patience = 7;
  paper.ensemble.members = 300;
  paper.accessibility.members = 0;
  paper.calibration.neighbours = false;
  return paper;
}

std::string full_key(const std::string& name, const std::string& option) { return ConfigReader().find(name, option); }

std::string to_yaml(const Config& config) {
  Config copy = config;  // the schema refers to a configuration it could also change
  std::string text;
  std::vector<std::string> open;  // sections around the current key
  for (const SchemaKey& key : schema(copy)) {
    const std::vector<std::string> parts = split(key.path);
    std::size_t shared = 0;
    while (shared < open.size() && shared + 1 < parts.size() && open[shared] == parts[shared]) ++shared;
    open.resize(shared);
    for (; open.size() + 1 < parts.size(); open.push_back(parts[open.size()])) {
      text += fmt::format("{:{}}{}:\n", "", 2 * open.size(), parts[open.size()]);
    }
    text += fmt::format("{:{}}{}: {}\n", "", 2 * open.size(), parts.back(), key.write());
  }
  return text;
}

}  // namespace phaseselect
