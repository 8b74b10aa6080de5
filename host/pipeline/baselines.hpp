// Plain predictions of what a fold judges from what it learned from: whoever trains a network should know what can be
// said without one.
#pragma once

#include <vector>

#include "host/pipeline/problem.hpp"

namespace phaseselect {

// For every judged field the share of positives among all fields that the fold learned from. As a call (at least 0.5)
// it is the larger class; equal classes count as positive.
std::vector<float> prevalence(const PreparedData& data, const SplitFold& fold);

// The share of positives among the learned fields that are most like the judged one: of greatest Jaccard similarity,
// elements in common over elements in either. All of equal similarity count; where none has an element in common, all
// do. The "nearest field" of bench/peers/baselines.py.
std::vector<float> nearest_field(const PreparedData& data, const SplitFold& fold);

}  // namespace phaseselect
