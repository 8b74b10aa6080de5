// The splits of a validation: random folds, and harder ones that ask for more than a random fold does.
#include "phaseselect/data/validation_split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <utility>

#include "phaseselect/data/folds.hpp"
#include "phaseselect/error.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect {
namespace {

using ElementSet = std::bitset<element_count>;

ElementSet element_set(const PhaseField& field) {
  ElementSet set;
  for (const Element element : field.elements()) set.set(static_cast<std::size_t>(rank(element)));
  return set;
}

std::vector<ElementSet> element_sets(std::span<const PhaseField> fields) {
  std::vector<ElementSet> sets;
  sets.reserve(fields.size());
  for (const PhaseField& field : fields) sets.push_back(element_set(field));
  return sets;
}

// Each row to the side that `judged` says.
template <typename Predicate>
SplitFold divide(std::size_t rows, std::string holds_out, Predicate judged) {
  SplitFold fold{std::move(holds_out), {}, {}};
  for (std::uint32_t row = 0; row < rows; ++row) (judged(row) ? fold.judged : fold.training).push_back(row);
  return fold;
}

std::vector<SplitFold> random_folds(std::span<const std::uint8_t> labels, const ValidationSplit& how) {
  const std::vector<std::uint8_t> of_row = make_folds(labels, how.folds, how.stratified, how.seed);
  std::vector<SplitFold> folds;
  for (int f = 0; f < how.folds; ++f) {
    folds.push_back(divide(labels.size(), "", [&](std::uint32_t row) { return of_row[row] == f; }));
  }
  return folds;
}

// Takes from the training part what contains a judged field or is contained in one.
void leave_relatives_out(const std::vector<ElementSet>& sets, SplitFold& fold) {
  std::erase_if(fold.training, [&](std::uint32_t row) {
    return std::any_of(fold.judged.begin(), fold.judged.end(), [&](std::uint32_t judged) {
      const ElementSet common = sets[row] & sets[judged];
      return common == sets[row] || common == sets[judged];
    });
  });
}

// Elements that enough fields of each class have, in an order drawn at random.
std::vector<Element> drawn_elements(std::span<const PhaseField> fields, std::span<const std::uint8_t> labels,
                                    const ValidationSplit& how) {
  std::array<std::array<int, 2>, element_count> counts{};
  for (std::size_t row = 0; row < fields.size(); ++row) {
    for (const Element e : fields[row].elements()) ++counts[static_cast<std::size_t>(rank(e))][labels[row] != 0];
  }
  const RandomStream stream{how.seed, 0, Stream::folds};
  std::vector<std::pair<std::uint32_t, Element>> drawn;
  for (int e = 0; e < element_count; ++e) {
    const auto& [negatives, positives] = counts[static_cast<std::size_t>(e)];
    if (std::min(negatives, positives) < fewest_fields_of_class) continue;
    drawn.emplace_back(stream(static_cast<std::uint32_t>(e)), static_cast<Element>(e));
  }
  if (drawn.size() < static_cast<std::size_t>(how.folds)) {
    throw UsageError(
        fmt::format("{} elements are in {} fields or more of each class, too few for {} folds of validation.split "
                    "leave_element_out: set validation.folds lower or name elements in validation.elements",
                    drawn.size(), fewest_fields_of_class, how.folds));
  }
  std::sort(drawn.begin(), drawn.end());
  std::vector<Element> elements;
  for (int f = 0; f < how.folds; ++f) elements.push_back(drawn[static_cast<std::size_t>(f)].second);
  std::sort(elements.begin(), elements.end());
  return elements;
}

std::vector<Element> named_elements(const std::vector<std::string>& symbols) {
  std::vector<Element> elements;
  for (const std::string& name : symbols) {
    const std::optional<Element> element = find_element(name);
    if (!element) throw UsageError(fmt::format("validation.elements: unknown element '{}'", name));
    if (std::find(elements.begin(), elements.end(), *element) != elements.end()) {
      throw UsageError(fmt::format("validation.elements: '{}' is given twice", name));
    }
    elements.push_back(*element);
  }
  return elements;
}

std::vector<SplitFold> without_elements(std::span<const PhaseField> fields, const std::vector<ElementSet>& sets,
                                        std::span<const std::uint8_t> labels, const ValidationSplit& how) {
  std::vector<SplitFold> folds;
  for (const Element e : how.elements.empty() ? drawn_elements(fields, labels, how) : named_elements(how.elements)) {
    folds.push_back(divide(fields.size(), fmt::format("fields with {}", symbol(e)),
                           [&](std::uint32_t row) { return sets[row].test(static_cast<std::size_t>(rank(e))); }));
  }
  return folds;
}

void check(const SplitFold& fold, std::size_t number, std::span<const std::uint8_t> labels) {
  const std::string name = fmt::format("fold {}{}", number, fold.holds_out.empty() ? "" : " (" + fold.holds_out + ")");
  if (fold.judged.empty()) throw UsageError(fmt::format("{} has no field to be judged by", name));
  const auto positives =
      std::count_if(fold.training.begin(), fold.training.end(), [&](std::uint32_t row) { return labels[row] != 0; });
  const auto negatives = static_cast<std::ptrdiff_t>(fold.training.size()) - positives;
  if (std::min(positives, negatives) < 2) {
    throw UsageError(fmt::format(
        "{} leaves {} fields of class 0 and {} of class 1 to learn from, at least 2 are needed: choose another "
        "validation.split or threshold",
        name, negatives, positives));
  }
}

}  // namespace

std::vector<SplitFold> split_fields(std::span<const PhaseField> fields, std::span<const std::uint8_t> labels,
                                    const ValidationSplit& how) {
  std::vector<SplitFold> folds;
  if (how.split == SplitKind::arity) {
    folds.push_back(divide(fields.size(), fmt::format("fields of {} elements and more", how.arity + 1),
                           [&](std::uint32_t row) { return fields[row].size() > how.arity; }));
  } else if (how.split == SplitKind::leave_element_out) {
    folds = without_elements(fields, element_sets(fields), labels, how);
  } else {
    folds = random_folds(labels, how);
  }
  if (how.split == SplitKind::supersets) {
    const std::vector<ElementSet> sets = element_sets(fields);
    for (SplitFold& fold : folds) leave_relatives_out(sets, fold);
  }
  for (std::size_t f = 0; f < folds.size(); ++f) check(folds[f], f, labels);
  return folds;
}

}  // namespace phaseselect
