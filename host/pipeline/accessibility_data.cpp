// Known fields, sampled unreported ones, folds.
#include "host/pipeline/accessibility_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <compare>
#include <unordered_set>

#include "phaseselect/data/candidates.hpp"
#include "phaseselect/error.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t most_held_out = 500;  // known fields that a member's history is measured on
constexpr std::uint32_t held_out_step = 64;

// A field as a combination of modelled elements.
struct Place {
  int arity = 0;
  std::uint64_t rank = 0;
  friend auto operator<=>(const Place&, const Place&) = default;  // NOLINT(modernize-use-nullptr): no pointer
};

struct PlaceHash {
  std::size_t operator()(const Place& place) const {
    return static_cast<std::size_t>(place.rank * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(place.arity));
  }
};

// All fields of the modelled elements, and which of them are known.
class Universe {
 public:
  Universe(const Config& config, const PreparedData& data)
      : elements_(data.matrix.elements),
        rows_(data.matrix.elements),
        slots_(std::min(data.problem.fields.slots, most_accessibility_arity)),
        folds_(config.accessibility.folds),
        seed_(config.ensemble.seed) {
    for (const PhaseField& field : data.matrix.fields) add(field);
    for (const FieldRecord& record : data.kept) add(record.field);
    std::sort(known_.begin(), known_.end());
    known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
    is_known_.insert(known_.begin(), known_.end());
    for (const Place& place : known_) known_folds_.push_back(fold(place));
  }

  const std::vector<Place>& known() const { return known_; }  // ascending
  int known_fold(std::size_t i) const { return known_folds_[i]; }
  bool is_known(const Place& place) const { return is_known_.count(place) != 0; }
  int slots() const { return slots_; }
  int folds() const { return folds_; }
  std::uint64_t size(int arity) const { return binomial(count(), arity); }

  int fold(const Place& place) const {
    FieldKey key;
    for (const int row : combination(place)) key.add(elements_[static_cast<std::size_t>(row)]);
    return accessibility_fold(key, folds_, seed_);
  }

  std::vector<int> combination(const Place& place) const {
    std::vector<int> rows(static_cast<std::size_t>(place.arity));
    unrank_combination(place.rank, count(), rows);
    return rows;
  }

 private:
  int count() const { return static_cast<int>(elements_.size()); }

  // Fields that the model cannot judge are no candidates either.
  void add(const PhaseField& field) {
    if (field.empty() || field.size() > slots_) return;
    std::vector<int> rows;
    for (const Element element : field.elements()) rows.push_back(rows_.row(element));
    if (std::find(rows.begin(), rows.end(), -1) != rows.end()) return;
    known_.push_back({field.size(), rank_combination(rows, count())});
  }

  const std::vector<Element>& elements_;
  ElementRows rows_;
  int slots_;
  int folds_;
  std::uint64_t seed_;
  std::vector<Place> known_;
  std::vector<int> known_folds_;
  std::unordered_set<Place, PlaceHash> is_known_;
};

// Which unreported fields to draw.
struct Draw {
  int arity = 0;
  std::size_t wanted = 0;  // all where there are fewer
  int fold = 0;            // the member's own
  bool inside = false;     // of that fold; otherwise of the others
};

class Sampler {
 public:
  Sampler(const Universe& universe, std::uint64_t seed, std::uint32_t member)
      : universe_(universe), seed_(seed), member_(member) {}

  // Without replacement, every eligible field equally likely.
  std::vector<Place> draw(const Draw& draw) const {
    const RandomStream stream{seed_, member_, Stream::unreported, 0,
                              static_cast<std::uint32_t>(draw.arity) + (draw.inside ? held_out_step : 0)};
    const double folds = universe_.folds();
    const double share = draw.inside ? 1 / folds : 1 - 1 / folds;
    const auto known = std::count_if(universe_.known().begin(), universe_.known().end(),
                                     [&](const Place& place) { return place.arity == draw.arity; });
    const double eligible = share * (static_cast<double>(universe_.size(draw.arity)) - static_cast<double>(known));
    // Trial and error never ends where too few are left to find.
    return 4 * static_cast<double>(draw.wanted) >= eligible ? choose(draw, stream) : try_out(draw, stream);
  }

 private:
  bool is_eligible(const Draw& draw, const Place& place) const {
    return !universe_.is_known(place) && (universe_.fold(place) == draw.fold) == draw.inside;
  }

  // Those with the smallest numbers of all.
  std::vector<Place> choose(const Draw& draw, const RandomStream& stream) const {
    std::vector<std::pair<std::uint32_t, std::uint64_t>> drawn;
    for (std::uint64_t rank = 0; rank < universe_.size(draw.arity); ++rank) {
      if (is_eligible(draw, {draw.arity, rank})) drawn.emplace_back(stream(static_cast<std::uint32_t>(rank)), rank);
    }
    std::sort(drawn.begin(), drawn.end());
    drawn.resize(std::min(drawn.size(), draw.wanted));
    std::vector<Place> places;
    for (const auto& [number, rank] : drawn) places.push_back({draw.arity, rank});
    return places;
  }

  std::vector<Place> try_out(const Draw& draw, const RandomStream& stream) const {
    const std::uint64_t size = universe_.size(draw.arity);
    std::unordered_set<Place, PlaceHash> found;
    std::vector<Place> places;
    for (std::uint32_t trial = 0; places.size() < draw.wanted; ++trial) {
      const std::uint64_t high = stream(2 * trial);
      const std::uint64_t number = high << 32 | stream(2 * trial + 1);
      const Place place{draw.arity, number % size};
      if (is_eligible(draw, place) && found.insert(place).second) places.push_back(place);
    }
    return places;
  }

  const Universe& universe_;
  std::uint64_t seed_;
  std::uint32_t member_;
};

struct Sample {
  std::vector<Place> training, held_out;
};

// A number of its own, so that member i shares nothing with member i of the ensemble.
std::uint64_t training_seed(std::uint64_t seed) {
  const PhiloxBlock numbers = RandomStream{seed, 0, Stream::accessibility}.block(0);
  return std::uint64_t{numbers.word[0]} << 32 | numbers.word[1];
}

// The first most_held_out of a fold's known fields, in an order drawn for the member.
std::vector<Place> sample_held_out(const std::vector<Place>& fold, std::uint64_t seed, std::uint32_t member) {
  const RandomStream stream{seed, member, Stream::hold_out};
  std::vector<std::pair<std::uint32_t, Place>> drawn;
  for (std::size_t i = 0; i < fold.size(); ++i) drawn.emplace_back(stream(static_cast<std::uint32_t>(i)), fold[i]);
  std::sort(drawn.begin(), drawn.end());
  drawn.resize(std::min(drawn.size(), most_held_out));
  std::vector<Place> places;
  for (const auto& [number, place] : drawn) places.push_back(place);
  return places;
}

// Adds `per_known` unreported fields for each known one in `places`.
void add_unreported(const Sampler& sampler, int fold, bool inside, std::size_t per_known, std::vector<Place>& places) {
  std::array<std::size_t, most_accessibility_arity + 1> known{};
  for (const Place& place : places) ++known[static_cast<std::size_t>(place.arity)];
  for (int arity = 1; arity <= most_accessibility_arity; ++arity) {
    const std::size_t wanted = per_known * known[static_cast<std::size_t>(arity)];
    if (wanted == 0) continue;
    const std::vector<Place> drawn = sampler.draw({arity, wanted, fold, inside});
    places.insert(places.end(), drawn.begin(), drawn.end());
  }
  std::sort(places.begin(), places.end());
}

Sample sample_member(const Universe& universe, const Config& config, std::uint32_t member) {
  const std::uint64_t seed = config.ensemble.seed;
  const int fold = left_out_fold(member, universe.folds());
  Sample sample;
  std::vector<Place> left_out;
  for (std::size_t i = 0; i < universe.known().size(); ++i) {
    (universe.known_fold(i) == fold ? left_out : sample.training).push_back(universe.known()[i]);
  }
  const std::size_t known = sample.training.size();
  const Sampler sampler(universe, seed, member);
  add_unreported(sampler, fold, false, static_cast<std::size_t>(config.accessibility.unreported), sample.training);
  if (known == 0 || left_out.empty() || sample.training.size() == known) {
    throw UsageError(
        fmt::format("accessibility member {} would learn from {} known and {} unreported fields and leave "
                    "{} known ones out: give more formulas in environments.formulas, or set "
                    "accessibility.members to 0",
                    member, known, sample.training.size() - known, left_out.size()));
  }
  sample.held_out = sample_held_out(left_out, training_seed(seed), member);
  add_unreported(sampler, fold, true, 1, sample.held_out);
  return sample;
}

std::vector<std::uint32_t> numbers_of(const std::vector<Place>& places, const std::vector<Place>& all) {
  std::vector<std::uint32_t> numbers;
  numbers.reserve(places.size());
  for (const Place& place : places) {
    numbers.push_back(static_cast<std::uint32_t>(std::lower_bound(all.begin(), all.end(), place) - all.begin()));
  }
  return numbers;
}

}  // namespace

int accessibility_fold(const FieldKey& field, int folds, std::uint64_t seed) {
  const PhiloxBlock counter{{static_cast<std::uint32_t>(field.low), static_cast<std::uint32_t>(field.low >> 32),
                             static_cast<std::uint32_t>(field.high), static_cast<std::uint32_t>(field.high >> 32)}};
  const PhiloxBlock drawn =
      philox4x32_10(counter, static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
  return static_cast<int>(std::uint64_t{drawn.word[0]} * static_cast<std::uint64_t>(folds) >> 32);
}

std::pair<std::uint32_t, std::uint32_t> accessibility_range(const Config& config, std::uint32_t first,
                                                            std::uint32_t last) {
  const auto share = [&](std::uint64_t member) {
    return static_cast<std::uint32_t>(member * static_cast<std::uint64_t>(config.accessibility.members) /
                                      static_cast<std::uint64_t>(config.ensemble.members));
  };
  return {share(first), share(last)};
}

AccessibilityData accessibility_data(const Config& config, const PreparedData& data, std::uint32_t first,
                                     std::uint32_t last) {
  const Universe universe(config, data);
  std::vector<Sample> samples;
  std::vector<Place> all = universe.known();
  for (std::uint32_t member = first; member < last; ++member) {
    samples.push_back(sample_member(universe, config, member));
    for (const std::vector<Place>* part : {&samples.back().training, &samples.back().held_out}) {
      all.insert(all.end(), part->begin(), part->end());
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }
  AccessibilityData result;
  result.known = universe.known().size();
  const Config training = accessibility_training(config);
  Problem& problem = result.problem;
  problem.fields.slots = data.problem.fields.slots;
  problem.groups = data.problem.groups;
  problem.architecture = make_architecture(training, problem.groups, problem.fields.slots);
  problem.classifier = classifier_plan(training);
  problem.ranking = ranking_plan(training);
  problem.seed = training.ensemble.seed;
  problem.precision = training.training.precision;
  for (const Place& place : all) {
    const std::vector<int> rows = universe.combination(place);
    problem.fields.rows.insert(problem.fields.rows.end(), rows.begin(), rows.end());
    problem.fields.rows.insert(problem.fields.rows.end(), static_cast<std::size_t>(problem.fields.slots - place.arity),
                               std::int16_t{-1});
    problem.labels.push_back(universe.is_known(place) ? 1 : 0);
  }
  for (std::uint32_t member = first; member < last; ++member) {
    const Sample& sample = samples[member - first];
    result.members.push_back({member, numbers_of(sample.training, all), numbers_of(sample.held_out, all)});
  }
  return result;
}

Config accessibility_training(const Config& config) {
  Config result = config;
  const Config::Accessibility& accessibility = config.accessibility;
  result.training.epochs = accessibility.epochs;
  result.training.batch = accessibility.batch;
  result.training.learning_rate = accessibility.learning_rate;
  result.training.schedule = accessibility.schedule;
  result.training.weight_decay = accessibility.weight_decay;
  result.training.class_weights = ClassWeights::balanced;  // there are several unreported fields for each known one
  result.training.patience = 0;
  result.model.dropout = accessibility.dropout;
  result.ensemble.seed = training_seed(config.ensemble.seed);
  return result;
}

}  // namespace phaseselect
