// Neighbours by hash: a substitution is an extension of what is left when an element is taken away.
#include "host/pipeline/neighbourhood.hpp"

#include <cmath>

namespace phaseselect {

ElementSimilarity::ElementSimilarity(const EnvironmentGroups& groups, std::span<const Element> elements)
    : cosines_(std::size_t{element_count} * element_count, 0.0) {
  for (std::size_t g = 0; g < groups.multiplicity.size(); ++g) {
    const std::span rows = std::span(groups.rows).subspan(groups.offsets[g], groups.offsets[g + 1] - groups.offsets[g]);
    for (const std::uint16_t a : rows) {
      for (const std::uint16_t b : rows) cosines_[index(elements[a], elements[b])] += groups.multiplicity[g];
    }
  }
  std::vector<double> lengths;
  for (const Element element : elements) lengths.push_back(std::sqrt(cosines_[index(element, element)]));
  for (std::size_t a = 0; a < elements.size(); ++a) {
    for (std::size_t b = 0; b < elements.size(); ++b) {
      double& cosine = cosines_[index(elements[a], elements[b])];
      if (cosine > 0) cosine /= lengths[a] * lengths[b];
    }
  }
}

void Neighbourhood::add(const PhaseField& field, bool positive) {
  const FieldKey key(field);
  if (!known_.emplace(key, positive).second) return;
  positives_ += positive ? 1 : 0;
  for (const Element element : field.elements()) extensions_[key.without(element)].push_back({element, positive});
}

Neighbours Neighbourhood::neighbours(const PhaseField& field) const {
  Neighbours found;
  const auto count = [](NeighbourCount& kind, double weight, bool positive) {
    ++kind.fields;
    kind.weight += weight;
    if (!positive) return;
    ++kind.positives;
    kind.positive_weight += weight;
  };
  const FieldKey key(field);
  for (const Element element : field.elements()) {
    const FieldKey rest = key.without(element);
    if (const auto known = known_.find(rest); known != known_.end()) count(found.reductions, 1, known->second);
    const auto substitutions = extensions_.find(rest);
    if (substitutions == extensions_.end()) continue;
    for (const auto& [other, positive] : substitutions->second) {
      if (other != element) count(found.substitutions, similarity_(element, other), positive);
    }
  }
  if (const auto extensions = extensions_.find(key); extensions != extensions_.end()) {
    for (const Extension& extension : extensions->second) count(found.extensions, 1, extension.positive);
  }
  return found;
}

Evidence Neighbourhood::evidence(const PhaseField& field) const {
  // One positive and one negative are added, so that the rate of all is neither 0 nor 1.
  const double rate = (static_cast<double>(positives_) + 1) / (static_cast<double>(known_.size()) + 2);
  const auto log_odds = [rate](const NeighbourCount& kind) {
    return std::log((kind.positive_weight + rate) / (kind.weight - kind.positive_weight + 1 - rate));
  };
  const auto size = [](const NeighbourCount& kind) { return std::log1p(static_cast<double>(kind.fields)); };
  const auto [substitutions, extensions, reductions] = neighbours(field);
  return {log_odds(substitutions), size(substitutions),  log_odds(extensions),
          size(extensions),        log_odds(reductions), size(reductions)};
}

}  // namespace phaseselect
