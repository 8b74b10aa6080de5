// Tables to matrix rows, labels and splits.
#include "host/pipeline/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "phaseselect/data/folds.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr int most_slots = 64;

// Sorts the table's records into those the model can hold and those set aside.
void sort_records(const Config& config, const ElementRows& rows, PreparedData& data) {
  std::vector<const FieldRecord*> modelled;
  int largest = 1;
  for (const FieldRecord& record : data.table.records) {
    const auto& elements = record.field.elements();
    if (std::all_of(elements.begin(), elements.end(), [&](Element e) { return rows.row(e) >= 0; })) {
      modelled.push_back(&record);
      largest = std::max(largest, record.field.size());
    } else {
      data.unmodelled.push_back(record);
    }
  }
  const int slots = config.model.slots > 0 ? config.model.slots : std::min(largest, most_slots);
  data.problem.fields.slots = slots;
  for (const FieldRecord* record : modelled) {
    if (rows.append(record->field, slots, data.problem.fields.rows)) {
      data.kept.push_back(*record);
    } else {
      data.too_large.push_back(*record);
    }
  }
}

// Labels the kept fields; refuses a threshold that leaves one class empty.
void label(const Config& config, PreparedData& data) {
  if (data.kept.empty()) {
    throw Error(
        fmt::format("{}: none of the {} fields can be modelled: {} have an element without environments in {}, {} "
                    "have more than {} elements",
                    config.data.properties.string(), data.table.records.size(), data.unmodelled.size(),
                    config.environments.formulas.string(), data.too_large.size(), data.problem.fields.slots));
  }
  const Threshold threshold{config.data.threshold, config.data.inclusive};
  double low = data.kept.front().value;
  double high = low;
  for (const FieldRecord& record : data.kept) {
    const bool reached = threshold.reached(record.value);
    data.problem.labels.push_back(reached ? 1 : 0);
    data.positives += reached ? 1 : 0;
    low = std::min(low, record.value);
    high = std::max(high, record.value);
  }
  if (data.positives == 0 || data.positives == data.kept.size()) {
    throw UsageError(fmt::format(
        "data.threshold {} puts all {} fields of {} into one class: their values of '{}' range "
        "from {} to {}, choose a threshold in between",
        config.data.threshold, data.kept.size(), config.data.properties.string(), data.table.property, low, high));
  }
}

std::vector<std::uint32_t> all_rows(const Problem& problem) {
  std::vector<std::uint32_t> rows(problem.labels.size());
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

MemberPlan make_plan(const Config& config, const Problem& problem, const std::vector<std::uint32_t>& rows,
                     std::uint32_t id) {
  Split split = hold_out(rows, problem.labels, config.training.holdout, config.ensemble.seed, id);
  return {id, std::move(split.training), std::move(split.held_out)};
}

}  // namespace

ElementRows::ElementRows(const std::vector<Element>& elements) : rows_(element_count, -1) {
  for (std::size_t i = 0; i < elements.size(); ++i) {
    rows_[static_cast<std::size_t>(rank(elements[i]))] = static_cast<int>(i);
  }
}

bool ElementRows::append(const PhaseField& field, int slots, std::vector<std::int16_t>& rows) const {
  if (field.size() > slots) return false;
  for (const Element element : field.elements()) {
    if (row(element) < 0) return false;
  }
  for (const Element element : field.elements()) rows.push_back(static_cast<std::int16_t>(row(element)));
  rows.insert(rows.end(), static_cast<std::size_t>(slots - field.size()), std::int16_t{-1});
  return true;
}

PreparedData prepare(const Config& config) {
  PreparedData data;
  data.table =
      read_property_table(config.data.properties, {config.data.property, config.data.formula, config.data.decimal});
  data.matrix =
      read_environment_matrix(config.environments.formulas, {config.environments.formula, config.data.decimal});
  data.identity = {data.table.sha256, data.matrix.sha256};
  sort_records(config, ElementRows(data.matrix.elements), data);
  label(config, data);
  Problem& problem = data.problem;
  problem.groups = group_columns(data.matrix, config.environments.grouping);
  problem.architecture = make_architecture(config, problem.groups, problem.fields.slots);
  problem.classifier = classifier_plan(config);
  problem.ranking = ranking_plan(config);
  problem.seed = config.ensemble.seed;
  problem.precision = config.training.precision;
  return data;
}

Architecture make_architecture(const Config& config, const EnvironmentGroups& groups, int slots) {
  Architecture a;
  a.elements = groups.elements;
  a.groups = groups.groups();
  a.environments = groups.environments;
  a.slots = slots;
  a.features = config.model.features;
  a.normalisation = config.environments.normalisation;
  a.heads = config.model.attention.heads;
  a.key_dim = config.model.attention.key_dim;
  a.combine = config.model.attention.combine;
  a.attention_mask = config.model.attention.mask;
  a.attention_weight = config.model.attention.weight;
  a.hidden = config.model.hidden;
  a.dropout = config.model.dropout;
  a.l1 = config.model.l1;
  a.l2 = config.model.l2;
  a.autoencoder_weight = config.model.autoencoder_weight;
  a.class_weights = config.training.class_weights;
  a.slot_order = config.model.slot_order;
  a.prediction_orders = config.model.prediction_orders;
  a.ranking_dropout = config.ranking.dropout;
  return a;
}

OptimiserPlan classifier_plan(const Config& config) {
  OptimiserPlan plan;
  plan.epochs = config.training.epochs;
  plan.batch = config.training.batch;
  plan.learning_rate = config.training.learning_rate;
  plan.schedule = config.training.schedule;
  plan.weight_decay = config.training.weight_decay;
  plan.encoder_rate = config.training.encoder_rate;
  return plan;
}

OptimiserPlan ranking_plan(const Config& config) {
  OptimiserPlan plan;
  plan.epochs = config.ranking.epochs;
  plan.batch = config.ranking.batch;
  plan.learning_rate = config.ranking.learning_rate;
  return plan;
}

FieldSet gather(FieldView fields, std::span<const std::uint32_t> numbers) {
  FieldSet gathered;
  gathered.slots = fields.slots;
  for (const std::uint32_t number : numbers) {
    const auto first = fields.rows.begin() + static_cast<std::ptrdiff_t>(number) * fields.slots;
    gathered.rows.insert(gathered.rows.end(), first, first + fields.slots);
  }
  return gathered;
}

std::vector<MemberPlan> ensemble_plans(const Config& config, const Problem& problem, std::uint32_t first,
                                       std::uint32_t last) {
  const std::vector<std::uint32_t> rows = all_rows(problem);
  std::vector<MemberPlan> plans;
  for (std::uint32_t id = first; id < last; ++id) plans.push_back(make_plan(config, problem, rows, id));
  return plans;
}

FoldPlans fold_plans(const Config& config, const PreparedData& data) {
  std::vector<PhaseField> fields;
  fields.reserve(data.kept.size());
  for (const FieldRecord& record : data.kept) fields.push_back(record.field);
  FoldPlans plans{split_fields(fields, data.problem.labels, config.validation), {}};
  std::uint32_t id = 0;
  for (const SplitFold& fold : plans.folds) {
    for (int m = 0; m < config.ensemble.members; ++m) {
      plans.members.push_back(make_plan(config, data.problem, fold.training, id++));
    }
  }
  return plans;
}

}  // namespace phaseselect
