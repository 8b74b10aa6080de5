#include "bench/synthetic.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "host/model/paper_shape.hpp"
#include "host/pipeline/problem.hpp"

namespace phaseselect {
namespace {

using Pattern = std::vector<std::uint16_t>;

// In (0, 1], the same with every standard library.
double uniform(std::mt19937_64& random) { return (static_cast<double>(random() >> 11) + 1) * 0x1p-53; }

// 0 .. count-1; the larger the skew, the more often the first ones. 1: all alike.
std::uint32_t skewed(double skew, std::uint32_t count, std::mt19937_64& random) {
  const auto drawn = static_cast<std::uint32_t>(std::pow(uniform(random), skew) * count);
  return std::min(drawn, count - 1);
}

void add_element(double skew, std::set<std::uint16_t>& pattern, std::mt19937_64& random) {
  const std::size_t size = pattern.size();
  while (pattern.size() == size)
    pattern.insert(static_cast<std::uint16_t>(skewed(skew, paper_shape::elements, random)));
}

// One that is not among `seen`: a pattern that is grows by an element.
Pattern new_pattern(std::set<Pattern>& seen, std::mt19937_64& random) {
  constexpr double skew = 1.15;
  const auto drawn = static_cast<std::size_t>(6.9 * std::pow(-std::log(uniform(random)), 1.15));
  const std::size_t size = std::min<std::size_t>(1 + drawn, paper_shape::elements / 2);
  std::set<std::uint16_t> pattern;
  while (pattern.size() < size) add_element(skew, pattern, random);
  while (!seen.emplace(pattern.begin(), pattern.end()).second) add_element(skew, pattern, random);
  return {pattern.begin(), pattern.end()};
}

void add_fields(Problem& problem, std::mt19937_64& random) {
  problem.fields.slots = paper_shape::slots;
  std::size_t size = 0;
  for (const std::size_t count : paper_shape::fields_of_size) {
    ++size;
    for (std::size_t i = 0; i < count; ++i) {
      std::set<std::uint16_t> field;
      while (field.size() < size) add_element(1, field, random);
      problem.fields.rows.insert(problem.fields.rows.end(), field.begin(), field.end());
      problem.fields.rows.insert(problem.fields.rows.end(), paper_shape::slots - size, std::int16_t{-1});
      problem.labels.push_back(uniform(random) < 1.0 / 3 ? 1 : 0);
    }
  }
}

}  // namespace

EnvironmentGroups synthetic_groups(int scale) {
  std::mt19937_64 random(2022);
  EnvironmentGroups result;
  result.elements = paper_shape::elements;
  result.environments = static_cast<std::uint32_t>(scale) * paper_shape::environments;
  result.offsets.push_back(0);
  std::set<Pattern> seen;
  std::vector<Pattern> patterns;
  while (static_cast<int>(patterns.size()) < scale * paper_shape::groups) {
    patterns.push_back(new_pattern(seen, random));
  }
  // As group_columns numbers them.
  std::stable_sort(patterns.begin(), patterns.end(), [](auto& a, auto& b) { return a.size() < b.size(); });
  for (const Pattern& pattern : patterns) {
    result.rows.insert(result.rows.end(), pattern.begin(), pattern.end());
    result.offsets.push_back(static_cast<std::uint32_t>(result.rows.size()));
    result.column_group.push_back(static_cast<std::uint32_t>(result.multiplicity.size()));
    result.multiplicity.push_back(1);
  }
  while (result.column_group.size() < result.environments) {
    const std::uint32_t group = skewed(8, static_cast<std::uint32_t>(result.groups()), random);
    result.column_group.push_back(group);
    ++result.multiplicity[group];
  }
  return result;
}

Problem synthetic_problem(const Config& config, int scale) {
  std::mt19937_64 random(2022);
  Problem problem;
  problem.groups = synthetic_groups(scale);
  add_fields(problem, random);
  problem.architecture = make_architecture(config, problem.groups, paper_shape::slots);
  problem.classifier = classifier_plan(config);
  problem.ranking = ranking_plan(config);
  problem.seed = config.ensemble.seed;
  return problem;
}

}  // namespace phaseselect
