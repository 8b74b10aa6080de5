// How decimals are written.
#pragma once

namespace phaseselect {

// comma: 1,5 is one and a half, in amounts beside 1.5.
enum class DecimalMark { point, comma };

}  // namespace phaseselect
