// Runs on disk.
#include "host/pipeline/run_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <numeric>

#include "host/io/json_text.hpp"
#include "host/io/output_file.hpp"
#include "host/io/readable.hpp"
#include "host/io/sha256.hpp"
#include "host/pipeline/checkpoint.hpp"
#include "host/pipeline/history.hpp"
#include "host/pipeline/members_file.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

std::string join_symbols(const std::vector<Element>& elements) {
  std::string text;
  for (const Element element : elements) text += (text.empty() ? "" : " ") + std::string(symbol(element));
  return text;
}

std::string field_lines(const PreparedData& data) {
  std::string text = "phases,value,label\n";
  for (std::size_t i = 0; i < data.kept.size(); ++i) {
    text +=
        fmt::format("{},{},{}\n", to_string(data.kept[i].field), number(data.kept[i].value), data.problem.labels[i]);
  }
  return text;
}

std::string environment_lines(const std::vector<PhaseField>& fields) {
  std::string text = "phases\n";
  for (const PhaseField& field : fields) text += to_string(field) + "\n";
  return text;
}

std::vector<MemberSource> sources(const std::vector<const TrainedMember*>& members) {
  std::vector<MemberSource> result;
  for (const TrainedMember* member : members) {
    const auto read = [member](Network network, const ParameterBlock& block, std::span<float> out) {
      const std::vector<float>& slab = network == Network::classifier ? member->classifier : member->ranking;
      std::copy_n(slab.begin() + static_cast<std::ptrdiff_t>(block.offset), block.size(), out.begin());
    };
    result.push_back({member->id, member->held_out, member->held_out_errors, read});
  }
  return result;
}

[[noreturn]] void damaged(const fs::path& path, const std::string& reason) {
  throw Error(fmt::format("{} is damaged ({}): restore it from a copy or train again", path.string(), reason));
}

SafetensorsReader open_members(const fs::path& directory) {
  if (!fs::is_directory(directory)) {
    throw Error(fmt::format("{}: no such run: give the folder that train or merge wrote", directory.string()));
  }
  const fs::path path = directory / members_file_name;
  if (!fs::exists(path) && fs::exists(directory / checkpoint_file_name)) {
    throw Error(fmt::format("{}: its training is not finished: continue with phaseselect train {} -o {} --resume",
                            directory.string(), shell_quoted(directory / "config.yaml"), shell_quoted(directory)));
  }
  if (!fs::exists(path)) {
    throw Error(fmt::format("{}: is not a run, it has no {}", directory.string(), members_file_name));
  }
  return SafetensorsReader(path);
}

std::string metadata_entry(const SafetensorsReader& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) damaged(file.path(), fmt::format("it does not say its {}", key));
  return found->second;
}

void check_format(const SafetensorsReader& file) {
  if (metadata_entry(file, "format") != members_format) damaged(file.path(), "it is not a file of members");
  if (metadata_entry(file, "format_version") != members_format_version) {
    throw Error(fmt::format("{} was written by another version (format {}, this program reads {}): use that one",
                            file.path().string(), metadata_entry(file, "format_version"), members_format_version));
  }
}

// A text file of the run that must be the one the members were trained with.
CsvTable read_checked(const SafetensorsReader& file, const fs::path& path, const std::string& key) {
  if (sha256_file(path) != metadata_entry(file, key)) damaged(path, "it was changed after the training");
  return read_csv(path);
}

void read_training_fields(const SafetensorsReader& file, const fs::path& path, RunContents& contents) {
  const CsvTable table = read_checked(file, path, "fields_sha256");
  const std::size_t phases = table.column("phases");
  const std::size_t value = table.column("value");
  const std::size_t label = table.column("label");
  const ElementRows rows(contents.elements);
  for (const CsvRow& row : table.rows()) {
    FieldRecord record;
    record.field = parse_phase_field(row.cells[phases]);
    const auto measured = parse_number(row.cells[value]);
    const bool known = rows.append(record.field, contents.problem.fields.slots, contents.problem.fields.rows);
    if (!measured || !known || (row.cells[label] != "0" && row.cells[label] != "1")) {
      damaged(path, fmt::format("line {} is malformed", row.line));
    }
    record.value = record.minimum = *measured;
    record.compositions = 1;
    contents.training_fields.push_back(std::move(record));
    contents.problem.labels.push_back(row.cells[label] == "1" ? 1 : 0);
  }
}

// Of the fields that some member held out, ascending.
std::vector<float> reference_errors(const SafetensorsReader& file, std::size_t fields) {
  std::vector<float> errors = held_out_errors(file, fields);
  std::erase_if(errors, [](float error) { return std::isnan(error); });
  std::sort(errors.begin(), errors.end());
  return errors;
}

void check_shapes(const SafetensorsReader& file, const ParameterLayout& layout, std::size_t members) {
  for (const ParameterBlock& block : layout.blocks()) {
    const TensorInfo& info = file.info(block.name);
    if (info.type != TensorType::f32 || info.shape != tensor_shape(block, members)) {
      damaged(file.path(), fmt::format("tensor '{}' does not fit the configuration", block.name));
    }
  }
}

constexpr const char* accessibility_role = "accessibility";

bool has_ranking(const SafetensorsReader& file) { return file.contains("ranking.input_mean"); }

void check_files(const fs::path& directory) {
  for (const char* name : {"config.yaml", "fields.csv", "environment_fields.csv", "run.json"}) {
    if (!fs::exists(directory / name)) damaged(directory, fmt::format("it has no {}", name));
  }
}

// A broken configuration is damage here, not a mistake of the user.
Config read_configuration(const fs::path& path) {
  try {
    return read_config(path);
  } catch (const UsageError& error) {
    damaged(path, error.what());
  }
}

RunContents read_contents(const fs::path& directory, const SafetensorsReader& file) {
  check_format(file);
  check_files(directory);
  RunContents contents;
  contents.config = read_configuration(directory / "config.yaml");
  if (configuration_identity(contents.config) != metadata_entry(file, "configuration")) {
    damaged(directory / "config.yaml", "it was changed after the training");
  }
  contents.elements = parse_phase_field(metadata_entry(file, "elements")).elements();
  Problem& problem = contents.problem;
  problem.groups = read_groups(file, static_cast<int>(contents.elements.size()));
  const auto slots = parse_number(metadata_entry(file, "slots"));
  if (!slots || *slots < 1 || *slots > 64) damaged(file.path(), "its number of slots is out of range");
  problem.fields.slots = static_cast<int>(*slots);
  problem.architecture = make_architecture(contents.config, problem.groups, problem.fields.slots);
  problem.classifier = classifier_plan(contents.config);
  problem.ranking = ranking_plan(contents.config);
  problem.seed = contents.config.ensemble.seed;
  problem.precision = contents.config.training.precision;
  read_training_fields(file, directory / "fields.csv", contents);
  const fs::path environment_fields = directory / "environment_fields.csv";
  const CsvTable environments = read_checked(file, environment_fields, "environment_fields_sha256");
  for (const CsvRow& row : environments.rows()) {
    contents.environment_fields.push_back(parse_phase_field(row.cells[environments.column("phases")]));
  }
  contents.members = file.read_all<std::uint32_t>("members.id");
  check_shapes(file, classifier_layout(problem.architecture), contents.members.size());
  if (has_ranking(file)) check_shapes(file, ranking_layout(problem.architecture), contents.members.size());
  contents.reference_errors = reference_errors(file, contents.training_fields.size());
  std::ifstream run(directory / "run.json");
  contents.run = nlohmann::json::parse(run, nullptr, false);
  if (contents.run.is_discarded()) damaged(directory / "run.json", "it is not valid JSON");
  if (!contents.run.is_object()) damaged(directory / "run.json", "it is not a JSON object");
  const nlohmann::json calibration = contents.run.value("calibration", nlohmann::json());
  try {
    if (calibration.is_object()) contents.calibration = calibration_from_json(calibration);
  } catch (const nlohmann::json::exception&) {
    damaged(directory / "run.json", "its calibration lacks a number");
  }
  return contents;
}

// The accessibility members of a run.
SafetensorsReader open_accessibility(const fs::path& directory, const SafetensorsReader& members,
                                     const RunContents& contents) {
  const fs::path path = directory / accessibility_file_name;
  if (!fs::exists(path)) damaged(directory, fmt::format("it has no {}", accessibility_file_name));
  SafetensorsReader file(path);
  for (const auto& [key, value] : file.metadata()) {
    if (key == "sha256" || key == "role") continue;  // of the file itself
    if (metadata_entry(members, key) != value) {
      damaged(path, fmt::format("it belongs to another run, its {} differs", key));
    }
  }
  if (metadata_entry(file, "role") != accessibility_role) damaged(path, "it does not hold accessibility members");
  check_shapes(file, classifier_layout(contents.problem.architecture), file.info("members.id").elements());
  return file;
}

std::vector<float> read_slab(const SafetensorsReader& file, const ParameterLayout& layout, std::size_t member) {
  std::vector<float> slab(layout.size(), 0.0f);
  for (const ParameterBlock& block : layout.blocks()) {
    const std::span<float> part = std::span(slab).subspan(block.offset, block.size());
    file.read(block.name, member * block.size() * sizeof(float), std::as_writable_bytes(part));
  }
  return slab;
}

}  // namespace

std::vector<float> held_out_errors(const SafetensorsReader& members, std::size_t fields) {
  std::vector<double> sums(fields, 0.0);
  std::vector<std::uint32_t> counts(fields, 0);
  for (const MemberSource& member : member_sources(members)) {
    for (std::size_t i = 0; i < member.held_out_errors.size(); ++i) {
      const std::uint32_t row = member.held_out[i];
      if (row >= fields) damaged(members.path(), "a held-out row is no training field");
      sums[row] += static_cast<double>(member.held_out_errors[i]);
      ++counts[row];
    }
  }
  std::vector<float> errors(fields, std::numeric_limits<float>::quiet_NaN());
  for (std::size_t row = 0; row < fields; ++row) {
    if (counts[row] > 0) errors[row] = static_cast<float>(sums[row] / counts[row]);
  }
  return errors;
}

void write_run(const fs::path& directory, const Config& config, const PreparedData& data,
               const std::vector<TrainedMember>& members, const nlohmann::json& run) {
  std::vector<const TrainedMember*> ordered;
  for (const TrainedMember& member : members) ordered.push_back(&member);
  std::sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
  write_text(directory / "config.yaml", to_yaml(config));
  write_text(directory / "fields.csv", field_lines(data));
  write_text(directory / "environment_fields.csv", environment_lines(data.matrix.fields));
  write_text(directory / "history.csv", history_csv(ordered));
  write_text(directory / "run.json", json_text(run) + "\n");
  MembersDescription description;
  description.architecture = data.problem.architecture;
  description.groups = &data.problem.groups;
  description.ranking = !members.empty() && !members.front().ranking.empty();
  description.metadata = {
      {"format", members_format},
      {"format_version", members_format_version},
      {"elements", join_symbols(data.matrix.elements)},
      {"slots", std::to_string(data.problem.fields.slots)},
      {"property", data.table.property},
      {"configuration", configuration_identity(config)},
      {"properties_sha256", sha256_file(config.data.properties)},
      {"formulas_sha256", sha256_file(config.environments.formulas)},
      {"fields_sha256", sha256_file(directory / "fields.csv")},
      {"environment_fields_sha256", sha256_file(directory / "environment_fields.csv")},
  };
  // Last: a folder with this file is a finished run.
  write_members_file(directory / members_file_name, description, sources(ordered));
}

std::map<std::string, std::string> accessibility_metadata(const Config& config, const PreparedData& data) {
  return {{"format", members_format},
          {"format_version", members_format_version},
          {"role", accessibility_role},
          {"elements", join_symbols(data.matrix.elements)},
          {"slots", std::to_string(data.problem.fields.slots)},
          {"configuration", configuration_identity(config)},
          {"properties_sha256", sha256_file(config.data.properties)},
          {"formulas_sha256", sha256_file(config.environments.formulas)}};
}

void write_accessibility(const fs::path& directory, const Config& config, const PreparedData& data,
                         const std::vector<TrainedMember>& members) {
  std::vector<const TrainedMember*> ordered = in_order(members);
  std::sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
  write_text(directory / accessibility_history_file_name, history_csv(ordered));
  MembersDescription description;
  description.architecture = data.problem.architecture;
  description.groups = &data.problem.groups;
  description.ranking = false;
  description.metadata = accessibility_metadata(config, data);
  std::vector<MemberSource> all = sources(ordered);
  for (MemberSource& member : all) member.held_out.clear();  // rows of a list that is not kept
  write_members_file(directory / accessibility_file_name, description, all);
}

void check_accessibility(const fs::path& directory, const Config& config, const PreparedData& data,
                         std::pair<std::uint32_t, std::uint32_t> members) {
  const fs::path path = directory / accessibility_file_name;
  if (!fs::exists(path)) damaged(directory, fmt::format("it has no {}", accessibility_file_name));
  const SafetensorsReader file(path);
  for (const auto& [key, value] : accessibility_metadata(config, data)) {
    if (metadata_entry(file, key) == value) continue;
    throw Error(
        fmt::format("{} belongs to another run, its {} differs: resume with the configuration and data it was "
                    "started with, or train into a new folder",
                    path.string(), key));
  }
  std::vector<std::uint32_t> asked(members.second - members.first);
  std::iota(asked.begin(), asked.end(), members.first);
  if (file.read_all<std::uint32_t>("members.id") == asked) return;
  throw Error(
      fmt::format("{} holds other members than those of this range: resume with the --member-range it was "
                  "started with, or train into a new folder",
                  path.string()));
}

Run::Run(fs::path directory)
    : directory_(std::move(directory)),
      reader_(open_members(directory_)),
      contents_(read_contents(directory_, reader_)),
      neighbourhood_(ElementSimilarity(contents_.problem.groups, contents_.elements)) {
  for (std::size_t row = 0; row < contents_.training_fields.size(); ++row) {
    neighbourhood_.add(contents_.training_fields[row].field, contents_.problem.labels[row] != 0);
  }
  if (contents_.config.accessibility.members == 0) return;
  accessibility_.emplace(open_accessibility(directory_, reader_, contents_));
  contents_.accessibility_members = accessibility_->read_all<std::uint32_t>("members.id");
}

void Run::load(Engine& engine) const {
  const ParameterLayout classifier = classifier_layout(contents_.problem.architecture);
  const ParameterLayout ranking = ranking_layout(contents_.problem.architecture);
  for (int member = 0; member < members(); ++member) {
    const auto index = static_cast<std::size_t>(member);
    const std::vector<float> second = has_ranking(reader_) ? read_slab(reader_, ranking, index) : std::vector<float>();
    engine.open_trained(member, read_slab(reader_, classifier, index), second);
  }
  // An engine may want a ranking network of every member.
  const std::vector<float> no_ranking(ranking.size(), 0.0f);
  for (int member = 0; member < accessibility_members(); ++member) {
    engine.open_trained(members() + member, read_slab(*accessibility_, classifier, static_cast<std::size_t>(member)),
                        no_ranking);
  }
}

float Run::calibrated(float probability, const PhaseField& field) const {
  if (!contents_.calibration) return std::numeric_limits<float>::quiet_NaN();
  return calibrate(probability, *contents_.calibration,
                   weighs_neighbours() ? neighbourhood_.evidence(field) : Evidence{});
}

float Run::percentile(float error) const {
  const std::vector<float>& errors = contents_.reference_errors;
  if (errors.empty() || std::isnan(error)) return std::numeric_limits<float>::quiet_NaN();
  const auto smaller = std::lower_bound(errors.begin(), errors.end(), error) - errors.begin();
  return static_cast<float>(100.0 * static_cast<double>(smaller) / static_cast<double>(errors.size()));
}

}  // namespace phaseselect
