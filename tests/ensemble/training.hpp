// Trains the synthetic problem into a folder, with whatever a test wants to vary.
#pragma once

#include "host/pipeline/commands.hpp"
#include "tests/ensemble/synthetic_data.hpp"

namespace phaseselect {

struct SmallTraining {
  int threads = 1;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> members = std::nullopt;
  bool resume = false;
  int stop_after = 0;  // rounds; 0: never
  double checkpoint_seconds = 60;
  std::function<void()> each_round = [] {};
  std::filesystem::path calibration = {};
  std::function<bool()> stopping = [] { return false; };
  std::optional<CudaSource> cuda = std::nullopt;  // trains on it
};

inline nlohmann::json train_small(const Config& config, const std::filesystem::path& run,
                                  const SmallTraining& how = {}) {
  TrainRequest request;
  request.config = config;
  request.run = run;
  request.members = how.members;
  request.calibration = how.calibration;
  request.resume = how.resume;
  request.checkpoint_seconds = how.checkpoint_seconds;
  Execution execution;
  execution.device = Device::cpu;
  execution.threads = how.threads;
  execution.stopping = how.stopping;
  if (how.cuda) {
    execution.device = Device::cuda;
    execution.cuda = *how.cuda;
  }
  int rounds = 0;
  execution.stop_requested = [&] {
    how.each_round();
    return ++rounds == how.stop_after;
  };
  return train(request, execution);
}

// The bytes that must not depend on how a run was made.
inline std::string result_bytes(const std::filesystem::path& run) {
  return read_bytes(run / "members.safetensors") + read_bytes(run / "history.csv") + read_bytes(run / "fields.csv") +
         read_bytes(run / "environment_fields.csv");
}

}  // namespace phaseselect
