// Keys, types and ranges of the configuration.
#include "host/config/schema.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "phaseselect/data/folds.hpp"

namespace phaseselect {
namespace {

using Folder = std::filesystem::path;

std::string describe(const YAML::Node& node) {
  if (node.IsSequence()) return "a list";
  if (node.IsMap()) return "a section";
  return fmt::format("'{}'", node.Scalar());
}

[[noreturn]] void expected(const std::string& what, const YAML::Node& node) {
  if (!node.IsDefined() || node.IsNull()) throw BadValue(fmt::format("must be {}, but is empty", what));
  throw BadValue(fmt::format("must be {}, not {}", what, describe(node)));
}

// The text of a plain number; quoted text is no number.
std::optional<std::string> plain_scalar(const YAML::Node& node) {
  if (!node.IsScalar() || node.Tag() == "!") return std::nullopt;
  return node.Scalar();
}

bool is_whole(const std::string& text) {
  const std::size_t start = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  return text.size() > start && text.find_first_not_of("0123456789", start) == std::string::npos;
}

template <typename Number>
std::optional<Number> parse(const std::string& text) {
  const char* first = text.data() + (!text.empty() && text[0] == '+' ? 1 : 0);
  const char* last = text.data() + text.size();
  Number value{};
  const auto [end, error] = std::from_chars(first, last, value);
  if (error != std::errc{} || end != last) return std::nullopt;
  return value;
}

template <typename Integer>
Integer read_whole(const YAML::Node& node, Integer low, Integer high) {
  const auto text = plain_scalar(node);
  if (!text || !is_whole(*text)) expected("a whole number", node);
  const auto value = parse<Integer>(*text);
  if (value && *value >= low && *value <= high) return *value;
  if (high == std::numeric_limits<Integer>::max()) expected(fmt::format("at least {}", low), node);
  expected(fmt::format("between {} and {}", low, high), node);
}

template <typename Integer>
SchemaKey whole(std::string path, Integer& target, Integer low, Integer high) {
  return {std::move(path), false,
          [&target, low, high](const YAML::Node& node, const Folder&) { target = read_whole(node, low, high); },
          [&target](YAML::Emitter& out) { out << fmt::format("{}", target); }};
}

// A finite number, and what it must fulfil: the condition and its words ("at least 0").
struct RealRange {
  std::function<bool(double)> contains;
  std::string words;
};

SchemaKey real(std::string path, double& target, const RealRange& range) {
  return {std::move(path), false,
          [&target, range](const YAML::Node& node, const Folder&) {
            const auto text = plain_scalar(node);
            const auto value = text ? parse<double>(*text) : std::nullopt;
            if (!value || !std::isfinite(*value)) expected("a finite number", node);
            if (!range.contains(*value)) expected(range.words, node);
            target = *value;
          },
          [&target](YAML::Emitter& out) { out << fmt::format("{}", target); }};
}

SchemaKey boolean(std::string path, bool& target) {
  return {std::move(path), false,
          [&target](const YAML::Node& node, const Folder&) {
            const auto text = plain_scalar(node);
            if (!text || (*text != "true" && *text != "false")) expected("true or false", node);
            target = *text == "true";
          },
          [&target](YAML::Emitter& out) { out << (target ? "true" : "false"); }};
}

SchemaKey text(std::string path, std::string& target) {
  return {std::move(path), false,
          [&target](const YAML::Node& node, const Folder&) {
            if (!node.IsScalar() && !node.IsNull()) expected("text", node);
            target = node.IsNull() ? std::string() : node.Scalar();
          },
          [&target](YAML::Emitter& out) { out << YAML::DoubleQuoted << target; }};
}

SchemaKey file(std::string path, std::filesystem::path& target) {
  return {std::move(path), true,
          [&target](const YAML::Node& node, const Folder& folder) {
            if (!node.IsScalar() || node.Scalar().empty()) expected("the path of a file", node);
            target = std::filesystem::absolute(folder / node.Scalar()).lexically_normal();
          },
          [&target](YAML::Emitter& out) { out << YAML::DoubleQuoted << target.string(); }};
}

// One of a few words. `hints` say more about words that are known but cannot be used.
using Hints = std::vector<std::pair<std::string, std::string>>;

template <typename Value>
using Choices = std::vector<std::pair<std::string, Value>>;

template <typename Value>
Value read_choice(const YAML::Node& node, const Choices<Value>& choices, const Hints& hints) {
  const std::string given = node.IsScalar() ? node.Scalar() : std::string();
  for (const auto& [word, value] : choices) {
    if (word == given) return value;
  }
  for (const auto& [word, hint] : hints) {
    if (word == given) throw BadValue(hint);
  }
  std::string words;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    words += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i].first;
  }
  expected(words, node);
}

template <typename Value>
SchemaKey choice(std::string path, Value& target, Choices<Value> choices, Hints hints = {}) {
  return {
      std::move(path), false,
      [&target, choices, hints](const YAML::Node& node, const Folder&) { target = read_choice(node, choices, hints); },
      [&target, choices](YAML::Emitter& out) {
        for (const auto& [word, value] : choices) {
          if (value == target) out << word;
        }
      }};
}

// The words are for the command line, where a comma alone is no YAML.
SchemaKey decimal_mark(std::string path, DecimalMark& target) {
  return {std::move(path), false,
          [&target](const YAML::Node& node, const Folder&) {
            target = read_choice<DecimalMark>(node,
                                              {{".", DecimalMark::point},
                                               {",", DecimalMark::comma},
                                               {"point", DecimalMark::point},
                                               {"comma", DecimalMark::comma}},
                                              {});
          },
          [&target](YAML::Emitter& out) { out << YAML::DoubleQuoted << (target == DecimalMark::comma ? "," : "."); }};
}

// 63 layers of 65,535 units: the random numbers of dropout address no more (model/random.hpp).
SchemaKey widths(std::string path, std::vector<int>& target) {
  return {std::move(path), false,
          [&target](const YAML::Node& node, const Folder&) {
            if (!node.IsSequence()) expected("a list of whole numbers", node);
            if (node.size() > 63) throw BadValue(fmt::format("must list at most 63 layers, not {}", node.size()));
            std::vector<int> values;
            for (const YAML::Node& item : node) values.push_back(read_whole(item, 1, 65535));
            target = std::move(values);
          },
          [&target](YAML::Emitter& out) {
            out << YAML::Flow << YAML::BeginSeq;
            for (const int width : target) out << width;
            out << YAML::EndSeq;
          }};
}

SchemaKey words(std::string path, std::vector<std::string>& target) {
  return {std::move(path), false,
          [&target](const YAML::Node& node, const Folder&) {
            if (!node.IsSequence()) expected("a list of words", node);
            std::vector<std::string> values;
            for (const YAML::Node& item : node) {
              if (!item.IsScalar()) expected("a word", item);
              values.push_back(item.Scalar());
            }
            target = std::move(values);
          },
          [&target](YAML::Emitter& out) {
            out << YAML::Flow << YAML::BeginSeq;
            for (const std::string& word : target) out << YAML::DoubleQuoted << word;
            out << YAML::EndSeq;
          }};
}

SchemaKey required(SchemaKey key) {
  key.required = true;
  return key;
}

}  // namespace

std::vector<SchemaKey> schema(Config& c) {
  const int most = std::numeric_limits<int>::max();
  const std::uint64_t any_seed = std::numeric_limits<std::uint64_t>::max();
  const RealRange any{[](double) { return true; }, "a finite number"};
  const RealRange positive{[](double v) { return v > 0; }, "above 0"};
  const RealRange not_negative{[](double v) { return v >= 0; }, "at least 0"};
  const RealRange rate{[](double v) { return v >= 0 && v < 1; }, "at least 0 and below 1"};
  const RealRange share{[](double v) { return v >= 0.01 && v <= 0.5; }, "between 0.01 and 0.5"};
  // With these bounds every activation index of a batch stays inside 31 bits.
  return {
      file("data.properties", c.data.properties),
      text("data.property", c.data.property),
      text("data.formula", c.data.formula),
      decimal_mark("data.decimal", c.data.decimal),
      required(real("data.threshold", c.data.threshold, any)),
      boolean("data.inclusive", c.data.inclusive),
      file("environments.formulas", c.environments.formulas),
      text("environments.formula", c.environments.formula),
      choice<Grouping>("environments.grouping", c.environments.grouping,
                       {{"exact", Grouping::exact}, {"none", Grouping::none}}),
      choice<Normalisation>("environments.normalisation", c.environments.normalisation,
                            {{"none", Normalisation::none}, {"row", Normalisation::row}}),
      whole("model.features", c.model.features, 1, 1024),
      whole("model.attention.heads", c.model.attention.heads, 1, 64),
      whole("model.attention.key_dim", c.model.attention.key_dim, 1, 64),
      choice<Combine>("model.attention.combine", c.model.attention.combine,
                      {{"values", Combine::values},
                       {"residual", Combine::residual},
                       {"scores", Combine::scores},
                       {"pooled", Combine::pooled}}),
      boolean("model.attention.mask", c.model.attention.mask),
      real("model.attention.weight", c.model.attention.weight, not_negative),
      widths("model.hidden", c.model.hidden),
      real("model.dropout", c.model.dropout, rate),
      real("model.l1", c.model.l1, not_negative),
      real("model.l2", c.model.l2, not_negative),
      choice<SlotOrder>("model.slot_order", c.model.slot_order,
                        {{"sorted", SlotOrder::sorted}, {"random", SlotOrder::random}}),
      whole("model.prediction_orders", c.model.prediction_orders, 1, 1024),
      whole("model.slots", c.model.slots, 0, 64),
      real("model.autoencoder_weight", c.model.autoencoder_weight, not_negative),
      whole("training.epochs", c.training.epochs, 1, (1 << 24) - 1),
      whole("training.batch", c.training.batch, 1, 1024),
      choice<std::string>("training.optimiser", c.training.optimiser, {{"adam", "adam"}}),
      real("training.learning_rate", c.training.learning_rate, positive),
      real("training.encoder_rate", c.training.encoder_rate, not_negative),
      choice<Schedule>("training.schedule", c.training.schedule,
                       {{"constant", Schedule::constant}, {"cosine", Schedule::cosine}}),
      real("training.weight_decay", c.training.weight_decay, not_negative),
      choice<ClassWeights>("training.class_weights", c.training.class_weights,
                           {{"balanced", ClassWeights::balanced}, {"none", ClassWeights::none}}),
      whole("training.patience", c.training.patience, 0, most),
      choice<Monitor>("training.monitor", c.training.monitor,
                      {{"accuracy", Monitor::accuracy}, {"loss", Monitor::loss}}),
      real("training.holdout", c.training.holdout, share),
      choice<Precision>("training.precision", c.training.precision,
                        {{"fp32", Precision::fp32}, {"tf32", Precision::tf32}},
                        {{"bf16", "cannot be bf16: use tf32, the one reduced precision there is, or fp32"}}),
      whole("ensemble.members", c.ensemble.members, 1, 1'000'000),
      whole("ensemble.seed", c.ensemble.seed, std::uint64_t{0}, any_seed),
      whole("ranking.epochs", c.ranking.epochs, 1, (1 << 24) - 1),
      whole("ranking.batch", c.ranking.batch, 1, 1024),
      real("ranking.learning_rate", c.ranking.learning_rate, positive),
      real("ranking.dropout", c.ranking.dropout, rate),
      whole("ranking.patience", c.ranking.patience, 0, most),
      whole("accessibility.members", c.accessibility.members, 0, 1'000'000),
      whole("accessibility.folds", c.accessibility.folds, 2, most_folds),
      whole("accessibility.unreported", c.accessibility.unreported, 1, 1000),
      whole("accessibility.epochs", c.accessibility.epochs, 1, (1 << 24) - 1),
      whole("accessibility.batch", c.accessibility.batch, 1, 1024),
      real("accessibility.learning_rate", c.accessibility.learning_rate, positive),
      choice<Schedule>("accessibility.schedule", c.accessibility.schedule,
                       {{"constant", Schedule::constant}, {"cosine", Schedule::cosine}}),
      real("accessibility.weight_decay", c.accessibility.weight_decay, not_negative),
      real("accessibility.dropout", c.accessibility.dropout, rate),
      boolean("calibration.neighbours", c.calibration.neighbours),
      choice<SplitKind>("validation.split", c.validation.split,
                        {{"random", SplitKind::random},
                         {"leave_element_out", SplitKind::leave_element_out},
                         {"arity", SplitKind::arity},
                         {"supersets", SplitKind::supersets}}),
      whole("validation.folds", c.validation.folds, 2, most_folds),
      boolean("validation.stratified", c.validation.stratified),
      whole("validation.seed", c.validation.seed, std::uint64_t{0}, any_seed),
      words("validation.elements", c.validation.elements),
      whole("validation.arity", c.validation.arity, 1, 63),
  };
}

}  // namespace phaseselect
