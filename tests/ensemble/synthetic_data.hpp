// A small problem on disk: formulas and measured fields drawn from twelve elements, labels that follow from the
// elements.
#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "phaseselect/config/config.hpp"
#include "tests/temporary_folder.hpp"

namespace phaseselect {

inline const std::vector<std::string> synthetic_elements = {"Al", "Ba", "Ca", "Cl", "Cu", "F",
                                                            "Fe", "Li", "Mg", "Na", "O",  "S"};

inline std::string synthetic_formula(std::mt19937& random, std::size_t size, double& value) {
  std::string formula;
  std::vector<std::size_t> chosen;
  value = 0;
  while (chosen.size() < size) {
    const std::size_t element = random() % synthetic_elements.size();
    if (std::find(chosen.begin(), chosen.end(), element) != chosen.end()) continue;
    chosen.push_back(element);
    formula += synthetic_elements[element] + std::to_string(1 + random() % 3);
    value += static_cast<double>(element);
  }
  value /= static_cast<double>(size);
  return formula;
}

// Writes tables and config.yaml into the folder; later lines may override keys ("ensemble.members=5").
inline Config synthetic_config(const TemporaryFolder& folder, const std::vector<std::string>& overrides = {}) {
  std::mt19937 random(11);
  std::string formulas = "formula\n";
  std::string fields = "formula,Tc\n";
  double value = 0;
  for (int i = 0; i < 150; ++i) formulas += synthetic_formula(random, 2 + random() % 2, value) + "\n";
  for (int i = 0; i < 60; ++i) {
    const std::string formula = synthetic_formula(random, 2 + random() % 3, value);
    fields += formula + "," + std::to_string(value) + "\n";
  }
  write_bytes(folder / "formulas.csv", formulas);
  write_bytes(folder / "fields.csv", fields);
  write_bytes(folder / "config.yaml",
              "profile: paper\n"
              "data: {properties: fields.csv, threshold: 5.5}\n"
              "environments: {formulas: formulas.csv}\n"
              "model: {features: 4, attention: {heads: 2, key_dim: 3}, hidden: [9, 5], dropout: 0.2, l1: 0, l2: 1e-5}\n"
              "training: {epochs: 8, batch: 8, learning_rate: 1e-2, patience: 3, holdout: 0.2}\n"
              "ensemble: {members: 4, seed: 5}\n"
              "ranking: {epochs: 6, batch: 8, patience: 2}\n");
  return read_config(folder / "config.yaml", overrides);
}

}  // namespace phaseselect
