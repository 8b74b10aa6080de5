// One member's memory on the device. Allocated piece by piece from the stream's pool, so that a member costs what its
// use needs: evaluation has no moments, and best weights exist from the first keep_best on.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/common/member.hpp"
#include "kernels/engine/device_model.hpp"
#include "kernels/runtime/runtime.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect::cuda {

struct NetworkBuffers {
  DeviceBuffer<float> weights, first_moment, second_moment, best;

  DeviceBuffer<float>& role(Role role);
  Slab slab() const { return {weights.data(), first_moment.data(), second_moment.data()}; }
};

struct DeviceMember {
  // With freshly drawn weights, for training.
  DeviceMember(const DeviceModel& model, Stream& stream, MemberPlan plan_);
  // With given weights, for evaluation; `ranking_weights` may be empty.
  DeviceMember(const DeviceModel& model, Stream& stream, std::span<const float> classifier_weights,
               std::span<const float> ranking_weights);

  // Drawn ranking weights, zero moments.
  void begin_ranking(const DeviceModel& model, Stream& stream);
  MemberState state() const;
  NetworkBuffers& network(Network network) { return network == Network::classifier ? classifier : ranking; }
  bool trains() const { return !training.empty(); }

  // Bytes on the device of a member in training, both networks and their best weights included.
  static std::size_t training_bytes(const DeviceModel& model);

  MemberPlan plan;
  NetworkBuffers classifier, ranking;
  DeviceBuffer<std::uint32_t> training, held_out;
  DeviceBuffer<float> z_partial, h, tables, dh_partial, dz;
  float class_weight[2] = {1, 1};
  bool z_current = false;       // z_partial belongs to the weights
  bool tables_current = false;  // h and tables do

 private:
  void allocate_features(const DeviceModel& model, Stream& stream);
};

}  // namespace phaseselect::cuda
