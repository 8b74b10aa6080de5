// What this build is, from the build system.
#include "host/pipeline/version.hpp"

namespace phaseselect {

std::string program_version() { return PHASESELECT_VERSION; }
std::string program_commit() { return PHASESELECT_COMMIT; }

}  // namespace phaseselect
