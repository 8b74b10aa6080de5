// Where the real tables are, for tests that use them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace phaseselect {

// PHASESELECT_DATA, or ../shared/data beside the source tree.
inline std::filesystem::path real_data() {
  const char* folder = std::getenv("PHASESELECT_DATA");
  return folder != nullptr ? std::filesystem::path(folder)
                           : std::filesystem::path(PHASESELECT_SOURCE_DIR) / "../shared/data";
}

}  // namespace phaseselect

// Skips the test visibly when `file` is not there.
#define PHASESELECT_NEEDS_DATA(file)                                                              \
  if (!std::filesystem::exists(::phaseselect::real_data() / (file)))                              \
  GTEST_SKIP() << "real table " << (::phaseselect::real_data() / (file)) << " is not available; " \
               << "set PHASESELECT_DATA to the folder that has it"
