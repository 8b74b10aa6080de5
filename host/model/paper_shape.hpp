// The shape of the paper's superconductors: the published tables, grouped exactly, and the model of
// configs/paper/superconductors.yaml.
#pragma once

#include <cstddef>

#include "phaseselect/model/architecture.hpp"

namespace phaseselect::paper_shape {

inline constexpr int elements = 87, groups = 10423, slots = 8, batch = 16;
inline constexpr unsigned environments = 63384;
inline constexpr double ones = 82852;                                                     // of the grouped matrix
inline constexpr double elements_of_field = 3.6;                                          // on average
inline constexpr std::size_t fields_of_size[] = {70, 875, 1492, 653, 601, 401, 115, 12};  // 4,219 in all

inline Architecture architecture() {
  Architecture paper;
  paper.elements = elements;
  paper.groups = groups;
  paper.environments = environments;
  paper.slots = slots;
  paper.features = 20;
  paper.heads = 8;
  paper.key_dim = 2;
  paper.hidden = {80, 80, 80, 20};
  paper.dropout = 0.5;
  paper.l1 = 0.03;
  paper.l2 = 1e-4;
  paper.ranking_dropout = 0.1;
  return paper;
}

}  // namespace phaseselect::paper_shape
