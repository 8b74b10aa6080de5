// What a screening keeps of a candidate; its elements follow from the rank.
#pragma once

#include <cstdint>
#include <limits>

namespace phaseselect {

struct Candidate {
  std::uint64_t rank = 0;  // among the combinations of the chosen elements
  float probability = 0;
  float deviation = 0;
  float error = 0;
  std::uint32_t known = 0;  // flags, see known_fields.hpp
  float accessibility = std::numeric_limits<float>::quiet_NaN();
  float accessibility_deviation = std::numeric_limits<float>::quiet_NaN();
  float calibrated = std::numeric_limits<float>::quiet_NaN();
  float score = 0;  // what it is ranked by
};

// Best first: score descending, then error ascending, then rank. With the raw probability as the score this is the
// order of Engine::best_fields.
bool better(const Candidate& a, const Candidate& b);

}  // namespace phaseselect
