// The tables that benches read: the published ones from PHASESELECT_DATA (default ../shared/data beside the source
// tree), otherwise the bundled ones.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace phaseselect {

inline std::filesystem::path bench_table(const char* published, const char* bundled) {
  const std::filesystem::path source = PHASESELECT_SOURCE_DIR;
  const char* folder = std::getenv("PHASESELECT_DATA");
  const std::filesystem::path real =
      (folder != nullptr ? std::filesystem::path(folder) : source / "../shared/data") / published;
  return std::filesystem::exists(real) ? real : source / "configs/demo" / bundled;
}

}  // namespace phaseselect
