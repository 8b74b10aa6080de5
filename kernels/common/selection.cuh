// Fields of a launch on their way into a block.
#pragma once

#include "kernels/common/attention.cuh"
#include "kernels/evaluate.hpp"

namespace phaseselect::cuda {

struct SelectedFields {
  FieldSelection selection;
  const std::uint32_t* rows;  // null: every field
  int count;                  // of the launch, for this member

  __device__ SelectedFields(const FieldSelection& selection_, const MemberState& member)
      : selection(selection_),
        rows(selection_.rows == FieldRows::all        ? nullptr
             : selection_.rows == FieldRows::training ? member.training
                                                      : member.held_out) {
    const int length = selection.rows == FieldRows::training ? static_cast<int>(member.training_count)
                                                             : static_cast<int>(member.held_out_count);
    count = rows == nullptr ? selection.count : min(selection.count, length - selection.first);
  }
  // Elements of field i of the launch.
  __device__ const std::int16_t* field(int i) const {
    const std::uint32_t at = static_cast<std::uint32_t>(selection.first + i);
    return selection.fields + static_cast<std::size_t>(rows == nullptr ? at : rows[at]) * selection.slots;
  }
};

// Fields first .. first + batch.fields - 1 into the batch's slots; slots beyond the selection's are padding.
// permutation: [slots + 1][slots] by field size, or null for the alphabetical order. Ends with a barrier.
__device__ inline void gather_fields(const SelectedFields& selected, int first, const std::uint8_t* permutation,
                                     int permutation_slots, const FieldBatch& batch) {
  for (int f = static_cast<int>(threadIdx.x); f < batch.fields; f += static_cast<int>(blockDim.x)) {
    const std::int16_t* source = selected.field(first + f);
    std::int16_t* target = batch.element + f * batch.slots;
    int size = 0;
    while (size < selected.selection.slots && source[size] >= 0) ++size;
    for (int i = 0; i < batch.slots; ++i) {
      const int from = permutation == nullptr || i >= size ? i : permutation[size * permutation_slots + i];
      target[i] = i < size ? source[from] : std::int16_t{-1};
    }
  }
  number_rows(batch);
}

}  // namespace phaseselect::cuda
