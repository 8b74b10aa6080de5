// members.safetensors: every parameter as one tensor [member][rows][columns], the environment groups, and what each
// member held out. A pure function of configuration, data and members: nothing of machine, time or the way they were
// trained.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "phaseselect/config/config.hpp"
#include "phaseselect/engine/engine.hpp"
#include "phaseselect/model/safetensors.hpp"

namespace phaseselect {

inline constexpr const char* members_file_name = "members.safetensors";
inline constexpr const char* members_format = "phaseselect members";
inline constexpr const char* members_format_version = "5";

// One member on its way into the file.
struct MemberSource {
  std::uint32_t id = 0;
  std::vector<std::uint32_t> held_out;
  std::vector<float> held_out_errors;  // beside held_out, or empty
  // Reads one block of the member's weights.
  std::function<void(Network, const ParameterBlock&, std::span<float>)> read;
};

// What all members share. `ranking`: the members have a ranking network.
struct MembersDescription {
  Architecture architecture;
  const EnvironmentGroups* groups = nullptr;
  bool ranking = true;
  std::map<std::string, std::string> metadata;
};

// Members in ascending order of their ids. Holds one block in memory at a time. `before` is called with the file's
// checksum when all is written and the file does not have its name yet.
void write_members_file(const std::filesystem::path& path, const MembersDescription& description,
                        const std::vector<MemberSource>& members,
                        const std::function<void(const std::string& sha256)>& before = {});

// Shape of a parameter's tensor: biases and scalers are [members][columns], kernels [members][rows][columns].
std::vector<std::size_t> tensor_shape(const ParameterBlock& block, std::size_t members);

// The configuration as it identifies results: resolved, with the names of the tables but not their folders.
std::string configuration_identity(const Config& config);

// Ids in ascending order as people write them: "0-2, 5".
std::string list_members(std::span<const std::uint32_t> ids);

// The members of a file as sources for another one; the reader must outlive them.
std::vector<MemberSource> member_sources(const SafetensorsReader& file);

// A member some of whose numbers are infinite or no numbers, and a tensor that has one.
struct DamagedMember {
  std::size_t place = 0;  // in the file
  std::uint32_t id = 0;
  std::string tensor;
};
// In the order of the file. Reads all the weights and held-out errors.
std::vector<DamagedMember> damaged_members(const SafetensorsReader& file, const Architecture& architecture,
                                           bool ranking);

// Whether every one is a finite number.
bool all_finite(std::span<const float> values);

// Members that diverged in training and are not in the file, ascending; metadata "diverged_members".
inline constexpr const char* diverged_members_key = "diverged_members";
std::vector<std::uint32_t> diverged_members(const SafetensorsReader& file);
// The same as metadata: nothing is added where none diverged.
void add_diverged_members(std::map<std::string, std::string>& metadata, std::span<const std::uint32_t> ids);

// The groups a file was trained with (without column_group, which only the initial draw needs).
EnvironmentGroups read_groups(const SafetensorsReader& file, int elements);

}  // namespace phaseselect
