// Evaluation of fields by members, and the ensemble's statistics of them, in bounded device memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/engine/launches.hpp"
#include "kernels/engine/members.hpp"

namespace phaseselect::cuda {

class Evaluator {
 public:
  Evaluator(const DeviceModel& model, Stream& stream) : model_(model), stream_(stream) {}

  // The members' tables must be current. out: [slots][fields][values of the output].
  void outputs(FieldOutput output, std::span<const Slot> slots, FieldView fields, const MemberState* members,
               std::span<float> out);
  void reconstruction_errors(std::span<const Slot> slots, FieldView fields, const MemberState* members,
                             std::span<float> out);
  std::vector<FieldStatistics> ensemble_statistics(std::span<const Slot> slots, FieldView fields,
                                                   const MemberState* members);
  BestFields best_fields(std::span<const Slot> slots, FieldView fields, std::size_t top, const MemberState* members);
  // The ranking scaler of members that have just begun ranking, from their training rows' field vectors.
  void fit_scalers(std::span<const Slot> slots, const MemberState* members, std::uint32_t most_training);

 private:
  // Values of one chunk of fields, [tasks][count][values], left on the device.
  void evaluate_chunk(FieldOutput output, const FieldSelection& selection, int tasks, const MemberState* members,
                      DeviceBuffer<float>& out);
  void reconstruct_chunk(const FieldSelection& selection, int tasks, const MemberState* members,
                         DeviceBuffer<float>& out);
  FieldSelection upload_fields(FieldView fields);
  template <typename Evaluate>
  void in_chunks(std::span<const Slot> slots, FieldView fields, std::size_t values, std::size_t scratch,
                 std::span<float> out, Evaluate evaluate);
  struct Keys {
    std::uint64_t* keys = nullptr;
    std::uint32_t* positions = nullptr;
    float* errors = nullptr;
  };
  void statistics_on_device(std::span<const Slot> slots, FieldView fields, const MemberState* members,
                            const Keys& keys);

  const DeviceModel& model_;
  Stream& stream_;
  DeviceBuffer<Task> tasks_;
  DeviceBuffer<std::int16_t> fields_;
  DeviceBuffer<float> values_, errors_;
  DeviceBuffer<std::byte> scratch_;
  DeviceBuffer<FieldStatistics> statistics_;
};

}  // namespace phaseselect::cuda
