// The members of an engine by slot, and what is derived from their weights.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "kernels/engine/device_member.hpp"

namespace phaseselect::cuda {

class Members {
 public:
  Members(const DeviceModel& model, Stream& stream) : model_(model), stream_(stream) {}

  void place(Slot slot, std::unique_ptr<DeviceMember> member);  // std::logic_error unless the slot is closed
  void close(Slot slot);
  DeviceMember& at(Slot slot);  // std::logic_error unless the slot is open
  // A member's arrays moved: its state on the device is out of date.
  void moved() { current_ = false; }
  // States by slot, brought up to date. The address changes only when more slots are opened than ever before.
  const MemberState* states();

  // Brings z_partial, or h and tables too, up to date for those slots where they are not.
  void refresh_sums(std::span<const Slot> slots);
  void refresh_tables(std::span<const Slot> slots);

 private:
  const DeviceModel& model_;
  Stream& stream_;
  std::vector<std::unique_ptr<DeviceMember>> members_;  // [slots]; null where closed
  DeviceBuffer<MemberState> states_;
  DeviceBuffer<Task> tasks_;
  bool current_ = false;
};

// Members of one launch at most: a multiple of a graph's granularity below the limit of a grid's second dimension.
inline constexpr std::size_t most_tasks = 65528;

// Uploads one task a slot into `buffer`, which grows as needed. Throws Error for more than most_tasks.
const Task* upload_tasks(Stream& stream, DeviceBuffer<Task>& buffer, std::span<const Slot> slots);

// At least `size` elements; contents are lost when it has to grow.
template <typename T>
void need(Stream& stream, DeviceBuffer<T>& buffer, std::size_t size, const char* purpose) {
  if (size > buffer.size()) {
    buffer = {};  // first, so that both are never held at once
    buffer = DeviceBuffer<T>(stream, size, purpose);
  }
}

}  // namespace phaseselect::cuda
