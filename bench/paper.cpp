#include "bench/paper.hpp"

#include <numeric>

#include "bench/synthetic.hpp"
#include "bench/tables.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/data/candidates.hpp"

namespace phaseselect {
namespace {

Config paper_config() {
  Config config = paper_profile();
  config.data.threshold = 10;
  config.training.patience = 0;
  return config;
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
    result.problem = synthetic_problem(result.config, 1);
    result.source = "synthetic, of the sizes of the published tables";
  }
  return result;
}

}  // namespace

const Paper& paper() {
  static const Paper loaded = load_paper();
  return loaded;
}

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
