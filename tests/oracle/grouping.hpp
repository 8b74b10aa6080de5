// The correspondence between a network on column groups and the same network on single columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/model/parameter_layout.hpp"
#include "tests/oracle/small_problem.hpp"

namespace phaseselect::oracle {

inline Problem without_grouping(const Problem& grouped) {
  Problem problem = grouped;
  problem.groups = ungrouped(grouped.groups);
  problem.architecture.groups = problem.groups.groups();
  return problem;
}

enum class Columns { summed, first };  // what a group's entry is: the sum of its columns, or any one of them

// Ungrouped slab to grouped slab. Weights: `encoder` = summed; moments: first, as every column of a group has the same.
template <typename T>
std::vector<T> grouped_slab(const ParameterLayout& single, const ParameterLayout& grouped,
                            const EnvironmentGroups& groups, const std::vector<T>& slab, Columns encoder) {
  std::vector<T> result(grouped.size(), T(0));
  for (const ParameterBlock& to : grouped.blocks()) {
    const ParameterBlock& from = single[to.name];
    const bool by_row = to.name == "encoder.weights";
    const bool by_column = to.name == "decoder.weights" || to.name == "decoder.bias";
    for (std::size_t i = from.size(); i-- > 0;) {  // backwards: the first column of a group has the last word
      std::size_t row = i / from.columns, column = i % from.columns;
      if (by_row) row = groups.column_group[row];
      if (by_column) column = groups.column_group[column];
      T& target = result[to.offset + row * to.columns + column];
      target = (by_row && encoder == Columns::summed ? target : T(0)) + slab[from.offset + i];
    }
  }
  return result;
}

// Gives all decoder columns of a group the values of the group's first column.
template <typename T>
void tie_decoder(const ParameterLayout& single, const EnvironmentGroups& groups, std::vector<T>& slab) {
  for (const char* name : {"decoder.weights", "decoder.bias"}) {
    const ParameterBlock& block = single[name];
    for (std::size_t row = 0; row < block.rows; ++row) {
      std::vector<const T*> first(groups.multiplicity.size(), nullptr);
      for (std::size_t column = 0; column < block.columns; ++column) {
        T& value = slab[block.offset + row * block.columns + column];
        const T*& source = first[groups.column_group[column]];
        if (source == nullptr) source = &value;
        value = *source;
      }
    }
  }
}

}  // namespace phaseselect::oracle
