// Kernel parameters that follow from the model alone; what remains to be filled in is named. One place, so that the
// engine, the benchmarks and the cost table launch the same thing.
#pragma once

#include "kernels/decode.hpp"
#include "kernels/encode.hpp"
#include "kernels/engine/device_model.hpp"
#include "kernels/evaluate.hpp"
#include "kernels/features.hpp"
#include "kernels/field_step.hpp"
#include "kernels/ranking.hpp"

namespace phaseselect::cuda {

// Planned, and nothing but sizes and offsets: what the cost table needs.
FieldStepParams field_step_shape(const Architecture& architecture, const ModelShape& shape, int batch,
                                 std::size_t shared_limit);
RankingStepParams ranking_step_shape(const Architecture& architecture, const ModelShape& shape, int batch,
                                     std::size_t shared_limit);

EvaluateParams evaluate_shape(const Architecture& architecture, const ModelShape& shape, FieldOutput output, int slots,
                              std::size_t shared_limit);
ReconstructionParams reconstruction_shape(const Architecture& architecture, const ModelShape& shape,
                                          std::size_t shared_limit);

// Remaining: update, step, adam.
EncodeParams encode_params(const DeviceModel& model, const Task* tasks, const MemberState* members);
// Remaining: tables, or step, adam and plan.
FeaturesParams features_params(const DeviceModel& model, const Task* tasks, const MemberState* members);
// Remaining: step, adam, losses.
DecodeParams decode_params(const DeviceModel& model, const Task* tasks, const MemberState* members);
// Planned. Remaining: step, order, adam, results, scratch.
FieldStepParams field_step_params(const DeviceModel& model, const Task* tasks, const MemberState* members);
// Planned. Remaining: step, order, results, network.scratch.
RankingStepParams ranking_step_params(const DeviceModel& model, const Task* tasks, const MemberState* members);
// Planned. Remaining: out, stride, scratch.
EvaluateParams evaluate_params(const DeviceModel& model, FieldOutput output, const FieldSelection& selection,
                               const Task* tasks, const MemberState* members);
// Planned. Remaining: out, stride, network.scratch.
ReconstructionParams reconstruction_params(const DeviceModel& model, const FieldSelection& selection, const Task* tasks,
                                           const MemberState* members);

// Bytes of scratch memory that evaluation takes for one field of one member; 0 where all fits in shared memory.
std::size_t evaluation_scratch(const DeviceModel& model, FieldOutput output, int slots);
std::size_t reconstruction_scratch(const DeviceModel& model);

}  // namespace phaseselect::cuda
