// Trains the paper's 300-member superconductor ensemble (k 20, batch 16, 100 epochs, early stopping off) the way
// `train` does, and prints the time beside the memory floor: 2 G k weights of 24 bytes a member-step at the bandwidth
// of a copy on this device, and at an H100's 3.35 TB/s. The ranking networks are timed too, and apart. usage:
// bench_paper [--tf32] [--members N] [--epochs N] [--json FILE]
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/cuda/device_main.hpp"
#include "host/io/stopwatch.hpp"
#include "host/io/utc_time.hpp"
#include "host/pipeline/population.hpp"
#include "host/pipeline/problem.hpp"

namespace phaseselect {
namespace {

struct Options {
  Precision precision = Precision::fp32;
  int members = 0, epochs = 0;  // 0: the paper's
  std::string json;
};

// False where the arguments are not understood.
bool read_options(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--tf32") {
      options.precision = Precision::tf32;
      continue;
    }
    if (i + 1 == argc) return false;
    const char* value = argv[++i];
    if (word == "--members") {
      options.members = std::atoi(value);
    } else if (word == "--epochs") {
      options.epochs = std::atoi(value);
    } else if (word == "--json") {
      options.json = value;
    } else {
      return false;
    }
    if (word != "--json" && std::atoi(value) < 1) return false;
  }
  return true;
}

double seconds_of_training(Engine& engine, const Problem& problem, const Config& config, bool ranking) {
  const auto plans = ensemble_plans(config, problem, 0, static_cast<std::uint32_t>(config.ensemble.members));
  PopulationOptions options;
  options.ranking = ranking;
  std::size_t reported = 0;
  options.progress = [&](const PopulationProgress& progress) {
    const auto percent = static_cast<std::size_t>(10 * progress.fraction) * 10;
    if (percent <= reported) return;
    reported = percent;
    std::fprintf(stderr, "%zu %%\n", percent);
  };
  const Stopwatch stopwatch;
  train_population(engine, problem, config, plans, options);
  return stopwatch.seconds();
}

nlohmann::json measure(const Options& options) {
  Config config = paper().config;
  Problem problem = paper().problem;
  config.training.precision = problem.precision = options.precision;
  if (options.members > 0) config.ensemble.members = options.members;
  if (options.epochs > 0) config.training.epochs = config.ranking.epochs = options.epochs;
  config.ranking.patience = 0;
  problem.classifier = classifier_plan(config);
  problem.ranking = ranking_plan(config);
  const double bandwidth = measured_bandwidth();
  const auto engine = make_cuda_engine(problem);
  const int members = config.ensemble.members;
  const double steps = steps_of(ensemble_plans(config, problem, 0, 1)[0], problem.classifier) * config.training.epochs;
  const double bytes = steps * members * floor_bytes(problem.architecture);
  std::fprintf(stderr, "%s; %s; %d members, %.0f steps each, %d of them at once\n", engine->description().c_str(),
               paper().source.c_str(), members, steps, engine->preferred_slots(members));
  const double classifier = seconds_of_training(*engine, problem, config, false);
  return {{"device", engine->description()},
          {"commit", program_commit()},
          {"date", now_utc()},
          {"data", paper().source},
          {"precision", options.precision == Precision::tf32 ? "tf32" : "fp32"},
          {"members", members},
          {"epochs", config.training.epochs},
          {"steps", steps},
          {"members_at_once", engine->preferred_slots(members)},
          {"classifier_seconds", classifier},
          {"member_steps_per_second", steps * members / classifier},
          {"floor_bytes", bytes},
          {"copy_bytes_per_second", bandwidth},
          {"share_of_floor_at_copy", bytes / bandwidth / classifier},
          {"share_of_floor_at_3.35TB/s", bytes / h100_bandwidth / classifier},
          {"both_networks_seconds", seconds_of_training(*engine, problem, config, true)}};
}

int bench_main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, options)) {
    std::fprintf(stderr, "usage: bench_paper [--tf32] [--members N] [--epochs N] [--json FILE]\n");
    return 2;
  }
  if (!has_device("bench_paper")) return 0;
  const nlohmann::json result = measure(options);
  std::printf("%s\n", result.dump(2).c_str());
  if (options.json.empty()) return 0;
  std::ofstream file(options.json);
  file << result.dump(2) << '\n';
  return file.good() ? 0 : 1;
}

}  // namespace
}  // namespace phaseselect

int main(int argc, char** argv) {
  return phaseselect::guarded_main("bench_paper", argc, argv, phaseselect::bench_main);
}
