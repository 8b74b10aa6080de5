// The nearest fields by an index from elements to fields: what shares no element is never looked at.
#include "host/pipeline/baselines.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace phaseselect {
namespace {

class FieldIndex {
 public:
  void add(const PhaseField& field, bool positive) {
    const auto number = static_cast<std::uint32_t>(sizes_.size());
    for (const Element element : field.elements()) of_element_[index(element)].push_back(number);
    sizes_.push_back(field.size());
    positive_.push_back(positive ? 1 : 0);
    positives_ += positive ? 1 : 0;
    shared_.push_back(0);
  }

  double share_of_positives() const { return static_cast<double>(positives_) / static_cast<double>(sizes_.size()); }

  double share_among_nearest(const PhaseField& field) {
    std::vector<std::uint32_t> related;
    for (const Element element : field.elements()) {
      for (const std::uint32_t other : of_element_[index(element)]) {
        if (shared_[other]++ == 0) related.push_back(other);
      }
    }
    if (related.empty()) return share_of_positives();
    int most_shared = 0, least_united = 1;  // the greatest similarity so far, as a fraction
    double fields = 0, positives = 0;
    for (const std::uint32_t other : related) {
      const int shared = shared_[other];
      const int united = field.size() + sizes_[other] - shared;
      shared_[other] = 0;
      if (shared * least_united < most_shared * united) continue;
      if (shared * least_united > most_shared * united) {
        most_shared = shared;
        least_united = united;
        fields = positives = 0;
      }
      ++fields;
      positives += positive_[other];
    }
    return positives / fields;
  }

 private:
  static std::size_t index(Element element) { return static_cast<std::size_t>(rank(element)); }
  std::array<std::vector<std::uint32_t>, element_count> of_element_;
  std::vector<int> sizes_;
  std::vector<std::uint8_t> positive_;
  std::vector<std::uint8_t> shared_;  // with the field that is asked about; 0 between questions
  std::size_t positives_ = 0;
};

FieldIndex learned(const PreparedData& data, const SplitFold& fold) {
  FieldIndex known;
  for (const std::uint32_t row : fold.training) known.add(data.kept[row].field, data.problem.labels[row] != 0);
  return known;
}

}  // namespace

std::vector<float> prevalence(const PreparedData& data, const SplitFold& fold) {
  const auto share = static_cast<float>(learned(data, fold).share_of_positives());
  return std::vector<float>(fold.judged.size(), share);
}

std::vector<float> nearest_field(const PreparedData& data, const SplitFold& fold) {
  FieldIndex known = learned(data, fold);
  std::vector<float> shares;
  shares.reserve(fold.judged.size());
  for (const std::uint32_t row : fold.judged) {
    shares.push_back(static_cast<float>(known.share_among_nearest(data.kept[row].field)));
  }
  return shares;
}

}  // namespace phaseselect
