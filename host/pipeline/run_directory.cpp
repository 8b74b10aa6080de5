// Runs on disk.
#include "host/pipeline/run_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "host/io/output_file.hpp"
#include "host/io/readable.hpp"
#include "host/io/regular_file.hpp"
#include "host/io/sealed_json.hpp"
#include "host/io/sha256.hpp"
#include "host/io/unicode.hpp"
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

std::vector<const TrainedMember*> by_id(const std::vector<TrainedMember>& members) {
  std::vector<const TrainedMember*> ordered = in_order(members);
  std::erase_if(ordered, [](const TrainedMember* member) { return member->diverged; });
  std::sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
  return ordered;
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
  const std::string version = metadata_entry(file, "format_version");
  if (version == members_format_version) return;
  const bool older = version.size() == 1 && version < members_format_version;
  throw Error(fmt::format("{} was trained by {} version of this program (format {}, this one reads {}): {}",
                          file.path().string(), older ? "an older" : "another", shown(version), members_format_version,
                          older ? "train again" : "use that one"));
}

// A table of the run that must have this checksum.
CsvTable read_checked(const fs::path& path, const std::string& sha256) {
  try {
    CsvTable table = read_csv(path);
    if (table.sha256() == sha256) return table;
  } catch (const Error&) {
    if (sha256_file(path) == sha256) throw;  // the system failed, not the table
  }
  damaged(path, "it was changed after the training");
}

void read_training_fields(const SafetensorsReader& file, const fs::path& path, RunContents& contents) {
  const CsvTable table = read_checked(path, metadata_entry(file, "fields_sha256"));
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

// Over the members at these places of the file.
std::vector<float> mean_held_out_errors(const SafetensorsReader& file, std::span<const std::size_t> places,
                                        std::size_t fields) {
  std::vector<double> sums(fields, 0.0);
  std::vector<std::uint32_t> counts(fields, 0);
  const std::vector<MemberSource> members = member_sources(file);
  for (const std::size_t place : places) {
    const MemberSource& member = members[place];
    for (std::size_t i = 0; i < member.held_out_errors.size(); ++i) {
      const std::uint32_t row = member.held_out[i];
      if (row >= fields) damaged(file.path(), "a held-out row is no training field");
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

// Those that are there, ascending.
std::vector<float> reference_errors(std::vector<float> errors) {
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
  for (const char* name : {"config.yaml", "fields.csv", "environment_fields.csv", run_file_name}) {
    if (!file_exists(directory / name)) damaged(directory, fmt::format("it has no {}", name));
  }
}

std::string checksum_of(const SafetensorsReader& file) { return metadata_entry(file, "sha256"); }

// What run.json says of a file beside it.
std::string saved_checksum(const fs::path& run, const nlohmann::json& description, const char* name) {
  const nlohmann::json files = description.value("files", nlohmann::json::object());
  const auto found = files.is_object() ? files.find(name) : files.end();
  if (found == files.end() || !found->is_string()) {
    damaged(run / run_file_name, fmt::format("it does not say the checksum of {}", name));
  }
  return found->get<std::string>();
}

void check_beside(const fs::path& run, const nlohmann::json& description, const SafetensorsReader& file) {
  const std::string name = file.path().filename().string();
  if (saved_checksum(run, description, name.c_str()) != checksum_of(file)) {
    damaged(run / run_file_name, fmt::format("it was not written beside this {}", name));
  }
}

// null where the run is not calibrated.
std::optional<Calibration> read_calibration(const fs::path& path, const nlohmann::json& run) {
  const auto saved = run.find("calibration");
  if (saved == run.end()) damaged(path, "it does not say whether the run is calibrated");
  if (saved->is_null()) return std::nullopt;
  try {
    return calibration_from_json(*saved);
  } catch (const nlohmann::json::exception&) {
    damaged(path, "its calibration lacks a number");
  }
}

// A broken configuration is damage here, not a mistake of the user.
Config read_configuration(const fs::path& path) {
  try {
    const RegularFile opens(path);  // no FIFO: read_config would wait
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
  const CsvTable environments = read_checked(environment_fields, metadata_entry(file, "environment_fields_sha256"));
  for (const CsvRow& row : environments.rows()) {
    contents.environment_fields.push_back(parse_phase_field(row.cells[environments.column("phases")]));
  }
  contents.members = file.read_all<std::uint32_t>("members.id");
  check_shapes(file, classifier_layout(problem.architecture), contents.members.size());
  if (has_ranking(file)) check_shapes(file, ranking_layout(problem.architecture), contents.members.size());
  contents.run = read_sealed(directory / run_file_name, "train again");
  check_beside(directory, contents.run, file);
  contents.calibration = read_calibration(directory / run_file_name, contents.run);
  contents.diverged_members = diverged_members(file);
  return contents;
}

// The accessibility members of a run.
SafetensorsReader open_accessibility(const fs::path& directory, const SafetensorsReader& members,
                                     const RunContents& contents) {
  const fs::path path = directory / accessibility_file_name;
  if (!fs::exists(path)) damaged(directory, fmt::format("it has no {}", accessibility_file_name));
  SafetensorsReader file(path);
  for (const auto& [key, value] : file.metadata()) {
    if (key == "sha256" || key == "role" || key == diverged_members_key) continue;  // of the file itself
    if (metadata_entry(members, key) != value) {
      damaged(path, fmt::format("it belongs to another run, its {} differs", key));
    }
  }
  if (metadata_entry(file, "role") != accessibility_role) damaged(path, "it does not hold accessibility members");
  check_beside(directory, contents.run, file);
  check_shapes(file, classifier_layout(contents.problem.architecture), file.info("members.id").elements());
  return file;
}

// Sorts the members of a file by whether their numbers are sound: `ids` keeps those that are, their places are
// returned. Throws Error where others are not allowed or none is left.
std::vector<std::size_t> sound_members(const SafetensorsReader& file, const Architecture& architecture, bool ranking,
                                       DamagedMembers damaged, std::vector<std::uint32_t>& ids,
                                       std::vector<std::uint32_t>& left_out) {
  const std::vector<DamagedMember> found = damaged_members(file, architecture, ranking);
  if (!found.empty() && damaged != DamagedMembers::left_out) {
    throw Error(
        fmt::format("{} is damaged (tensor '{}' of member {} has a number that is infinite or none{}): restore it "
                    "from a copy{}",
                    file.path().string(), found.front().tensor, found.front().id,
                    found.size() == 1   ? ""
                    : found.size() == 2 ? ", and another member has"
                                        : fmt::format(", and {} other members have", found.size() - 1),
                    damaged == DamagedMembers::refused_always
                        ? " or train again"
                        : ", train again, or go without such members by --skip-damaged-members"));
  }
  if (!found.empty() && found.size() == ids.size()) {
    throw Error(fmt::format("{} is damaged (no member has finite weights): restore it from a copy or train again",
                            file.path().string()));
  }
  std::vector<std::size_t> places(ids.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  for (const DamagedMember& member : found) {
    left_out.push_back(member.id);
    std::erase(ids, member.id);
    std::erase(places, member.place);
  }
  return places;
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

nlohmann::json checksums_beside(const fs::path& directory, const std::string& members_sha256) {
  nlohmann::json files{{members_file_name, members_sha256},
                       {history_file_name, sha256_file(directory / history_file_name)}};
  if (file_exists(directory / accessibility_file_name)) {
    const SafetensorsReader accessibility(directory / accessibility_file_name, SafetensorsReader::Verify::structure);
    files[accessibility_file_name] = checksum_of(accessibility);
    files[accessibility_history_file_name] = sha256_file(directory / accessibility_history_file_name);
  }
  return files;
}

CsvTable read_file_of_run(const fs::path& run, const RunContents& contents, const char* name) {
  return read_checked(run / name, saved_checksum(run, contents.run, name));
}

nlohmann::json write_run(const fs::path& directory, const Config& config, const PreparedData& data,
                         const std::vector<TrainedMember>& members, nlohmann::json run) {
  const std::vector<const TrainedMember*> ordered = by_id(members);
  write_text(directory / "config.yaml", to_yaml(config));
  write_text(directory / "fields.csv", field_lines(data));
  write_text(directory / "environment_fields.csv", environment_lines(data.matrix.fields));
  write_text(directory / history_file_name, history_csv(ordered));
  MembersDescription description;
  description.architecture = data.problem.architecture;
  description.groups = &data.problem.groups;
  description.ranking = !ordered.empty() && !ordered.front()->ranking.empty();
  description.metadata = {
      {"format", members_format},
      {"format_version", members_format_version},
      {"elements", join_symbols(data.matrix.elements)},
      {"slots", std::to_string(data.problem.fields.slots)},
      {"property", data.table.property},
      {"configuration", configuration_identity(config)},
      {"properties_sha256", data.identity.properties_sha256},
      {"formulas_sha256", data.identity.formulas_sha256},
      {"fields_sha256", sha256_file(directory / "fields.csv")},
      {"environment_fields_sha256", sha256_file(directory / "environment_fields.csv")},
  };
  add_diverged_members(description.metadata, diverged_ids(members));
  // Last: a folder with this file is a finished run.
  write_members_file(directory / members_file_name, description, sources(ordered), [&](const std::string& sha256) {
    run["files"] = checksums_beside(directory, sha256);
    write_text(directory / run_file_name, sealed_text(run));
  });
  return run;
}

std::map<std::string, std::string> accessibility_metadata(const Config& config, const PreparedData& data) {
  return {{"format", members_format},
          {"format_version", members_format_version},
          {"role", accessibility_role},
          {"elements", join_symbols(data.matrix.elements)},
          {"slots", std::to_string(data.problem.fields.slots)},
          {"configuration", configuration_identity(config)},
          {"properties_sha256", data.identity.properties_sha256},
          {"formulas_sha256", data.identity.formulas_sha256}};
}

void write_accessibility(const fs::path& directory, const Config& config, const PreparedData& data,
                         const std::vector<TrainedMember>& members) {
  const std::vector<const TrainedMember*> ordered = by_id(members);
  write_text(directory / accessibility_history_file_name, history_csv(ordered));
  MembersDescription description;
  description.architecture = data.problem.architecture;
  description.groups = &data.problem.groups;
  description.ranking = false;
  description.metadata = accessibility_metadata(config, data);
  add_diverged_members(description.metadata, diverged_ids(members));
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
  if (holds_members(file.read_all<std::uint32_t>("members.id"), diverged_members(file), members)) return;
  throw Error(
      fmt::format("{} holds other members than those of this range: resume with the --member-range it was "
                  "started with, or train into a new folder",
                  path.string()));
}

bool holds_members(std::vector<std::uint32_t> ids, const std::vector<std::uint32_t>& diverged,
                   std::pair<std::uint32_t, std::uint32_t> range) {
  ids.insert(ids.end(), diverged.begin(), diverged.end());
  std::sort(ids.begin(), ids.end());
  std::vector<std::uint32_t> asked(range.second - range.first);
  std::iota(asked.begin(), asked.end(), range.first);
  return ids == asked;
}

Run::Run(fs::path directory, DamagedMembers damaged)
    : directory_(std::move(directory)),
      reader_(open_members(directory_)),
      contents_(read_contents(directory_, reader_)),
      neighbourhood_(ElementSimilarity(contents_.problem.groups, contents_.elements)) {
  for (std::size_t row = 0; row < contents_.training_fields.size(); ++row) {
    neighbourhood_.add(contents_.training_fields[row].field, contents_.problem.labels[row] != 0);
  }
  read_members(damaged);
  if (contents_.config.accessibility.members > 0) read_accessibility(damaged);
}

void Run::read_members(DamagedMembers damaged) {
  places_ = sound_members(reader_, contents_.problem.architecture, has_ranking(reader_), damaged, contents_.members,
                          contents_.damaged_members);
  held_out_errors_ = mean_held_out_errors(reader_, places_, contents_.training_fields.size());
  contents_.reference_errors = reference_errors(held_out_errors_);
}

void Run::read_accessibility(DamagedMembers damaged) {
  accessibility_.emplace(open_accessibility(directory_, reader_, contents_));
  contents_.accessibility_members = accessibility_->read_all<std::uint32_t>("members.id");
  contents_.diverged_accessibility_members = diverged_members(*accessibility_);
  accessibility_places_ = sound_members(*accessibility_, contents_.problem.architecture, false, damaged,
                                        contents_.accessibility_members, contents_.damaged_accessibility_members);
}

std::string Run::checksum() const { return seal_of(contents_.run); }

void Run::load(Engine& engine) const {
  const ParameterLayout classifier = classifier_layout(contents_.problem.architecture);
  const ParameterLayout ranking = ranking_layout(contents_.problem.architecture);
  for (int member = 0; member < members(); ++member) {
    const std::size_t index = places_[static_cast<std::size_t>(member)];
    const std::vector<float> second = has_ranking(reader_) ? read_slab(reader_, ranking, index) : std::vector<float>();
    engine.open_trained(member, read_slab(reader_, classifier, index), second);
  }
  // An engine may want a ranking network of every member.
  const std::vector<float> no_ranking(ranking.size(), 0.0f);
  for (int member = 0; member < accessibility_members(); ++member) {
    const std::size_t index = accessibility_places_[static_cast<std::size_t>(member)];
    engine.open_trained(members() + member, read_slab(*accessibility_, classifier, index), no_ranking);
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
