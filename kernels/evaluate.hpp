// What members say of fields, dropout off: probabilities, field vectors, attention.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/common/member.hpp"
#include "kernels/common/place.hpp"
#include "kernels/runtime/runtime.hpp"

namespace phaseselect::cuda {

// Which fields a launch is about. Member t's field i is row rows[i] of `fields`, where rows is null (i itself), or the
// member's own list of training or held-out rows.
enum class FieldRows { all, training, held_out };

struct FieldSelection {
  const std::int16_t* fields = nullptr;  // [..][slots] rows of elements in ascending order, then -1
  int slots = 0;                         // of `fields`, at most the model's
  FieldRows rows = FieldRows::all;
  int first = 0;  // index of the first field of the launch in the list
  int count = 0;  // fields of the launch, at most; a member's list may end earlier
};

enum class FieldOutput { probability, representation, attention };

struct EvaluatePlan {
  int fields = 0;  // of one block
  Place element, size, first_row, row_field, largest, total, context, flat, pooled;
  Place hidden[2];
  unsigned threads = 0;
  std::size_t shared_bytes = 0;
  std::size_t scratch_bytes = 0;
};

// The tables of the members (MemberState::h and tables) must be current.
struct EvaluateParams {
  FieldOutput output = FieldOutput::probability;
  FieldSelection selection;
  int slots = 0;  // that a field fills in the classifier's input: selection.slots; the model's for representations and
                  // without a mask
  int layers = 0;
  const DenseLayer* dense = nullptr;  // [layers], the last one gives the logit
  AttentionShape attention;
  int orders = 1;                              // prediction orders, averaged
  const std::uint8_t* permutations = nullptr;  // [orders][slots of the model + 1][slots of the model], by field size
  int permutation_slots = 0;                   // slots of the model
  const Task* tasks = nullptr;
  const MemberState* members = nullptr;
  // probability: [tasks][stride]; representation: [tasks][stride][field width]; attention:
  // [tasks][stride][selection.slots]
  float* out = nullptr;
  int stride = 0;
  std::byte* scratch = nullptr;  // [blocks][plan.scratch_bytes]
  EvaluatePlan plan;
};

// Chooses the fields of a block and places its arrays.
void plan_evaluate(EvaluateParams& params, std::span<const DenseLayer> dense, std::size_t shared_limit);
// Blocks of a launch: what scratch must be there for.
std::size_t evaluate_blocks(const EvaluateParams& params, int tasks);
void evaluate(Stream& stream, const EvaluateParams& params, int tasks);

}  // namespace phaseselect::cuda
