// Members of the paper's problem on the device in the middle of an epoch, ready for any kernel by itself.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "bench/paper.hpp"
#include "kernels/engine/evaluator.hpp"
#include "kernels/engine/launches.hpp"
#include "kernels/engine/members.hpp"

namespace phaseselect::cuda {

// Bytes a second that copies on the device read and write together.
double copy_bandwidth(Stream& stream);

class DeviceEnsemble {
 public:
  using Launch = std::function<void()>;
  static constexpr int candidates = 16384;  // ternaries

  explicit DeviceEnsemble(int members);

  Stream& stream() { return stream_; }
  int members() const { return static_cast<int>(slots_.size()); }

  // One launch for all members. They must not outlive this.
  Launch features();
  Launch decode(Precision precision);
  Launch field_step();
  Launch encode();
  Launch ranking_step();
  Launch evaluate();
  Launch reconstruction();
  Launch ensemble_statistics();

 private:
  void open_members(int count);
  void order_samples();
  FieldSelection selection() const;

  const Problem& problem_;
  Stream stream_;  // before everything that allocates from it
  const DeviceModel model_;
  Members members_;
  std::vector<Slot> slots_;
  DeviceBuffer<Task> tasks_;
  DeviceBuffer<AdamStep> adam_;
  DeviceBuffer<std::uint64_t> order_;
  DeviceBuffer<double> losses_;
  DeviceBuffer<EpochResult> results_;
  DeviceBuffer<std::byte> field_scratch_, ranking_scratch_, evaluate_scratch_, reconstruction_scratch_;
  DeviceBuffer<std::int16_t> candidates_;
  DeviceBuffer<float> probabilities_, errors_;
  DeviceBuffer<FieldStatistics> statistics_;
};

}  // namespace phaseselect::cuda
