// Joins member ranges that were trained apart into the run that one process would have written.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "host/io/atomic_folder.hpp"
#include "host/io/output_file.hpp"
#include "host/io/regular_file.hpp"
#include "host/io/sealed_json.hpp"
#include "host/io/utc_time.hpp"
#include "host/pipeline/members_file.hpp"
#include "host/pipeline/run_directory.hpp"
#include "host/pipeline/version.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;
using Runs = std::vector<std::unique_ptr<Run>>;

std::map<std::string, std::string> shared_metadata(const SafetensorsReader& file) {
  std::map<std::string, std::string> metadata = file.metadata();
  metadata.erase("sha256");              // the writer adds its own
  metadata.erase(diverged_members_key);  // of the part
  return metadata;
}

void check_same_ensemble(const Runs& runs) {
  const auto reference = shared_metadata(runs.front()->file());
  for (const auto& run : runs) {
    for (const auto& [key, value] : shared_metadata(run->file())) {
      const auto found = reference.find(key);
      if (found == reference.end() || found->second != value) {
        throw Error(
            fmt::format("{} and {} are not parts of the same ensemble: their {} differs, merge runs of one "
                        "configuration and the same data",
                        runs.front()->file().path().string(), run->file().path().string(), key));
      }
    }
  }
}

// What run.json says of an entry.
std::string text_of(const RunContents& contents, const char* key) {
  const auto entry = contents.run.find(key);
  if (entry == contents.run.end()) return "unknown";
  return entry->is_string() ? entry->get<std::string>() : entry->dump();
}

void check_same_engine(const Runs& runs) {
  const std::string first = text_of(runs.front()->contents(), "engine");
  for (const auto& run : runs) {
    const std::string engine = text_of(run->contents(), "engine");
    if (engine == first) continue;
    throw Error(fmt::format(
        "{} was trained on the engine '{}' and {} on '{}', whose bits differ: train all members on one, or join them "
        "all the same by --mixed-instruction-sets",
        runs.front()->file().path().parent_path().string(), first, run->file().path().parent_path().string(), engine));
  }
}

void check_same_instructions(const Runs& runs) {
  const std::string first = text_of(runs.front()->contents(), "instruction_set");
  for (const auto& run : runs) {
    const std::string instructions = text_of(run->contents(), "instruction_set");
    if (instructions == first) continue;
    throw Error(fmt::format(
        "{} was trained with {} and {} with {}, whose bits differ: train all members on machines of one kind, or join "
        "them all the same by --mixed-instruction-sets",
        runs.front()->file().path().parent_path().string(), first, run->file().path().parent_path().string(),
        instructions));
  }
}

// Members of all parts that were set aside, ascending.
std::vector<std::uint32_t> all_diverged(const Runs& runs, std::vector<std::uint32_t> RunContents::*of_run) {
  std::set<std::uint32_t> ids;
  for (const auto& run : runs) ids.insert((run->contents().*of_run).begin(), (run->contents().*of_run).end());
  return {ids.begin(), ids.end()};
}

void check_divergence(const Runs& runs, std::vector<std::uint32_t> RunContents::*of_run, int members,
                      const char* section) {
  const std::vector<std::uint32_t> ids = all_diverged(runs, of_run);
  if (!too_many_diverged(ids.size(), static_cast<std::size_t>(members))) return;
  throw Error(fmt::format("members {} diverged, more than a tenth of {}: lower {}.learning_rate and train again",
                          list_members(ids), members, section));
}

// The file of a run that holds members of one kind.
using FileOf = const SafetensorsReader& (*)(const Run&);
const SafetensorsReader& ensemble_file(const Run& run) { return run.file(); }
const SafetensorsReader& accessibility_file(const Run& run) { return *run.accessibility_file(); }

std::vector<MemberSource> all_members(const Runs& runs, FileOf file_of) {
  std::map<std::uint32_t, std::pair<const SafetensorsReader*, MemberSource>> by_id;
  for (const auto& run : runs) {
    const SafetensorsReader& file = file_of(*run);
    for (MemberSource& member : member_sources(file)) {
      const std::uint32_t id = member.id;
      const auto [earlier, is_new] = by_id.emplace(id, std::pair(&file, std::move(member)));
      if (!is_new) {
        throw Error(fmt::format("member {} is in both {} and {}: merge runs of different members", id,
                                earlier->second.first->path().string(), file.path().string()));
      }
    }
  }
  std::vector<MemberSource> members;
  for (auto& [id, entry] : by_id) members.push_back(std::move(entry.second));
  return members;
}

// The lines of all histories, member by member.
std::string merged_history(const std::vector<fs::path>& paths, const Runs& runs, const char* file) {
  std::map<std::uint32_t, std::string> lines;
  std::string header;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const CsvTable table = read_file_of_run(paths[i], runs[i]->contents(), file);
    const auto line = [](const std::vector<std::string_view>& cells) {
      std::string text;
      for (const std::string_view cell : cells) text += (text.empty() ? "" : ",") + std::string(cell);
      return text + "\n";
    };
    header = line(table.header());
    const std::size_t column = table.column("member");
    for (const CsvRow& row : table.rows()) {
      const auto member = parse_number(row.cells[column]);
      if (!member || *member < 0) {
        throw Error(fmt::format("{}:{}: '{}' is no member: restore the file from a copy", table.path().string(),
                                row.line, row.cells[column]));
      }
      lines[static_cast<std::uint32_t>(*member)] += line(row.cells);
    }
  }
  std::string text = header;
  for (const auto& [member, rows] : lines) text += rows;
  return text;
}

// Members of the ensemble that no run has.
std::vector<std::uint32_t> missing_members(const Runs& runs) {
  std::set<std::uint32_t> there;
  for (const auto& run : runs) {
    for (const auto* ids : {&run->contents().members, &run->contents().diverged_members}) {
      there.insert(ids->begin(), ids->end());
    }
  }
  std::vector<std::uint32_t> missing;
  const auto all = static_cast<std::uint32_t>(runs.front()->contents().config.ensemble.members);
  for (std::uint32_t id = 0; id < all; ++id) {
    if (there.count(id) == 0) missing.push_back(id);
  }
  return missing;
}

nlohmann::json describe_part(const fs::path& path, const RunContents& contents) {
  nlohmann::json part = {{"run", path.string()}, {"members", contents.members}};
  for (const char* key :
       {"engine", "instruction_set", "device", "version", "commit", "created", "resumed", "calibration"}) {
    if (contents.run.contains(key)) part[key] = contents.run.at(key);
  }
  return part;
}

// Without the folder of the validation, which may be named in many ways.
nlohmann::json calibration_of(const Run& run) {
  nlohmann::json calibration = run.contents().run.value("calibration", nlohmann::json());
  if (calibration.is_object()) calibration.erase("validation");
  return calibration;
}

// What all runs say of an entry; "mixed" where they differ.
std::string common_text(const Runs& runs, const char* key) {
  const std::string first = text_of(runs.front()->contents(), key);
  const bool differ =
      std::any_of(runs.begin(), runs.end(), [&](const auto& run) { return text_of(run->contents(), key) != first; });
  return differ ? "mixed" : first;
}

bool calibrations_differ(const Runs& runs) {
  return std::any_of(runs.begin(), runs.end(),
                     [&](const auto& run) { return calibration_of(*run) != calibration_of(*runs.front()); });
}

// run.json of the whole: means weighted by members, times added. What is true of one part only is said of that part.
nlohmann::json merged_description(const std::vector<fs::path>& paths, const Runs& runs) {
  nlohmann::json merged = runs.front()->contents().run;
  nlohmann::json parts = nlohmann::json::array();
  std::map<std::string, double> metrics, timings;
  std::size_t members = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const RunContents& contents = runs[i]->contents();
    members += contents.members.size();
    parts.push_back(describe_part(paths[i], contents));
    const auto weight = static_cast<double>(contents.members.size());
    const nlohmann::json run_metrics = contents.run.value("metrics", nlohmann::json::object());
    for (const auto& [key, value] : run_metrics.items()) {
      if (value.is_number()) metrics[key] += weight * value.get<double>();
    }
    const nlohmann::json run_timings = contents.run.value("timings", nlohmann::json::object());
    for (const auto& [key, value] : run_timings.items()) {
      if (value.is_number()) timings[key] += value.get<double>();
    }
  }
  for (auto& [key, value] : metrics) value /= static_cast<double>(members);
  for (const char* key : {"member_range", "resumed", "files", diverged_members_key}) merged.erase(key);
  if (const auto ids = all_diverged(runs, &RunContents::diverged_members); !ids.empty()) {
    merged[diverged_members_key] = ids;
  }
  if (calibrations_differ(runs)) merged["calibration"] = nullptr;
  for (const char* key : {"engine", "instruction_set"}) merged[key] = common_text(runs, key);
  merged["version"] = program_version();
  merged["commit"] = program_commit();
  merged["created"] = now_utc();
  merged["members"] = members;
  if (merged.contains("accessibility")) {
    std::size_t accessibility = 0;
    for (const auto& run : runs) accessibility += run->contents().accessibility_members.size();
    merged["accessibility"]["members"] = accessibility;
    merged["accessibility"].erase("member_range");
    merged["accessibility"].erase(diverged_members_key);
    if (const auto ids = all_diverged(runs, &RunContents::diverged_accessibility_members); !ids.empty()) {
      merged["accessibility"][diverged_members_key] = ids;
    }
  }
  merged["missing_members"] = missing_members(runs);
  merged["metrics"] = metrics;
  merged["timings"] = timings;
  merged["merged"] = parts;
  return merged;
}

// Ranges that do not overlap have accessibility members that do not either.
void write_merged_accessibility(const std::vector<fs::path>& paths, const Runs& runs, const fs::path& directory) {
  const RunContents& first = runs.front()->contents();
  write_text(directory / accessibility_history_file_name, merged_history(paths, runs, accessibility_history_file_name));
  MembersDescription description;
  description.architecture = first.problem.architecture;
  description.groups = &first.problem.groups;
  description.ranking = false;
  description.metadata = shared_metadata(*runs.front()->accessibility_file());
  add_diverged_members(description.metadata, all_diverged(runs, &RunContents::diverged_accessibility_members));
  write_members_file(directory / accessibility_file_name, description, all_members(runs, accessibility_file));
}

void write_merged(const std::vector<fs::path>& paths, const Runs& runs, const fs::path& directory) {
  const RunContents& first = runs.front()->contents();
  write_text(directory / "config.yaml", to_yaml(first.config));
  for (const char* name : {"fields.csv", "environment_fields.csv"}) {
    write_text(directory / name, read_regular_file(paths.front() / name, std::uint64_t{1} << 32));
  }
  write_text(directory / history_file_name, merged_history(paths, runs, history_file_name));
  if (first.config.accessibility.members > 0) write_merged_accessibility(paths, runs, directory);
  MembersDescription description;
  description.architecture = first.problem.architecture;
  description.groups = &first.problem.groups;
  description.ranking = runs.front()->file().contains("ranking.input_mean");
  description.metadata = shared_metadata(runs.front()->file());
  add_diverged_members(description.metadata, all_diverged(runs, &RunContents::diverged_members));
  write_members_file(directory / members_file_name, description, all_members(runs, ensemble_file),
                     [&](const std::string& sha256) {
                       nlohmann::json run = merged_description(paths, runs);
                       run["files"] = checksums_beside(directory, sha256);
                       write_text(directory / run_file_name, sealed_text(std::move(run)));
                     });
}

}  // namespace

Merged merge_runs(const std::vector<fs::path>& paths, const fs::path& directory, bool mixed_instruction_sets) {
  if (paths.empty()) throw UsageError("merge: give at least one run");
  if (fs::exists(directory)) {
    throw UsageError(fmt::format("{} exists: name a folder that does not, or remove it", directory.string()));
  }
  Runs runs;
  for (const fs::path& path : paths) runs.push_back(std::make_unique<Run>(path, DamagedMembers::refused_always));
  check_same_ensemble(runs);
  if (!mixed_instruction_sets) {
    check_same_engine(runs);
    check_same_instructions(runs);
  }
  const Config& config = runs.front()->contents().config;
  check_divergence(runs, &RunContents::diverged_members, config.ensemble.members, "training");
  check_divergence(runs, &RunContents::diverged_accessibility_members, config.accessibility.members, "accessibility");
  all_members(runs, ensemble_file);  // refuses repeated members before anything is written
  make_folders((directory.has_filename() ? directory : directory.parent_path()).parent_path());
  AtomicFolder folder(directory);
  write_merged(paths, runs, folder.unfinished());
  folder.commit();
  return {missing_members(runs), all_diverged(runs, &RunContents::diverged_members), calibrations_differ(runs)};
}

}  // namespace phaseselect
