#include "kernels/engine/members.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/engine/launches.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect::cuda {

const Task* upload_tasks(Stream& stream, DeviceBuffer<Task>& buffer, std::span<const Slot> slots) {
  if (slots.size() > most_tasks) {
    throw Error("a run of more than " + std::to_string(most_tasks) + " members needs --device cpu");
  }
  std::vector<Task> tasks;
  for (const Slot slot : slots) tasks.push_back({slot, 0, 0, 0});
  need(stream, buffer, tasks.size(), "tasks");
  buffer.upload(tasks);
  return buffer.data();
}

void Members::place(Slot slot, std::unique_ptr<DeviceMember> member) {
  const auto index = static_cast<std::size_t>(slot);
  if (index >= members_.size()) members_.resize(index + 1);
  if (members_[index] != nullptr) throw std::logic_error("the slot is not closed");
  members_[index] = std::move(member);
  moved();
}

void Members::close(Slot slot) {
  at(slot);
  members_[static_cast<std::size_t>(slot)].reset();
  moved();
}

DeviceMember& Members::at(Slot slot) {
  const auto index = static_cast<std::size_t>(slot);
  if (slot < 0 || index >= members_.size() || members_[index] == nullptr) {
    throw std::logic_error("the slot is not open");
  }
  return *members_[index];
}

const MemberState* Members::states() {
  if (current_) return states_.data();
  std::vector<MemberState> states;
  for (const auto& member : members_) states.push_back(member == nullptr ? MemberState{} : member->state());
  need(stream_, states_, states.size(), "member states");
  states_.upload(states);
  current_ = true;
  return states_.data();
}

void Members::refresh_sums(std::span<const Slot> slots) {
  std::vector<Slot> stale;
  for (const Slot slot : slots) {
    if (!at(slot).z_current) stale.push_back(slot);
  }
  if (stale.empty()) return;
  EncodeParams params = encode_params(model_, upload_tasks(stream_, tasks_, stale), states());
  params.update = false;
  encode_step(stream_, params, static_cast<int>(stale.size()), model_.device.shared_per_block);
  for (const Slot slot : stale) at(slot).z_current = true;
}

void Members::refresh_tables(std::span<const Slot> slots) {
  refresh_sums(slots);
  std::vector<Slot> stale;
  for (const Slot slot : slots) {
    if (!at(slot).tables_current) stale.push_back(slot);
  }
  if (stale.empty()) return;
  FeaturesParams params = features_params(model_, upload_tasks(stream_, tasks_, stale), states());
  params.tables = true;
  features(stream_, params, static_cast<int>(stale.size()));
  for (const Slot slot : stale) at(slot).tables_current = true;
}

}  // namespace phaseselect::cuda
