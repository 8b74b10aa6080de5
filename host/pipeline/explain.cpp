// explain: what the ensemble says of one phase field, what it looks at, and the nearest known fields.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "host/io/output_file.hpp"
#include "host/io/unicode.hpp"
#include "host/pipeline/commands.hpp"
#include "host/pipeline/known_fields.hpp"
#include "host/pipeline/loaded_run.hpp"
#include "host/pipeline/nearest_fields.hpp"
#include "host/pipeline/result_table.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t nearest_shown = 10;

PhaseField parse_argument(const std::string& text, const Execution& execution) {
  try {
    NamedField named = read_phase_field(text);
    if (named.from_formula) {
      execution.remark(fmt::format("'{}' is a formula and read as {}", shown(text), to_string(named.field)));
    }
    if (named.named_twice) execution.remark(fmt::format("'{}' names an element twice, which counts once", shown(text)));
    return std::move(named.field);
  } catch (const Error& error) {
    throw UsageError(fmt::format("the phase field '{}' cannot be read: {}", shown(text), error.what()));
  }
}

FieldSet rows_of(const PhaseField& field, const RunContents& contents) {
  const ElementRows rows(contents.elements);
  for (const Element element : field.elements()) {
    if (rows.row(element) < 0) {
      throw UsageError(fmt::format(
          "{} is not modelled by this run, since no formula of its environment matrix contains it", symbol(element)));
    }
  }
  const int slots = contents.problem.architecture.slots;
  if (field.size() > slots) {
    throw UsageError(
        fmt::format("the field has {} elements, but this model judges fields of 1 to {}", field.size(), slots));
  }
  FieldSet set;
  set.slots = field.size();
  rows.append(field, set.slots, set.rows);
  return set;
}

nlohmann::json attention_json(LoadedRun& loaded, const PhaseField& field, const FieldSet& rows) {
  if (loaded.contents().config.model.attention.weight == 0) return nullptr;  // its weights never learned
  const auto size = static_cast<std::size_t>(field.size());
  std::vector<float> values(loaded.slots().size() * size);
  loaded.engine().attention(loaded.slots(), rows, values);
  const OverMembers attention = over_members(values, size);
  nlohmann::json json = nlohmann::json::array();
  for (std::size_t i = 0; i < size; ++i) {
    json.push_back({{"element", symbol(field.elements()[i])},
                    {"attention", json_number(attention.mean[i])},
                    {"attention_std", json_number(attention.deviation[i])}});
  }
  return json;
}

nlohmann::json neighbours_json(const Neighbours& neighbours) {
  const auto of_kind = [](const NeighbourCount& kind) {
    return nlohmann::json{{"fields", kind.fields}, {"positives", kind.positives}};
  };
  return {{"substitutions", of_kind(neighbours.substitutions)},
          {"extensions", of_kind(neighbours.extensions)},
          {"reductions", of_kind(neighbours.reductions)}};
}

nlohmann::json nearest_json(const PhaseField& field, const RunContents& contents) {
  nlohmann::json json = nlohmann::json::array();
  for (const Neighbour& neighbour : nearest_fields(field, contents.training_fields, nearest_shown)) {
    const FieldRecord& record = contents.training_fields[neighbour.record];
    json.push_back({{"phases", to_string(record.field)},
                    {"similarity", neighbour.similarity},
                    {"shared", neighbour.shared},
                    {"value", record.value},
                    {"label", contents.problem.labels[neighbour.record]}});
  }
  return json;
}

}  // namespace

std::vector<Neighbour> nearest_fields(const PhaseField& field, std::span<const FieldRecord> records,
                                      std::size_t count) {
  std::vector<Neighbour> neighbours;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const PhaseField& other = records[i].field;
    std::vector<Element> common;
    std::ranges::set_intersection(field.elements(), other.elements(), std::back_inserter(common));
    if (common.empty()) continue;
    const int shared = static_cast<int>(common.size());
    neighbours.push_back({i, shared, static_cast<double>(shared) / (field.size() + other.size() - shared)});
  }
  const auto nearer = [&](const Neighbour& a, const Neighbour& b) {
    if (a.similarity != b.similarity) return a.similarity > b.similarity;
    if (a.shared != b.shared) return a.shared > b.shared;
    return records[a.record].field < records[b.record].field;
  };
  const std::size_t kept = std::min(count, neighbours.size());
  std::partial_sort(neighbours.begin(), neighbours.begin() + static_cast<std::ptrdiff_t>(kept), neighbours.end(),
                    nearer);
  neighbours.resize(kept);
  return neighbours;
}

nlohmann::json explain(const std::filesystem::path& run, const std::string& field_text, const Execution& execution) {
  const PhaseField field = parse_argument(field_text, execution);
  LoadedRun loaded(run, execution);
  const RunContents& contents = loaded.contents();
  const FieldSet rows = rows_of(field, contents);
  const FieldStatistics statistics = loaded.engine().ensemble_statistics(loaded.slots(), rows).front();
  const OverMembers accessibility = loaded.accessibility().judge(loaded.engine(), rows);
  const KnownFields known(contents);
  nlohmann::json result{{"phases", to_string(field)},
                        {"members", loaded.run().members()},
                        {"property", loaded.run().file().metadata().at("property")},
                        {"threshold", contents.config.data.threshold},
                        {"inclusive", contents.config.data.inclusive},
                        {"probability", json_number(statistics.probability)},
                        {"probability_std", json_number(statistics.deviation)},
                        {"calibrated", json_number(loaded.run().calibrated(statistics.probability, field))},
                        {"reconstruction_error", json_number(statistics.error)},
                        {"uncertainty_percentile", json_number(loaded.run().percentile(statistics.error))},
                        {"accessibility", json_number(accessibility.mean.front())},
                        {"accessibility_std", json_number(accessibility.deviation.front())},
                        {"known", known_text(known.flags(FieldKey(field)))},
                        {"attention", attention_json(loaded, field, rows)},
                        {"neighbours", neighbours_json(loaded.run().neighbours(field))},
                        {"nearest", nearest_json(field, contents)}};
  add_damaged_members(result, loaded.contents());
  return result;
}

}  // namespace phaseselect
