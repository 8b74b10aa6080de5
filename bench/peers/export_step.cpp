// Our side of the comparison with the Python peers (bench/peers/README.md).
//   export_step CONFIG -o step.safetensors    the problem, and what training steps do to it: what agreement.py checks
//   export_step CONFIG --time train|screen    one line of JSON for every line on stdin: what compare.py interleaves
// A step is an epoch of Engine::run_epoch on a training set of exactly one batch.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "host/engine/ensemble.hpp"
#include "host/io/readable.hpp"
#include "host/pipeline/members_file.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/config/config.hpp"
#include "phaseselect/data/candidates.hpp"
#include "phaseselect/engine/engine.hpp"
#include "phaseselect/error.hpp"
#include "phaseselect/model/safetensors.hpp"

namespace phaseselect {
namespace {

using nlohmann::json;

struct Options {
  std::string config, output, work, device = "cpu";
  std::vector<std::string> overrides;
  std::uint32_t members = 2, steps = 3;
  int threads = 0;
};

std::unique_ptr<Engine> make_engine(const Problem& problem, const Options& options) {
  return options.device == "cuda" ? make_cuda_engine(problem) : make_cpu_engine(problem, {options.threads});
}

// `count` rows spread over the table, others for each member; ascending.
std::vector<std::uint32_t> spread_rows(const Problem& problem, std::uint32_t member, std::size_t count) {
  const std::size_t all = problem.labels.size();
  if (count > all) throw CLI::ValidationError(fmt::format("{} rows asked for, the table has {}", count, all));
  std::vector<std::uint32_t> rows;
  for (std::size_t i = 0; i < count; ++i) rows.push_back(static_cast<std::uint32_t>((i * all / count + member) % all));
  std::sort(rows.begin(), rows.end());
  return rows;
}

// ---- export ----

json description(const Problem& problem) {
  const Architecture& a = problem.architecture;
  const char* combine[] = {"values", "residual", "scores", "pooled"};
  return {{"elements", a.elements},
          {"environments", a.environments},
          {"slots", a.slots},
          {"features", a.features},
          {"heads", a.heads},
          {"key_dim", a.key_dim},
          {"combine", combine[static_cast<int>(a.combine)]},
          {"attention_weight", a.attention_weight},
          {"row_normalised", a.normalisation == Normalisation::row},
          {"balanced", a.class_weights == ClassWeights::balanced},
          {"hidden", a.hidden},
          {"dropout", a.dropout},
          {"l1", a.l1},
          {"l2", a.l2},
          {"autoencoder_weight", a.autoencoder_weight},
          {"random_slots", a.slot_order == SlotOrder::random},
          {"prediction_orders", a.prediction_orders}};
}

json description(const OptimiserPlan& plan) {
  return {{"batch", plan.batch},
          {"epochs", plan.epochs},
          {"learning_rate", plan.learning_rate},
          {"cosine", plan.schedule == Schedule::cosine},
          {"weight_decay", plan.weight_decay},
          {"encoder_rate", plan.encoder_rate},
          {"beta1", plan.beta1},
          {"beta2", plan.beta2},
          {"epsilon", plan.epsilon}};
}

// What a file holds: the tensors in order, and the function that appends each.
struct Contents {
  std::vector<TensorInfo> tensors;
  std::vector<std::vector<std::byte>> values;

  template <typename T>
  void add(std::string name, TensorType type, std::vector<std::size_t> shape, const std::vector<T>& data) {
    tensors.push_back({std::move(name), type, std::move(shape)});
    const auto bytes = std::as_bytes(std::span(data));
    values.emplace_back(bytes.begin(), bytes.end());
  }
};

void add_problem(const Problem& problem, Contents& contents) {
  const EnvironmentGroups& groups = problem.groups;
  contents.add("environments.offsets", TensorType::u32, {groups.offsets.size()}, groups.offsets);
  contents.add("environments.multiplicity", TensorType::u32, {groups.multiplicity.size()}, groups.multiplicity);
  contents.add("environments.rows", TensorType::i16, {groups.rows.size()},
               std::vector<std::int16_t>(groups.rows.begin(), groups.rows.end()));
  contents.add("fields.rows", TensorType::i16, {problem.fields.size(), static_cast<std::size_t>(problem.fields.slots)},
               problem.fields.rows);
  contents.add("fields.labels", TensorType::u8, {problem.labels.size()}, problem.labels);
}

// Each block of every member's slab as `prefix` + its name, members first.
void add_slabs(const Engine& engine, const Problem& problem, Role role, const std::string& prefix,
               std::uint32_t members, Contents& contents) {
  const ParameterLayout layout = classifier_layout(problem.architecture);
  std::vector<std::vector<float>> slabs(members, std::vector<float>(layout.size()));
  for (std::uint32_t m = 0; m < members; ++m) {
    engine.read(Network::classifier, role, static_cast<Slot>(m), slabs[m]);
  }
  for (const ParameterBlock& block : layout.blocks()) {
    std::vector<float> values;
    for (const std::vector<float>& slab : slabs) {
      const auto begin = slab.begin() + static_cast<std::ptrdiff_t>(block.offset);
      values.insert(values.end(), begin, begin + static_cast<std::ptrdiff_t>(block.size()));
    }
    contents.add(prefix + block.name, TensorType::f32, tensor_shape(block, members), values);
  }
}

// Trains `steps` steps on one batch for each member; adds the batches and both losses of each step.
void add_steps(Engine& engine, const Options& options, std::vector<MemberPlan> plans, Contents& contents) {
  const std::size_t members = plans.size();
  std::vector<std::uint32_t> rows;
  std::vector<EpochTask> tasks;
  for (std::size_t m = 0; m < members; ++m) {
    rows.insert(rows.end(), plans[m].training.begin(), plans[m].training.end());
    tasks.push_back({static_cast<Slot>(m), 0});
  }
  contents.add("batch.rows", TensorType::u32, {members, plans.front().training.size()}, rows);
  std::vector<float> classification, autoencoder;
  for (std::uint32_t step = 0; step < options.steps; ++step) {
    for (EpochTask& task : tasks) task.epoch = step;
    for (const EpochStatistics& statistics : engine.run_epoch(Network::classifier, tasks)) {
      classification.push_back(static_cast<float>(statistics.training_loss));
      autoencoder.push_back(static_cast<float>(statistics.autoencoder_loss));
    }
  }
  const std::vector<std::size_t> shape{options.steps, members};
  contents.add("loss.classification", TensorType::f32, shape, classification);
  contents.add("loss.autoencoder", TensorType::f32, shape, autoencoder);
}

void add_probabilities(Engine& engine, const Problem& problem, std::uint32_t members, Contents& contents) {
  std::vector<float> values(members * problem.fields.size());
  engine.probabilities(all_slots(static_cast<int>(members)), problem.fields, values);
  contents.add("probabilities", TensorType::f32, {members, problem.fields.size()}, values);
}

// What is random in training is off here, so that another program can follow: no dropout, slots in alphabetical order.
// The metadata describe the configuration as it is.
void export_steps(Problem problem, const Options& options) {
  if (!problem.architecture.attention_mask)
    throw UsageError("the peers know masked attention only: model.attention.mask must be true");
  const std::map<std::string, std::string> metadata{{"architecture", description(problem).dump()},
                                                    {"optimiser", description(problem.classifier).dump()}};
  problem.architecture.dropout = 0;
  problem.architecture.slot_order = SlotOrder::sorted;
  problem.architecture.prediction_orders = 1;
  const auto engine = make_engine(problem, options);
  std::vector<MemberPlan> plans;
  for (std::uint32_t m = 0; m < options.members; ++m) {
    plans.push_back({m, spread_rows(problem, m, static_cast<std::size_t>(problem.classifier.batch)), {m}});
    engine->open(static_cast<Slot>(m), plans.back());
  }
  Contents contents;
  add_problem(problem, contents);
  add_slabs(*engine, problem, Role::weights, "before.", options.members, contents);
  add_steps(*engine, options, std::move(plans), contents);
  add_slabs(*engine, problem, Role::weights, "after.weights.", options.members, contents);
  add_slabs(*engine, problem, Role::first_moment, "after.first_moment.", options.members, contents);
  add_slabs(*engine, problem, Role::second_moment, "after.second_moment.", options.members, contents);
  add_probabilities(*engine, problem, options.members, contents);
  SafetensorsWriter file(options.output, contents.tensors, metadata);
  for (const auto& values : contents.values) file.append(std::span<const std::byte>(values));
  file.commit();
}

// ---- timing ----

// Peak resident memory of this process in bytes.
std::size_t peak_memory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::size_t kilobytes = 0;
  while (status >> word) {
    if (word == "VmHWM:") status >> kilobytes;
  }
  return kilobytes * 1024;
}

// All C(E, 3) fields, as rows of three.
std::vector<std::int16_t> ternaries(int elements) {
  std::vector<std::int16_t> rows;
  std::vector<int> combination{0, 1, 2};
  do {
    for (const int row : combination) rows.push_back(static_cast<std::int16_t>(row));
  } while (next_combination(combination, elements));
  return rows;
}

// Runs `repeat` once for warming up, then once for every line on stdin.
template <typename Repeat>
void answer(const std::string& engine, const Repeat& repeat) {
  repeat();
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto begin = std::chrono::steady_clock::now();
    const double work = repeat();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    const json result{{"peer", engine}, {"work", work}, {"seconds", seconds.count()}, {"peak_bytes", peak_memory()}};
    fmt::print("{}\n", result.dump());
    std::fflush(stdout);
  }
}

void time_training(const Problem& problem, const Options& options) {
  const auto engine = make_engine(problem, options);
  const std::size_t rows = std::size_t{options.steps} * static_cast<std::size_t>(problem.classifier.batch);
  std::vector<EpochTask> tasks;
  for (std::uint32_t m = 0; m < options.members; ++m) {
    engine->open(static_cast<Slot>(m), MemberPlan{m, spread_rows(problem, m, rows), {m}});
    tasks.push_back({static_cast<Slot>(m), 0});
  }
  answer(engine->description(), [&] {
    engine->run_epoch(Network::classifier, tasks);
    return double{1} * options.steps * options.members;
  });
}

void time_screening(const Problem& problem, const Options& options) {
  const auto engine = make_engine(problem, options);
  for (std::uint32_t m = 0; m < options.members; ++m) engine->open(static_cast<Slot>(m), MemberPlan{m, {0}, {0}});
  const std::vector<Slot> slots = all_slots(static_cast<int>(options.members));
  const std::vector<std::int16_t> rows = ternaries(problem.architecture.elements);
  const std::size_t fields = rows.size() / 3;
  std::vector<float> mean(fields), deviation(fields);
  answer(engine->description(), [&] {
    for (std::size_t first = 0; first < fields; first += evaluation_chunk) {
      const std::size_t count = std::min(evaluation_chunk, fields - first);
      std::vector<float> values(count * options.members);
      engine->probabilities(slots, {3, std::span(rows).subspan(3 * first, 3 * count)}, values);
      const OverMembers statistics = over_members(values, count);
      std::copy_n(statistics.mean.begin(), count, mean.begin() + static_cast<std::ptrdiff_t>(first));
      std::copy_n(statistics.deviation.begin(), count, deviation.begin() + static_cast<std::ptrdiff_t>(first));
    }
    return static_cast<double>(fields) * options.members;
  });
}

void run(const Options& options) {
  const PreparedData data = prepare(read_config(options.config, options.overrides));
  if (options.work == "train") time_training(data.problem, options);
  if (options.work == "screen") time_screening(data.problem, options);
  if (!options.output.empty()) export_steps(data.problem, options);
}

}  // namespace
}  // namespace phaseselect

int main(int count, char** arguments) {
  phaseselect::Options options;
  CLI::App app("What the peers are compared with: exported training steps, and timings.");
  app.add_option("CONFIG", options.config)->required();
  app.add_option("--set", options.overrides, "key.path=value")->take_all();
  const auto output = app.add_option("-o,--output", options.output, "file of exported steps");
  app.add_option("--time", options.work)->check(CLI::IsMember({"train", "screen"}))->excludes(output);
  app.add_option("--device", options.device)->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_option("--members", options.members)->check(CLI::PositiveNumber);
  app.add_option("--steps", options.steps)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads, "of the CPU engine; 0: every core");
  CLI11_PARSE(app, count, arguments);
  try {
    phaseselect::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "export_step: {}\n", phaseselect::one_line(error.what()));
    return 1;
  }
  return 0;
}
