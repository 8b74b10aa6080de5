// Tensors: parameters by name; members.id [M]; held_out.offsets [M + 1] into held_out.rows and held_out.errors;
// environments.offsets [G + 1], .rows, .multiplicity [G].
#include "host/pipeline/members_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <sstream>

#include "host/io/json_text.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

struct NamedBlock {
  Network network;
  ParameterBlock block;
};

std::vector<NamedBlock> all_blocks(const Architecture& architecture, bool ranking) {
  std::vector<NamedBlock> blocks;
  const ParameterLayout classifier = classifier_layout(architecture);
  for (const ParameterBlock& block : classifier.blocks()) blocks.push_back({Network::classifier, block});
  if (!ranking) return blocks;
  const ParameterLayout second = ranking_layout(architecture);
  for (const ParameterBlock& block : second.blocks()) blocks.push_back({Network::ranking, block});
  return blocks;
}

// What the members held out, end to end.
struct HeldOut {
  std::vector<std::uint32_t> ids;
  std::vector<std::uint32_t> offsets{0};
  std::vector<std::uint32_t> rows;
  std::vector<float> errors;
};

HeldOut join(const std::vector<MemberSource>& members) {
  HeldOut held_out;
  for (const MemberSource& member : members) {
    held_out.ids.push_back(member.id);
    held_out.rows.insert(held_out.rows.end(), member.held_out.begin(), member.held_out.end());
    held_out.errors.insert(held_out.errors.end(), member.held_out_errors.begin(), member.held_out_errors.end());
    held_out.offsets.push_back(static_cast<std::uint32_t>(held_out.rows.size()));
  }
  return held_out;
}

}  // namespace

std::vector<std::size_t> tensor_shape(const ParameterBlock& block, std::size_t members) {
  if (block.name.ends_with(".weights")) return {members, block.rows, block.columns};
  return {members, block.size()};
}

std::string configuration_identity(const Config& config) {
  Config copy = config;
  copy.data.properties = copy.data.properties.filename();
  copy.environments.formulas = copy.environments.formulas.filename();
  return as_utf8(to_yaml(copy));  // as it comes back from the metadata of a file
}

std::string list_members(std::span<const std::uint32_t> ids) {
  std::string text;
  for (std::size_t first = 0, last = 0; first < ids.size(); first = last + 1) {
    last = first;
    while (last + 1 < ids.size() && ids[last + 1] == ids[last] + 1) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", ids[first]);
    if (last > first) text += fmt::format("-{}", ids[last]);
  }
  return text;
}

void write_members_file(const std::filesystem::path& path, const MembersDescription& description,
                        const std::vector<MemberSource>& members,
                        const std::function<void(const std::string& sha256)>& before) {
  const EnvironmentGroups& groups = *description.groups;
  const std::vector<NamedBlock> blocks = all_blocks(description.architecture, description.ranking);
  const HeldOut held_out = join(members);
  const std::vector<std::int16_t> group_rows(groups.rows.begin(), groups.rows.end());

  std::vector<TensorInfo> tensors;
  for (const NamedBlock& named : blocks) {
    tensors.push_back({named.block.name, TensorType::f32, tensor_shape(named.block, members.size())});
  }
  tensors.push_back({"held_out.errors", TensorType::f32, {held_out.errors.size()}});
  tensors.push_back({"held_out.offsets", TensorType::u32, {held_out.offsets.size()}});
  tensors.push_back({"held_out.rows", TensorType::u32, {held_out.rows.size()}});
  tensors.push_back({"members.id", TensorType::u32, {held_out.ids.size()}});
  tensors.push_back({"environments.offsets", TensorType::u32, {groups.offsets.size()}});
  tensors.push_back({"environments.multiplicity", TensorType::u32, {groups.multiplicity.size()}});
  tensors.push_back({"environments.rows", TensorType::i16, {group_rows.size()}});

  SafetensorsWriter file(path, tensors, description.metadata);
  std::vector<float> buffer;
  for (const NamedBlock& named : blocks) {
    buffer.resize(named.block.size());
    for (const MemberSource& member : members) {
      member.read(named.network, named.block, buffer);
      file.append(std::span<const float>(buffer));
    }
  }
  file.append(std::span(held_out.errors));
  file.append(std::span(held_out.offsets));
  file.append(std::span(held_out.rows));
  file.append(std::span(held_out.ids));
  file.append(std::span(groups.offsets));
  file.append(std::span(groups.multiplicity));
  file.append(std::span(group_rows));
  const std::string sha256 = file.seal();
  if (before) before(sha256);
  file.commit();
}

std::vector<MemberSource> member_sources(const SafetensorsReader& file) {
  const auto ids = file.read_all<std::uint32_t>("members.id");
  const auto offsets = file.read_all<std::uint32_t>("held_out.offsets");
  const auto rows = file.read_all<std::uint32_t>("held_out.rows");
  const auto errors = file.read_all<float>("held_out.errors");
  const bool has_errors = !errors.empty();
  if (offsets.size() != ids.size() + 1 || offsets.front() != 0 || offsets.back() != rows.size() ||
      !std::is_sorted(offsets.begin(), offsets.end()) || (has_errors && errors.size() != rows.size())) {
    throw Error(fmt::format("{} is damaged (its held-out rows do not fit its members): restore it from a copy",
                            file.path().string()));
  }
  std::vector<MemberSource> members;
  for (std::size_t m = 0; m < ids.size(); ++m) {
    const auto part = [&](const auto& values) {
      using Values = std::decay_t<decltype(values)>;
      return Values(values.begin() + offsets[m], values.begin() + offsets[m + 1]);
    };
    const auto read = [&file, m](Network, const ParameterBlock& block, std::span<float> out) {
      file.read(block.name, m * block.size() * sizeof(float), std::as_writable_bytes(out));
    };
    members.push_back({ids[m], part(rows), has_errors ? part(errors) : std::vector<float>(), read});
  }
  return members;
}

bool all_finite(std::span<const float> values) {
  constexpr std::uint32_t exponent = 0x7f800000;
  std::uint32_t found = 0;  // without a branch: files of gigabytes are looked through
  for (const float value : values)
    found |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(value) & exponent) == exponent);
  return found == 0;
}

std::vector<DamagedMember> damaged_members(const SafetensorsReader& file, const Architecture& architecture,
                                           bool ranking) {
  const std::vector<MemberSource> members = member_sources(file);
  std::vector<std::string> tensors(members.size());  // the first of each that is damaged
  std::vector<float> buffer;
  for (const NamedBlock& named : all_blocks(architecture, ranking)) {
    buffer.resize(named.block.size());
    for (std::size_t m = 0; m < members.size(); ++m) {
      members[m].read(named.network, named.block, buffer);
      if (tensors[m].empty() && !all_finite(buffer)) tensors[m] = named.block.name;
    }
  }
  std::vector<DamagedMember> damaged;
  for (std::size_t m = 0; m < members.size(); ++m) {
    if (tensors[m].empty() && !all_finite(members[m].held_out_errors)) tensors[m] = "held_out.errors";
    if (!tensors[m].empty()) damaged.push_back({m, members[m].id, tensors[m]});
  }
  return damaged;
}

std::vector<std::uint32_t> diverged_members(const SafetensorsReader& file) {
  std::vector<std::uint32_t> ids;
  const auto found = file.metadata().find(diverged_members_key);
  if (found == file.metadata().end()) return ids;
  std::istringstream text(found->second);
  for (std::uint32_t id = 0; text >> id;) ids.push_back(id);
  if (!text.eof() || !std::is_sorted(ids.begin(), ids.end())) {
    throw Error(fmt::format("{} is damaged (its {} are no list of members): restore it from a copy",
                            file.path().string(), diverged_members_key));
  }
  return ids;
}

void add_diverged_members(std::map<std::string, std::string>& metadata, std::span<const std::uint32_t> ids) {
  if (!ids.empty()) metadata[diverged_members_key] = fmt::format("{}", fmt::join(ids, " "));
}

EnvironmentGroups read_groups(const SafetensorsReader& file, int elements) {
  EnvironmentGroups groups;
  groups.elements = elements;
  groups.offsets = file.read_all<std::uint32_t>("environments.offsets");
  groups.multiplicity = file.read_all<std::uint32_t>("environments.multiplicity");
  const auto rows = file.read_all<std::int16_t>("environments.rows");
  bool sound = groups.offsets.size() == groups.multiplicity.size() + 1 && groups.offsets.front() == 0 &&
               groups.offsets.back() == rows.size() && std::is_sorted(groups.offsets.begin(), groups.offsets.end());
  for (const std::int16_t row : rows) {
    sound = sound && row >= 0 && row < elements;
    groups.rows.push_back(static_cast<std::uint16_t>(row));
  }
  if (!sound) {
    throw Error(fmt::format("{} is damaged (its environment groups are inconsistent): restore it from a copy",
                            file.path().string()));
  }
  for (const std::uint32_t multiplicity : groups.multiplicity) groups.environments += multiplicity;
  return groups;
}

}  // namespace phaseselect
