// The candidates of a screening.
#include "host/pipeline/candidate_set.hpp"

#include <fmt/format.h>

#include "host/pipeline/element_choice.hpp"
#include "phaseselect/data/candidates.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
PhaseField CandidateSet::field(std::uint64_t rank) const {
  std::vector<int> combination(static_cast<std::size_t>(arity));
  unrank_combination(rank, static_cast<int>(elements.size()), combination);
  std::vector<Element> chosen;
  chosen.reserve(combination.size());
  for (const int index : combination) chosen.push_back(elements[static_cast<std::size_t>(index)]);
  return PhaseField(std::move(chosen));
}

CandidateSet choose_candidates(const ScreenRequest& request, const RunContents& contents, const Execution& execution) {
  const int slots = contents.problem.architecture.slots;
  if (request.arity < 1 || request.arity > slots) {
    throw UsageError(
        fmt::format("--arity: {} is not possible, this model judges fields of 1 to {} elements", request.arity, slots));
  }
  const ElementRows rows(contents.elements);
  CandidateSet set;
  set.arity = request.arity;
  set.elements = request.elements.empty()
                     ? contents.elements
                     : chosen_elements(request.elements, rows, "--elements", Unmodelled::refused, execution);
  for (const Element element : chosen_elements(request.exclude, rows, "--exclude", Unmodelled::remarked, execution)) {
    std::erase(set.elements, element);
  }
  const int chosen = static_cast<int>(set.elements.size());
  if (chosen < request.arity) {
    throw UsageError(
        fmt::format("there is no candidate: {} elements are left after --elements and --exclude, and "
                    "fields of {} need at least as many",
                    chosen, request.arity));
  }
  for (const Element element : set.elements) set.rows.push_back(static_cast<std::int16_t>(rows.row(element)));
  set.count = binomial(chosen, request.arity);
  return set;
}

}  // namespace phaseselect
