// A run with its members in an engine.
#include "host/pipeline/loaded_run.hpp"

#include <fmt/format.h>

#include "host/pipeline/members_file.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {

namespace {

void remark_damaged(const SafetensorsReader& file, const std::vector<std::uint32_t>& damaged,
                    const std::vector<std::uint32_t>& sound, const Execution& execution) {
  if (damaged.empty()) return;
  execution.remark(fmt::format("{}: the weights of members {} are not finite: the results are of the other {} alone",
                               file.path().string(), list_members(damaged), sound.size()));
}

}  // namespace

LoadedRun::LoadedRun(const std::filesystem::path& directory, const Execution& execution)
    : run_(directory, execution.skip_damaged_members ? DamagedMembers::left_out : DamagedMembers::refused),
      slots_(all_slots(run_.members())),
      accessibility_(run_),
      engine_(make_engine(run_.contents().problem, execution, Work::evaluation)) {
  remark_damaged(run_.file(), contents().damaged_members, contents().members, execution);
  if (const SafetensorsReader* file = run_.accessibility_file()) {
    remark_damaged(*file, contents().damaged_accessibility_members, contents().accessibility_members, execution);
  }
  try {
    run_.load(*engine_);
  } catch (const OutOfMemory& error) {
    if (execution.device != Device::automatic) throw;
    engine_.reset();
    Execution on_cpu = execution;
    on_cpu.device = Device::cpu;
    engine_ = make_engine(run_.contents().problem, on_cpu, Work::evaluation);
    execution.note(fmt::format("{}; using {}", without_advice(error.what()), engine_->description()));
    run_.load(*engine_);
  }
}

std::string damaged_comment(const RunContents& contents) {
  std::string text;
  for (const auto& [ids, what] : {std::pair(&contents.damaged_members, "members"),
                                  std::pair(&contents.damaged_accessibility_members, "accessibility members")}) {
    if (!ids->empty())
      text += fmt::format("# without the {} {}, whose weights are damaged\n", what, list_members(*ids));
  }
  return text;
}

void add_damaged_members(nlohmann::json& result, const RunContents& contents) {
  if (!contents.damaged_members.empty()) result["damaged_members"] = contents.damaged_members;
  if (!contents.damaged_accessibility_members.empty()) {
    result["damaged_accessibility_members"] = contents.damaged_accessibility_members;
  }
}

void note_accessibility(const LoadedRun& loaded, const Execution& execution) {
  if (loaded.accessibility().complete()) return;
  const int wanted = loaded.contents().config.accessibility.members;
  if (wanted == 0) {
    execution.note(
        "the run has no accessibility members (accessibility.members: 0): the learned accessibility is empty");
    return;
  }
  execution.note(
      fmt::format("the run has {} of the ensemble's {} accessibility members, which do not cover every fold: "
                  "the learned accessibility is empty until the parts are merged",
                  loaded.run().accessibility_members(), wanted));
}

}  // namespace phaseselect
