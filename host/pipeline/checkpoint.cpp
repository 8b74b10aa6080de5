// Checkpoint file: per member the slabs of its phase ("member.<id>.classifier.weights"), a row of progress.members
// (id, phase, then epochs done, best epoch and finished of each network), a row of progress.best, and its history.
#include "host/pipeline/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <sstream>
#include <unordered_map>

#include "host/io/json_text.hpp"
#include "host/pipeline/members_file.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr const char* format_name = "phaseselect checkpoint";
constexpr const char* format_version = "5";
constexpr std::size_t member_columns = 8;
constexpr std::size_t count_columns = 5;
constexpr std::size_t loss_columns = 4;

std::string slab_name(std::uint32_t id, Network network, Role role) {
  const char* network_name = network == Network::classifier ? "classifier" : "ranking";
  switch (role) {
    case Role::weights:
      return fmt::format("member.{}.{}.weights", id, network_name);
    case Role::first_moment:
      return fmt::format("member.{}.{}.first_moment", id, network_name);
    case Role::second_moment:
      return fmt::format("member.{}.{}.second_moment", id, network_name);
    case Role::best:
      return fmt::format("member.{}.{}.best", id, network_name);
  }
  throw std::logic_error("unknown role");
}

// The network a member in training is at.
Network network_of(const PopulationMember& member) {
  return member.phase == Phase::classifier ? Network::classifier : Network::ranking;
}

std::string errors_name(std::uint32_t id) { return fmt::format("member.{}.held_out_errors", id); }

// A tensor of the file and what writes its bytes.
struct Part {
  TensorInfo info;
  std::function<void(SafetensorsWriter&)> write;
};

template <typename T>
Part part_of(std::string name, TensorType type, std::vector<std::size_t> shape, std::span<const T> values) {
  return {{std::move(name), type, std::move(shape)}, [values](SafetensorsWriter& file) { file.append(values); }};
}

class CheckpointParts {
 public:
  CheckpointParts(const Engine& engine, const Architecture& architecture, const SafetensorsReader* parked)
      : engine_(engine),
        parked_(parked),
        sizes_{classifier_layout(architecture).size(), ranking_layout(architecture).size()} {}

  std::vector<Part> take() { return std::move(parts_); }
  void add(const PopulationMember& member);

 private:
  void add_slab(const PopulationMember& member, Network network, Role role);

  const Engine& engine_;
  const SafetensorsReader* parked_;
  std::array<std::size_t, 2> sizes_;  // by network
  std::vector<Part> parts_;
  std::vector<float> buffer_;
};

void CheckpointParts::add_slab(const PopulationMember& member, Network network, Role role) {
  const std::size_t size = sizes_[network == Network::classifier ? 0 : 1];
  const std::string name = slab_name(member.trained.id, network, role);
  const auto write = [this, slot = member.slot, network, role, size, name](SafetensorsWriter& file) {
    buffer_.resize(size);
    if (slot >= 0) {
      engine_.read(network, role, slot, buffer_);
    } else {
      parked_->read(name, 0, std::as_writable_bytes(std::span(buffer_)));
    }
    file.append(std::span<const float>(buffer_));
  };
  parts_.push_back({{name, TensorType::f32, {size}}, write});
}

void CheckpointParts::add(const PopulationMember& member) {
  const TrainedMember& trained = member.trained;
  if (member.phase == Phase::diverged) return;
  if (member.phase == Phase::finished) {
    const auto add_values = [&](std::string name, const std::vector<float>& values) {
      parts_.push_back(part_of(std::move(name), TensorType::f32, {values.size()}, std::span<const float>(values)));
    };
    add_values(slab_name(trained.id, Network::classifier, Role::weights), trained.classifier);
    add_values(slab_name(trained.id, Network::ranking, Role::weights), trained.ranking);
    add_values(errors_name(trained.id), trained.held_out_errors);
    return;
  }
  const Network network = network_of(member);
  if (network == Network::ranking) add_slab(member, Network::classifier, Role::weights);
  for (const Role role : {Role::weights, Role::first_moment, Role::second_moment}) add_slab(member, network, role);
  if (member.has_best) add_slab(member, network, Role::best);
}

// The small tensors: progress and history of every member that has started.
struct ProgressTables {
  std::vector<std::uint32_t> members;  // [M][member_columns]
  std::vector<double> best;            // [M][2]
  std::vector<std::uint32_t> counts;   // [R][count_columns]: member, network, epoch, held_out_correct, held_out
  std::vector<double> losses;          // [R][loss_columns]: training, autoencoder, penalty, held_out

  void add(const PopulationMember& member);
  void add_parts(std::vector<Part>& parts) const;
};

void ProgressTables::add(const PopulationMember& member) {
  const TrainedMember& trained = member.trained;
  members.insert(members.end(), {trained.id, static_cast<std::uint32_t>(member.phase)});
  for (const StoppingState* stop : {&trained.classifier_stop, &trained.ranking_stop}) {
    members.insert(members.end(), {stop->epochs_done, stop->best_epoch, stop->finished ? 1u : 0u});
    best.push_back(stop->best);
  }
  for (const HistoryRow& row : trained.history) {
    const EpochStatistics& s = row.statistics;
    counts.insert(counts.end(), {row.member, row.network == Network::classifier ? 0u : 1u, row.epoch,
                                 s.held_out_correct, s.held_out});
    losses.insert(losses.end(), {s.training_loss, s.autoencoder_loss, s.penalty, s.held_out_loss});
  }
}

void ProgressTables::add_parts(std::vector<Part>& parts) const {
  const std::size_t rows = counts.size() / count_columns;
  const std::size_t started = best.size() / 2;
  parts.push_back(part_of("progress.best", TensorType::f64, {started, 2}, std::span(best)));
  parts.push_back(part_of("history.losses", TensorType::f64, {rows, loss_columns}, std::span(losses)));
  parts.push_back(part_of("progress.members", TensorType::u32, {started, member_columns}, std::span(members)));
  parts.push_back(part_of("history.counts", TensorType::u32, {rows, count_columns}, std::span(counts)));
}

// The first line in which two texts differ, for the message.
std::string first_difference(const std::string& saved, const std::string& now) {
  std::istringstream a(saved), b(now);
  std::string left, right;
  while (true) {
    const bool more_left = static_cast<bool>(std::getline(a, left));
    const bool more_right = static_cast<bool>(std::getline(b, right));
    if (!more_left) left = "nothing";
    if (!more_right) right = "nothing";
    if (left != right || (!more_left && !more_right)) break;
  }
  const auto trimmed = [](const std::string& line) {
    return line.substr(std::min(line.find_first_not_of(' '), line.size()));
  };
  return fmt::format("it says '{}', this run says '{}'", trimmed(left), trimmed(right));
}

// Empty when the file does not have it.
std::string metadata_entry(const SafetensorsReader& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? std::string() : found->second;
}

std::string identity_entry(const SafetensorsReader& file, const std::string& key) {
  const std::string entry = metadata_entry(file, key);
  return key == "engine" && entry.empty() ? "cpu" : entry;
}

void check_format(const SafetensorsReader& file) {
  if (metadata_entry(file, "format") != format_name) {
    throw Error(fmt::format("{} is not a checkpoint of a training", file.path().string()));
  }
  const std::string version = metadata_entry(file, "format_version");
  if (version != format_version) {
    throw Error(
        fmt::format("{} was written by another version (format {}, this program reads {}): resume with that one",
                    file.path().string(), version, format_version));
  }
}

void check_identity(const SafetensorsReader& file, const std::map<std::string, std::string>& identity) {
  check_format(file);
  for (const auto& [key, value] : identity) {
    const std::string saved = identity_entry(file, key);
    const std::string now = as_utf8(value);  // as it was written
    if (saved != now && key == "calibration") {
      throw Error(
          fmt::format("{} belongs to a run {} calibration, its calibration differs: resume {}", file.path().string(),
                      saved.empty() ? "without a" : "with a",
                      saved.empty() ? "without --calibration" : "with the --calibration that it was begun with"));
    }
    if (saved != now && key.ends_with("_sha256")) {
      throw Error(
          fmt::format("{} was begun with another {}, whose bytes differ: put that one back, or begin afresh in "
                      "a new folder",
                      file.path().string(), key.starts_with("properties") ? "property table" : "table of formulas"));
    }
    if (saved != now) {
      throw Error(
          fmt::format("{} belongs to another run, its {} differs ({}): resume with the configuration and data it "
                      "was started with, or train into a new folder",
                      file.path().string(), key, first_difference(saved, now)));
    }
  }
}

[[noreturn]] void inconsistent(const SafetensorsReader& file, const std::string& reason) {
  throw Error(fmt::format("{} is damaged ({}): restore it from a copy or train into a new folder", file.path().string(),
                          reason));
}

[[noreturn]] void not_finite(const SafetensorsReader& file, const std::string& tensor, std::uint32_t member) {
  inconsistent(file, fmt::format("tensor '{}' of member {} has a number that is infinite or none", tensor, member));
}

std::vector<float> read_finite(const SafetensorsReader& file, const std::string& tensor, std::uint32_t member) {
  std::vector<float> values = file.read_all<float>(tensor);
  if (!all_finite(values)) not_finite(file, tensor, member);
  return values;
}

// Second moments may be infinite: the squares of large gradients are, and the weights stay finite.
bool is_sound(std::span<const float> values, Role role) {
  if (role != Role::second_moment) return all_finite(values);
  return std::none_of(values.begin(), values.end(), [](float value) { return std::isnan(value); });
}

StoppingState read_stop(std::span<const std::uint32_t> row, double best) {
  StoppingState stop;
  stop.epochs_done = row[0];
  stop.best_epoch = row[1];
  stop.finished = row[2] != 0;
  stop.best = best;
  return stop;
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const std::map<std::string, std::string>& identity,
                      const Engine& engine, const Architecture& architecture,
                      const std::vector<PopulationMember>& members, const SafetensorsReader* parked) {
  CheckpointParts slabs(engine, architecture, parked);
  ProgressTables progress;
  for (const PopulationMember& member : members) {
    if (member.phase == Phase::waiting) continue;
    slabs.add(member);
    progress.add(member);
  }
  std::vector<Part> parts = slabs.take();
  progress.add_parts(parts);
  std::vector<TensorInfo> tensors;
  for (const Part& part : parts) tensors.push_back(part.info);
  std::map<std::string, std::string> metadata = identity;
  metadata["format"] = format_name;
  metadata["format_version"] = format_version;
  SafetensorsWriter file(path, tensors, std::move(metadata));
  for (const Part& part : parts) part.write(file);
  file.commit();
}

std::string command_of_checkpoint(const std::filesystem::path& path) {
  const SafetensorsReader file(path, SafetensorsReader::Verify::structure);
  check_format(file);
  return metadata_entry(file, "command");
}

std::string engine_of_checkpoint(const std::filesystem::path& path) {
  const SafetensorsReader file(path, SafetensorsReader::Verify::structure);
  check_format(file);
  return identity_entry(file, "engine");
}

std::string instruction_set_of_checkpoint(const std::filesystem::path& path) {
  const SafetensorsReader file(path, SafetensorsReader::Verify::structure);
  check_format(file);
  return metadata_entry(file, "instruction_set");
}

bool has_progress(const std::filesystem::path& checkpoint) {
  const SafetensorsReader file(checkpoint, SafetensorsReader::Verify::structure);
  check_format(file);
  return file.info("progress.members").elements() > 0;
}

std::unique_ptr<SafetensorsReader> read_checkpoint(const std::filesystem::path& path,
                                                   const std::map<std::string, std::string>& identity,
                                                   std::vector<PopulationMember>& members) {
  auto file = std::make_unique<SafetensorsReader>(path);
  check_identity(*file, identity);
  std::unordered_map<std::uint32_t, PopulationMember*> by_id;
  for (PopulationMember& member : members) by_id[member.trained.id] = &member;
  const auto rows = file->read_all<std::uint32_t>("progress.members");
  const auto best = file->read_all<double>("progress.best");
  const auto counts = file->read_all<std::uint32_t>("history.counts");
  const auto losses = file->read_all<double>("history.losses");
  if (rows.size() / member_columns != best.size() / 2 ||
      counts.size() / count_columns != losses.size() / loss_columns) {
    inconsistent(*file, "its tables have different lengths");
  }
  for (std::size_t i = 0; i < rows.size() / member_columns; ++i) {
    const std::span row = std::span(rows).subspan(i * member_columns, member_columns);
    const auto found = by_id.find(row[0]);
    if (found == by_id.end() || row[1] > static_cast<std::uint32_t>(Phase::diverged)) {
      inconsistent(*file, fmt::format("member {} is not part of this run", row[0]));
    }
    PopulationMember& member = *found->second;
    member.phase = static_cast<Phase>(row[1]);
    member.trained.classifier_stop = read_stop(row.subspan(2, 3), best[2 * i]);
    member.trained.ranking_stop = read_stop(row.subspan(5, 3), best[2 * i + 1]);
    member.trained.diverged = member.phase == Phase::diverged;
    member.has_best = (member.phase == Phase::classifier || member.phase == Phase::ranking) &&
                      file->contains(slab_name(row[0], network_of(member), Role::best));
    if (member.phase == Phase::finished) {
      member.trained.classifier = read_finite(*file, slab_name(row[0], Network::classifier, Role::weights), row[0]);
      member.trained.ranking = read_finite(*file, slab_name(row[0], Network::ranking, Role::weights), row[0]);
      member.trained.held_out_errors = read_finite(*file, errors_name(row[0]), row[0]);
    }
  }
  for (std::size_t i = 0; i < counts.size() / count_columns; ++i) {
    const std::uint32_t* c = &counts[i * count_columns];
    const double* l = &losses[i * loss_columns];
    const auto found = by_id.find(c[0]);
    if (found == by_id.end()) inconsistent(*file, fmt::format("member {} is not part of this run", c[0]));
    found->second->trained.history.push_back({c[0], c[1] == 0 ? Network::classifier : Network::ranking, c[2],
                                              EpochStatistics{l[0], l[1], l[2], l[3], c[3], c[4]}});
  }
  return file;
}

void restore_member(const SafetensorsReader& file, Engine& engine, const Architecture& architecture,
                    const MemberPlan& plan, const PopulationMember& member) {
  std::vector<float> buffer;
  const auto restore = [&](Network network, Role role) {
    buffer.resize(network == Network::classifier ? classifier_layout(architecture).size()
                                                 : ranking_layout(architecture).size());
    const std::string tensor = slab_name(plan.id, network, role);
    file.read(tensor, 0, std::as_writable_bytes(std::span(buffer)));
    if (!is_sound(buffer, role)) not_finite(file, tensor, plan.id);
    engine.write(network, role, member.slot, buffer);
  };
  engine.open(member.slot, plan);
  const Network network = network_of(member);
  if (network == Network::ranking) {
    restore(Network::classifier, Role::weights);
    engine.begin_ranking(std::span(&member.slot, 1));
  }
  for (const Role role : {Role::weights, Role::first_moment, Role::second_moment}) restore(network, role);
  if (member.has_best) {
    engine.keep_best(network, member.slot);  // makes room for it
    restore(network, Role::best);
  }
}

}  // namespace phaseselect
