// Elements that --elements and --exclude name.
#pragma once

#include <string>
#include <vector>

#include "host/pipeline/commands.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/chemistry/element.hpp"

namespace phaseselect {

enum class Unmodelled { refused, remarked };

// Each text names elements in any notation of a phase field (symbols between commas, blanks or dashes, formulas), and
// groups (@radioactive, see element_group). The elements in alphabetical order, each once; those that the run does not
// model are left out and said, or refused where they are named themselves. Throws UsageError, naming the option, for
// what is neither element nor group.
std::vector<Element> chosen_elements(const std::vector<std::string>& texts, const ElementRows& rows,
                                     const std::string& option, Unmodelled unmodelled, const Execution& execution);

}  // namespace phaseselect
