// Sums that leave the device: an epoch's statistics of a member, an ensemble's statistics of fields.
#pragma once

#include <cstdint>

#include "kernels/common/member.hpp"
#include "kernels/runtime/runtime.hpp"

namespace phaseselect::cuda {

// ---- what is left to sum up when an epoch's steps are done ----
struct EpochStatisticsParams {
  Network network = Network::classifier;
  const float* held_out = nullptr;  // [tasks][stride]: probabilities, or reconstruction errors
  int stride = 0;
  const std::uint8_t* labels = nullptr;    // [N], classifier only
  const double* decoder_losses = nullptr;  // [tasks][partitions], classifier only
  int partitions = 0;
  const DenseLayer* penalised = nullptr;  // [penalised_layers], the hidden kernels
  int penalised_layers = 0;
  double l1 = 0, l2 = 0;
  int width = 0;  // ranking only: of a field vector
  const Task* tasks = nullptr;
  const MemberState* members = nullptr;
  EpochResult* results = nullptr;  // [tasks]; everything but training_loss is written
};

inline constexpr unsigned statistics_threads = 256;  // of all kernels of this file
std::size_t epoch_statistics_shared_bytes();

void epoch_statistics(Stream& stream, const EpochStatisticsParams& params, int tasks);

// ---- mean and population deviation over members, in double, members in the order of the tasks ----
struct EnsembleParams {
  int members = 0;
  int fields = 0;
  int stride = 0;
  int first = 0;                         // where the fields begin in the arrays below
  const float* probabilities = nullptr;  // [members][stride]
  const float* errors = nullptr;         // [members][stride]
  FieldStatistics* out = nullptr;        // [first + fields]
  // Optional, for the selection of the best: a key that sorts ascending into probability descending, then error
  // ascending, NaN last; the field's position; the error alone.
  std::uint64_t* keys = nullptr;       // [fields]
  std::uint32_t* positions = nullptr;  // [fields]
  float* mean_errors = nullptr;        // [fields]
};

void ensemble_statistics(Stream& stream, const EnsembleParams& params);

// out[i] = in[positions[i]]
struct GatherParams {
  int count = 0;
  const std::uint32_t* positions = nullptr;
  const FieldStatistics* in = nullptr;
  FieldStatistics* out = nullptr;
};

void gather_statistics(Stream& stream, const GatherParams& params);

}  // namespace phaseselect::cuda
