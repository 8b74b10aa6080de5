// Epochs of many members at once. An epoch is one graph: sample order, every step's kernels for all tasks, evaluation
// of the held-out rows, statistics, their copy to the host. The host does nothing between its first and last step. A
// graph is recorded once and launched every epoch; it is recorded anew when the number of tasks (rounded up, so that
// members that leave one by one do not cause it each time) or the lengths of the members' lists change.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/engine/launches.hpp"
#include "kernels/engine/members.hpp"
#include "kernels/runtime/device_algorithms.hpp"

namespace phaseselect::cuda {

// What a recorded graph depends on.
struct EpochShape {
  int tasks = 0;
  std::uint32_t most_training = 0;
  std::uint32_t most_held_out = 0;
  const MemberState* members = nullptr;
  friend bool operator==(const EpochShape&, const EpochShape&) = default;
};

class EpochRunner {
 public:
  EpochRunner(const DeviceModel& model, Stream& stream, Network network);

  std::vector<EpochStatistics> run(std::span<const EpochTask> tasks, Members& members);
  // Device bytes of one task of a member with so many rows, trained on or held out.
  static std::size_t task_bytes(const DeviceModel& model, Network network, std::size_t rows);

 private:
  EpochShape shape_of(std::span<const EpochTask> tasks, Members& members) const;
  void prepare(const EpochShape& shape);
  void upload(std::span<const EpochTask> tasks, const EpochShape& shape, Members& members);
  void record(const EpochShape& shape);
  void record_classifier_steps(const EpochShape& shape, std::uint32_t steps);
  void record_ranking_steps(const EpochShape& shape, std::uint32_t steps);
  void record_held_out(const EpochShape& shape);
  const OptimiserPlan& plan() const;
  static std::size_t step_scratch(const DeviceModel& model, Network network);

  const DeviceModel& model_;
  Stream& stream_;
  Network network_;
  EpochShape shape_;
  std::optional<Graph> graph_;
  std::optional<SegmentedSort> sort_;
  std::size_t sort_tasks_ = 0;  // that sort_ was made for
  DeviceBuffer<Task> tasks_;
  DeviceBuffer<std::int32_t> segments_;  // [tasks + 1]
  DeviceBuffer<std::uint64_t> keys_, order_;
  DeviceBuffer<AdamStep> adam_;
  DeviceBuffer<double> decoder_losses_;
  DeviceBuffer<float> held_out_;
  DeviceBuffer<std::byte> step_scratch_, held_out_scratch_;
  DeviceBuffer<DenseLayer> penalised_;
  DeviceBuffer<EpochResult> results_;
  PinnedBuffer<EpochResult> host_results_;
};

}  // namespace phaseselect::cuda
