// What this build is.
#pragma once

#include <string>

namespace phaseselect {

std::string program_version();  // "0.1.0"
std::string program_commit();   // "1a2b3c4d5e6f", or "unknown" outside a git checkout

}  // namespace phaseselect
