// The tables that benches read: the published ones from PHASESELECT_DATA (default ../shared/data beside the source
// tree), otherwise the bundled ones.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace phaseselect {

inline std::optional<std::filesystem::path> published_table(const char* name) {
  const char* folder = std::getenv("PHASESELECT_DATA");
  const std::filesystem::path table =
      (folder != nullptr ? std::filesystem::path(folder)
                         : std::filesystem::path(PHASESELECT_SOURCE_DIR) / "../shared/data") /
      name;
  if (!std::filesystem::exists(table)) return std::nullopt;
  return table;
}

inline std::filesystem::path bench_table(const char* published, const char* bundled) {
  return published_table(published).value_or(std::filesystem::path(PHASESELECT_SOURCE_DIR) / "configs/demo" / bundled);
}

}  // namespace phaseselect
