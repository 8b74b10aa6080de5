#include "bench/cuda/paper.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <random>
#include <set>

#include "bench/tables.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/data/candidates.hpp"

namespace phaseselect {
namespace {

// Sizes of the published tables, grouped exactly.
constexpr int elements = 87, groups = 10423, slots = 8;
constexpr std::uint32_t environments = 63384;
constexpr std::size_t fields_of_size[] = {70, 875, 1492, 653, 601, 401, 115, 12};  // 4,219 in all

Config paper_config() {
  Config config;  // its defaults are the letter of the paper
  config.data.threshold = 10;
  config.training.patience = 0;
  return config;
}

// Uniform in 0 .. count-1 (to the small bias of a modulus), the same with every standard library.
std::uint32_t below(std::mt19937_64& random, std::uint32_t count) {
  return static_cast<std::uint32_t>((random() >> 20) % count);
}

std::vector<std::uint16_t> distinct_elements(std::size_t size, std::mt19937_64& random) {
  std::set<std::uint16_t> chosen;
  while (chosen.size() < size) chosen.insert(static_cast<std::uint16_t>(below(random, elements)));
  return {chosen.begin(), chosen.end()};
}

// Patterns of 2 to 14 elements: 8 on average, as the published matrix has it (82,852 ones).
EnvironmentGroups synthetic_groups(std::mt19937_64& random) {
  EnvironmentGroups result;
  result.elements = elements;
  result.environments = environments;
  result.offsets.push_back(0);
  std::set<std::vector<std::uint16_t>> seen;
  while (result.groups() < groups) {
    std::vector<std::uint16_t> pattern = distinct_elements(2 + below(random, 13), random);
    if (!seen.insert(pattern).second) continue;
    result.rows.insert(result.rows.end(), pattern.begin(), pattern.end());
    result.offsets.push_back(static_cast<std::uint32_t>(result.rows.size()));
    const auto g = static_cast<std::uint32_t>(result.groups());
    constexpr std::uint32_t each = environments / groups, rest = environments % groups;
    result.multiplicity.push_back(each + (g < rest ? 1 : 0));
  }
  for (std::uint32_t copy = 0; result.column_group.size() < environments; ++copy) {
    for (std::uint32_t g = 0; g < result.multiplicity.size(); ++g) {
      if (copy < result.multiplicity[g]) result.column_group.push_back(g);
    }
  }
  return result;
}

FieldSet synthetic_fields(std::mt19937_64& random) {
  FieldSet fields{slots, {}};
  std::size_t size = 0;
  for (const std::size_t count : fields_of_size) {
    ++size;
    for (std::size_t i = 0; i < count; ++i) {
      for (const std::uint16_t row : distinct_elements(size, random)) {
        fields.rows.push_back(static_cast<std::int16_t>(row));
      }
      fields.rows.insert(fields.rows.end(), slots - size, std::int16_t{-1});
    }
  }
  return fields;
}

Problem synthetic_problem(const Config& config) {
  std::mt19937_64 random(2022);
  Problem problem;
  problem.groups = synthetic_groups(random);
  problem.fields = synthetic_fields(random);
  problem.architecture = make_architecture(config, problem.groups, slots);
  problem.classifier = classifier_plan(config);
  problem.ranking = ranking_plan(config);
  problem.seed = config.ensemble.seed;
  for (std::size_t i = 0; i < problem.fields.size(); ++i) problem.labels.push_back(below(random, 100) < 32 ? 1 : 0);
  return problem;
}

Paper load_paper() {
  Paper result{paper_config(), {}, {}};
  const auto properties = published_table("superconductors.csv"), formulas = published_table("mp_formulas.csv");
  if (properties && formulas) {
    result.config.data.properties = *properties;
    result.config.environments.formulas = *formulas;
    result.problem = prepare(result.config).problem;
    result.source = "published tables (superconductors.csv, mp_formulas.csv)";
  } else {
    result.problem = synthetic_problem(result.config);
    result.source = "synthetic, of the sizes of the published tables";
  }
  return result;
}

}  // namespace

const Paper& paper() {
  static const Paper loaded = load_paper();
  return loaded;
}

double floor_bytes(const Architecture& architecture) { return 2.0 * architecture.groups * architecture.features * 24; }

double steps_of(const MemberPlan& plan, const OptimiserPlan& optimiser) {
  const auto batch = static_cast<std::size_t>(optimiser.batch);
  return static_cast<double>((plan.training.size() + batch - 1) / batch);
}

std::vector<std::int16_t> all_candidates(int rows_of_matrix, int arity) {
  std::vector<int> combination(static_cast<std::size_t>(arity));
  std::iota(combination.begin(), combination.end(), 0);
  std::vector<std::int16_t> rows;
  rows.reserve(binomial(rows_of_matrix, arity) * static_cast<std::size_t>(arity));
  do {
    for (const int row : combination) rows.push_back(static_cast<std::int16_t>(row));
  } while (next_combination(combination, rows_of_matrix));
  return rows;
}

}  // namespace phaseselect
