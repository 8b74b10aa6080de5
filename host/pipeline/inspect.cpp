// inspect: what the tables hold, what a configuration makes of them, and what training will cost.
#include <algorithm>
#include <map>

#include "host/io/stopwatch.hpp"
#include "host/pipeline/accessibility_data.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/data_remarks.hpp"
#include "host/pipeline/problem.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t measured_steps = 8;
constexpr double measured_seconds = 0.5;

nlohmann::json rejects_json(const std::vector<Reject>& rejects) {
  nlohmann::json json = nlohmann::json::array();
  for (const Reject& reject : rejects) {
    json.push_back({{"line", reject.line}, {"text", reject.text}, {"reason", reject.reason}});
  }
  return json;
}

nlohmann::json environments_json(const Config& config, const PreparedData& data) {
  return {{"file", config.environments.formulas.string()},
          {"formulas", data.matrix.formulas},
          {"distinct", data.matrix.distinct},
          {"elements", data.matrix.elements.size()},
          {"environments", data.matrix.environments()},
          {"ones", data.matrix.ones()},
          {"groups", data.problem.groups.groups()},
          {"grouped_ones", data.problem.groups.rows.size()},
          {"fields", data.matrix.fields.size()},
          {"remarks", table_remarks(config.environments.formulas, data.matrix)},
          {"rejects", rejects_json(data.matrix.rejects)}};
}

nlohmann::json properties_json(const Config& config, const PreparedData& data) {
  const PropertyTable& table = data.table;
  nlohmann::json json = property_json(table);
  json["file"] = config.data.properties.string();
  json["rows"] = table.rows;
  json["fields"] = table.records.size();
  json["duplicates_merged"] = table.used() - table.records.size();
  json["remarks"] = table_remarks(config.data.properties, table);
  json["rejects"] = rejects_json(table.rejects);
  return json;
}

nlohmann::json set_aside_json(const PreparedData& data) {
  std::map<std::string, std::size_t> elements;
  nlohmann::json unmodelled = nlohmann::json::array();
  const ElementRows rows(data.matrix.elements);
  for (const FieldRecord& record : data.unmodelled) {
    unmodelled.push_back(to_string(record.field));
    for (const Element element : record.field.elements()) {
      if (rows.row(element) < 0) ++elements[std::string(symbol(element))];
    }
  }
  nlohmann::json too_large = nlohmann::json::array();
  for (const FieldRecord& record : data.too_large) too_large.push_back(to_string(record.field));
  return {{"unmodelled", unmodelled}, {"unmodelled_elements", elements}, {"too_large", too_large}};
}

std::size_t trained_parameters(const ParameterLayout& layout) {
  std::size_t count = 0;
  for (const ParameterBlock& block : layout.blocks()) count += block.trained ? block.size() : 0;
  return count;
}

// A member's plan cut down to about `share` of its rows, evenly, so that both classes stay.
std::vector<std::uint32_t> thin(const std::vector<std::uint32_t>& rows, double share) {
  const auto count = std::max<std::size_t>(2, static_cast<std::size_t>(static_cast<double>(rows.size()) * share));
  if (count >= rows.size()) return rows;
  std::vector<std::uint32_t> kept;
  kept.reserve(count);
  for (std::size_t i = 0; i < count; ++i) kept.push_back(rows[i * rows.size() / count]);
  return kept;
}

// Seconds for one whole epoch of the open members, from a few steps of each.
double measure_epoch(Engine& engine, Network network, const std::vector<Slot>& slots, double share) {
  const auto round = [&](std::uint32_t epoch) {
    std::vector<EpochTask> tasks;
    tasks.reserve(slots.size());
    for (const Slot slot : slots) tasks.push_back({slot, epoch});
    engine.run_epoch(network, tasks);
  };
  round(0);  // the first touches fresh memory
  const Stopwatch measured;
  double elapsed = 0;
  std::uint32_t rounds = 0;
  while (elapsed < measured_seconds) {
    round(0);
    ++rounds;
    elapsed = measured.seconds();
  }
  return elapsed / rounds / share;
}

double share_of_epoch(const std::vector<std::uint32_t>& rows, int batch) {
  const std::size_t steps = (rows.size() + static_cast<std::size_t>(batch) - 1) / static_cast<std::size_t>(batch);
  return std::min(1.0, static_cast<double>(measured_steps) / static_cast<double>(steps));
}

// Members open in an engine with a few steps' worth of their rows.
struct Thinned {
  std::vector<Slot> slots;
  double share = 1;  // of an epoch
};

Thinned open_thinned(Engine& engine, std::vector<MemberPlan> plans, int batch) {
  Thinned thinned;
  for (MemberPlan& plan : plans) {
    thinned.share = share_of_epoch(plan.training, batch);
    plan.training = thin(plan.training, thinned.share);
    plan.held_out = thin(plan.held_out, thinned.share);
    thinned.slots.push_back(static_cast<Slot>(thinned.slots.size()));
    engine.open(thinned.slots.back(), std::move(plan));
  }
  return thinned;
}

nlohmann::json accessibility_json(const Config& config, const PreparedData& data, const Execution& execution) {
  const int members = config.accessibility.members;
  nlohmann::json json = {{"members", members}, {"training_seconds", 0.0}};
  if (members == 0) return json;
  AccessibilityData known = accessibility_data(config, data, 0, static_cast<std::uint32_t>(members));
  Execution silent = execution;  // the choice of the engine was noted for the ensemble
  silent.note = [](const std::string&) {};
  const std::unique_ptr<Engine> engine = make_engine(known.problem, silent, Work::training);
  json["folds"] = config.accessibility.folds;
  json["known"] = known.known;
  json["fields_of_member"] = known.members.front().training.size();
  const int open = std::clamp(engine->preferred_slots(members), 1, members);
  known.members.resize(static_cast<std::size_t>(open));
  const Thinned thinned = open_thinned(*engine, std::move(known.members), known.problem.classifier.batch);
  const double epoch = measure_epoch(*engine, Network::classifier, thinned.slots, thinned.share);
  json["training_seconds"] = static_cast<double>(members) / open * epoch * known.problem.classifier.epochs;
  return json;
}

nlohmann::json estimate_json(const Config& config, const PreparedData& data, const nlohmann::json& accessibility,
                             const Execution& execution) {
  const std::unique_ptr<Engine> engine = make_engine(data.problem, execution, Work::training);
  const int members = config.ensemble.members;
  const int open = std::clamp(engine->preferred_slots(members), 1, members);
  const Thinned thinned =
      open_thinned(*engine, ensemble_plans(config, data.problem, 0, static_cast<std::uint32_t>(open)),
                   data.problem.classifier.batch);
  const double classifier = measure_epoch(*engine, Network::classifier, thinned.slots, thinned.share);
  engine->begin_ranking(thinned.slots);
  const double ranking = measure_epoch(*engine, Network::ranking, thinned.slots, thinned.share);
  const double waves = static_cast<double>(members) / open;
  return {{"engine", engine->kind()},
          {"device", engine->description()},
          {"members_at_once", open},
          {"gpu_bytes", static_cast<std::size_t>(open) * engine->device_bytes_of_member()},
          {"classifier_seconds_per_member_epoch", classifier / open},
          {"ranking_seconds_per_member_epoch", ranking / open},
          {"training_seconds",
           waves * (classifier * data.problem.classifier.epochs + ranking * data.problem.ranking.epochs) +
               accessibility["training_seconds"].get<double>()}};
}

nlohmann::json model_json(const Config& config, const PreparedData& data, const nlohmann::json& estimate) {
  const ParameterLayout classifier = classifier_layout(data.problem.architecture);
  const ParameterLayout ranking = ranking_layout(data.problem.architecture);
  const auto members = static_cast<std::size_t>(config.ensemble.members);
  const std::size_t kept = members * (classifier.size() + ranking.size()) * sizeof(float);
  // While it trains a member has weights, two moments and its best weights.
  const std::size_t training = estimate["members_at_once"].get<std::size_t>() * 4 * classifier.size() * sizeof(float);
  const bool on_gpu = estimate["engine"] == "cuda";
  return {{"slots", data.problem.architecture.slots},
          {"classifier_parameters", trained_parameters(classifier)},
          {"ranking_parameters", trained_parameters(ranking)},
          {"members", config.ensemble.members},
          {"file_bytes", kept},
          {"training_bytes", on_gpu ? kept : kept + training},
          {"gpu_bytes", estimate["gpu_bytes"]}};
}

}  // namespace

nlohmann::json inspect(const Config& config, const Execution& execution) {
  const PreparedData data = prepare(config);
  say_data(config, data, execution);
  const nlohmann::json accessibility = accessibility_json(config, data, execution);
  const nlohmann::json estimate = estimate_json(config, data, accessibility, execution);
  const std::size_t fields = data.kept.size();
  return {{"environments", environments_json(config, data)},
          {"properties", properties_json(config, data)},
          {"set_aside", set_aside_json(data)},
          {"classes",
           {{"threshold", config.data.threshold},
            {"inclusive", config.data.inclusive},
            {"fields", fields},
            {"positives", data.positives},
            {"negatives", fields - data.positives}}},
          {"model", model_json(config, data, estimate)},
          {"accessibility", accessibility},
          {"estimate", estimate}};
}

}  // namespace phaseselect
