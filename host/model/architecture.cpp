#include "phaseselect/model/architecture.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "phaseselect/model/random.hpp"

namespace phaseselect {

std::vector<int> ranking_widths(const Architecture& architecture) {
  constexpr int latent = 4;
  const int input = architecture.field_width();
  const std::array<int, 4> encoder{std::max(input / 2, latent), std::max(input / 4, latent),
                                   std::max(input / 8, latent), std::max(input / 16, latent)};
  std::vector<int> widths{input};
  widths.insert(widths.end(), encoder.begin(), encoder.end());
  widths.push_back(latent);
  widths.insert(widths.end(), encoder.rbegin(), encoder.rend());
  widths.push_back(input);
  return widths;
}

std::vector<int> prediction_permutation(int order, int size, std::uint64_t seed) {
  std::vector<int> permutation(static_cast<std::size_t>(size));
  std::iota(permutation.begin(), permutation.end(), 0);
  if (order == 0) return permutation;
  const RandomStream random{seed, 0, Stream::prediction_order, 0, static_cast<std::uint32_t>(order)};
  std::stable_sort(permutation.begin(), permutation.end(), [&](int left, int right) {
    return random(static_cast<std::uint32_t>(left)) < random(static_cast<std::uint32_t>(right));
  });
  return permutation;
}

}  // namespace phaseselect
