// What is known of the phase fields that differ from a field by one element: evidence beside the network's, which sees
// a field as a whole and smooths over single neighbours. Calibration weighs the two against each other
// (calibration.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "host/pipeline/field_key.hpp"
#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/data/property_table.hpp"

namespace phaseselect {

// Cosine of two elements' rows of the environment matrix: the share of environments that one could take from the other.
class ElementSimilarity {
 public:
  // `elements`: the rows of the groups.
  ElementSimilarity(const EnvironmentGroups& groups, std::span<const Element> elements);
  // 0 for an element without a row.
  double operator()(Element a, Element b) const { return cosines_[index(a, b)]; }

 private:
  static std::size_t index(Element a, Element b) {
    return static_cast<std::size_t>(rank(a)) * element_count + static_cast<std::size_t>(rank(b));
  }
  std::vector<double> cosines_;  // [118][118]
};

// Known fields of one kind: how many, and how many of them are positive; the same with each counted by its weight.
struct NeighbourCount {
  std::size_t fields = 0, positives = 0;
  double weight = 0, positive_weight = 0;
};

struct Neighbours {
  NeighbourCount substitutions;  // one element replaced, weight: the similarity of the two
  NeighbourCount extensions;     // one element more, weight 1
  NeighbourCount reductions;     // one element less, weight 1
};

// Of each kind: the log odds of a positive among the neighbours, together with one neighbour at the rate of all known
// fields; and log(1 + their number).
using Evidence = std::array<double, 6>;
inline constexpr std::array<std::string_view, 6> evidence_names{
    "substitutions", "substitution_count", "extensions", "extension_count", "reductions", "reduction_count"};

class Neighbourhood {
 public:
  explicit Neighbourhood(ElementSimilarity similarity) : similarity_(std::move(similarity)) {}
  // A field that was added before is not added again.
  void add(const PhaseField& field, bool positive);
  // The field itself is no neighbour of its own, known or not.
  Neighbours neighbours(const PhaseField& field) const;
  Evidence evidence(const PhaseField& field) const;

 private:
  struct Extension {
    Element element;
    bool positive;
  };
  ElementSimilarity similarity_;
  std::unordered_map<FieldKey, bool, FieldKeyHash> known_;
  // Of a set of elements: the known fields that have one element more.
  std::unordered_map<FieldKey, std::vector<Extension>, FieldKeyHash> extensions_;
  std::size_t positives_ = 0;
};

}  // namespace phaseselect
