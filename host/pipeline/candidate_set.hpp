// The candidates of a screening: every combination of the chosen elements, in lexicographic order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/pipeline/commands.hpp"
#include "host/pipeline/run_directory.hpp"

namespace phaseselect {

struct CandidateSet {
  int arity = 0;
  std::vector<Element> elements;   // chosen, alphabetical
  std::vector<std::int16_t> rows;  // their rows of the matrix
  std::uint64_t count = 0;         // C(elements, arity)

  PhaseField field(std::uint64_t rank) const;
};

// Throws UsageError for an arity that the model or the elements do not allow, and as chosen_elements does.
CandidateSet choose_candidates(const ScreenRequest& request, const RunContents& contents, const Execution& execution);

}  // namespace phaseselect
