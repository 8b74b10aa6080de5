// Keys, types and ranges of the configuration.
#include "host/config/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "host/config/quoting.hpp"
#include "host/io/unicode.hpp"
#include "phaseselect/chemistry/element.hpp"
#include "phaseselect/data/folds.hpp"

namespace phaseselect {
namespace {

using Folder = std::filesystem::path;

std::string describe(const Value& value) {
  if (value.kind == Value::Kind::list) return "a list";
  if (value.kind == Value::Kind::section) return "a section";
  return fmt::format("{}'{}'", value.quoted ? "the quoted " : "", shown(value.text));
}

[[noreturn]] void expected(const std::string& what, const Value& value) {
  const bool empty = value.kind == Value::Kind::text && value.text.empty() && !value.quoted;
  if (empty || value.kind == Value::Kind::nothing) throw BadValue(fmt::format("must be {}, but is empty", what));
  throw BadValue(fmt::format("must be {}, not {}", what, describe(value)));
}

// A text, which YAML may have read as nothing although something was written there.
const std::string& text_of(const Value& value, const std::string& what) {
  if (value.kind == Value::Kind::nothing) {
    throw BadValue(
        fmt::format("must be {}, but is empty: put it in quotes, since YAML reads ~, null and what follows ' #' as "
                    "nothing",
                    what));
  }
  if (value.kind != Value::Kind::text) expected(what, value);
  return value.text;
}

// The text of a plain number; quoted text is no number.
std::optional<std::string> plain_text(const Value& value) {
  if (value.kind != Value::Kind::text || value.quoted) return std::nullopt;
  return value.text;
}

bool is_whole(const std::string& text) {
  const std::size_t start = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  return text.size() > start && text.find_first_not_of("0123456789", start) == std::string::npos;
}

template <typename Number>
std::optional<Number> parse(const std::string& text) {
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  const char* first = text.data() + (plus ? 1 : 0);
  const char* last = text.data() + text.size();
  Number value{};
  const auto [end, error] = std::from_chars(first, last, value);
  if (error != std::errc{} || end != last) return std::nullopt;
  return value;
}

template <typename Integer>
Integer read_whole(const Value& value, Integer low, Integer high) {
  const auto text = plain_text(value);
  if (!text || !is_whole(*text)) expected("a whole number", value);
  const auto number = parse<Integer>(*text);
  if (number && *number >= low && *number <= high) return *number;
  if (high == std::numeric_limits<Integer>::max()) expected(fmt::format("at least {}", low), value);
  expected(fmt::format("between {} and {}", low, high), value);
}

template <typename Integer>
SchemaKey whole(std::string path, Integer& target, Integer low, Integer high) {
  return {std::move(path), Form::word,
          [&target, low, high](const Value& value, const Folder&) { target = read_whole(value, low, high); },
          [&target] { return fmt::format("{}", target); }};
}

// A finite number, and what it must fulfil: the condition and its words ("at least 0").
struct RealRange {
  std::function<bool(double)> contains;
  std::string words;
};

SchemaKey real(std::string path, double& target, const RealRange& range) {
  return {std::move(path), Form::word,
          [&target, range](const Value& value, const Folder&) {
            const auto text = plain_text(value);
            const auto number = text ? parse<double>(*text) : std::nullopt;
            if (!number || !std::isfinite(*number)) expected("a finite number", value);
            if (!range.contains(*number)) expected(range.words, value);
            target = *number;
          },
          [&target] { return fmt::format("{}", target); }};
}

SchemaKey boolean(std::string path, bool& target) {
  return {std::move(path), Form::word,
          [&target](const Value& value, const Folder&) {
            const auto text = plain_text(value);
            if (!text || (*text != "true" && *text != "false")) expected("true or false", value);
            target = *text == "true";
          },
          [&target] { return std::string(target ? "true" : "false"); }};
}

SchemaKey text(std::string path, std::string& target) {
  return {std::move(path), Form::text,
          [&target](const Value& value, const Folder&) { target = text_of(value, "text"); },
          [&target] { return double_quoted(target); }};
}

SchemaKey file(std::string path, std::filesystem::path& target) {
  return {std::move(path), Form::text,
          [&target](const Value& value, const Folder& folder) {
            const std::string& name = text_of(value, "the path of a file");
            if (name.empty()) throw BadValue("must be the path of a file, but is empty");
            target = std::filesystem::absolute(folder / name).lexically_normal();
          },
          [&target] { return double_quoted(target.string()); }};
}

// One of a few words. `hints` say more about words that are known but cannot be used.
using Hints = std::vector<std::pair<std::string, std::string>>;

template <typename Word>
using Choices = std::vector<std::pair<std::string, Word>>;

template <typename Word>
Word read_choice(const Value& value, const Choices<Word>& choices, const Hints& hints) {
  const std::string given = value.kind == Value::Kind::text ? value.text : std::string();
  for (const auto& [word, meaning] : choices) {
    if (word == given) return meaning;
  }
  for (const auto& [word, hint] : hints) {
    if (word == given) throw BadValue(hint);
  }
  std::string words;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    words += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i].first;
  }
  expected(words, value);
}

template <typename Word>
SchemaKey choice(std::string path, Word& target, Choices<Word> choices, Hints hints = {}) {
  return {std::move(path), Form::word,
          [&target, choices, hints](const Value& value, const Folder&) { target = read_choice(value, choices, hints); },
          [&target, choices] {
            const auto chosen = std::ranges::find(choices, target, &std::pair<std::string, Word>::second);
            return chosen->first;
          }};
}

SchemaKey decimal_mark(std::string path, DecimalMark& target) {
  SchemaKey key = choice<DecimalMark>(std::move(path), target, {{".", DecimalMark::point}, {",", DecimalMark::comma}});
  key.write = [&target] { return double_quoted(target == DecimalMark::comma ? "," : "."); };  // no plain YAML
  return key;
}

// 63 layers of 65,535 units: the random numbers of dropout address no more (model/random.hpp).
SchemaKey widths(std::string path, std::vector<int>& target) {
  return {std::move(path), Form::list,
          [&target](const Value& value, const Folder&) {
            if (value.kind != Value::Kind::list) expected("a list of whole numbers", value);
            if (value.items.size() > 63) {
              throw BadValue(fmt::format("must list at most 63 layers, not {}", value.items.size()));
            }
            std::vector<int> values;
            for (const Value& item : value.items) values.push_back(read_whole(item, 1, 65535));
            target = std::move(values);
          },
          [&target] { return fmt::format("[{}]", fmt::join(target, ", ")); }};
}

// Symbols of elements, each once.
std::vector<std::string> read_elements(const Value& value) {
  if (value.kind != Value::Kind::list) expected("a list of elements", value);
  std::vector<std::string> symbols;
  std::vector<Element> elements;
  for (const Value& item : value.items) {
    const std::string& name = text_of(item, "the symbol of an element");
    const std::optional<Element> element = find_element(name);
    if (!element) throw BadValue(fmt::format("must list symbols of elements, which '{}' is not", name));
    if (std::ranges::find(elements, *element) != elements.end()) {
      throw BadValue(fmt::format("must list each element once, but has '{}' twice", symbol(*element)));
    }
    elements.push_back(*element);
    symbols.push_back(name);
  }
  return symbols;
}

SchemaKey elements(std::string path, std::vector<std::string>& target) {
  return {std::move(path), Form::list, [&target](const Value& value, const Folder&) { target = read_elements(value); },
          [&target] {
            std::vector<std::string> values;
            for (const std::string& word : target) values.push_back(double_quoted(word));
            return fmt::format("[{}]", fmt::join(values, ", "));
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
      required(file("data.properties", c.data.properties)),
      text("data.property", c.data.property),
      text("data.formula", c.data.formula),
      decimal_mark("data.decimal", c.data.decimal),
      required(real("data.threshold", c.data.threshold, any)),
      boolean("data.inclusive", c.data.inclusive),
      required(file("environments.formulas", c.environments.formulas)),
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
      elements("validation.elements", c.validation.elements),
      whole("validation.arity", c.validation.arity, 1, 63),
  };
}

SchemaKey profile_key(Profile& profile) {
  return choice<Profile>(profile_key_path, profile, {{"default", Profile::standard}, {"paper", Profile::paper}});
}

Form form_of(const std::string& path) {
  Config any;
  const std::vector<SchemaKey> keys = schema(any);
  const auto key = std::ranges::find(keys, path, &SchemaKey::path);
  return key == keys.end() ? Form::word : key->form;  // the profile
}

}  // namespace phaseselect
