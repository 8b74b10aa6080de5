// The time of day as run.json says it.
#pragma once

#include <string>

namespace phaseselect {

std::string now_utc();  // "2024-05-06T07:08:09Z"

}  // namespace phaseselect
