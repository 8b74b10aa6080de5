#include "phaseselect/model/architecture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect {

std::vector<float> row_factors(Normalisation normalisation, const EnvironmentGroups& groups) {
  std::vector<float> factors(static_cast<std::size_t>(groups.elements), 1.0f);
  if (normalisation == Normalisation::none) return factors;
  std::vector<double> environments(factors.size());
  for (std::size_t g = 0; g < groups.multiplicity.size(); ++g) {
    for (std::uint32_t one = groups.offsets[g]; one < groups.offsets[g + 1]; ++one) {
      environments[groups.rows[one]] += groups.multiplicity[g];
    }
  }
  for (std::size_t e = 0; e < factors.size(); ++e) {
    if (environments[e] > 0) factors[e] = static_cast<float>(1.0 / std::sqrt(environments[e]));
  }
  return factors;
}

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
