// Small made-up tables and a configuration that trains in well under a second, for tests of whole commands.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace phaseselect::small_data {

inline const std::vector<std::string> cations{"Ba", "Ca", "K", "Li", "Mg", "Na"};
inline const std::vector<std::string> anions{"Cl", "F", "O", "S"};
inline constexpr int elements = 10;
inline constexpr int ternaries = 120;  // C(10, 3)

// A folder of its own, removed at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "phaseselect-test-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Cells of a CSV without quotes, header included.
inline std::vector<std::vector<std::string>> read_cells(const std::filesystem::path& path) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream text(read_file(path));
  for (std::string line; std::getline(text, line);) {
    std::vector<std::string> cells(1);
    for (const char c : line) {
      if (c == ',') {
        cells.emplace_back();
      } else {
        cells.back() += c;
      }
    }
    rows.push_back(cells);
  }
  return rows;
}

// Binary and ternary formulas: 6 cations and 4 anions.
inline std::string formulas_csv() {
  std::string text = "formula\n";
  for (const std::string& anion : anions) {
    for (std::size_t i = 0; i < cations.size(); ++i) {
      text += cations[i] + anion + "\n" + cations[i] + "2" + anion + "\n";
      for (std::size_t j = 0; j < i; j += 2) text += cations[j] + cations[i] + anion + "3\n";
    }
  }
  return text;
}

// 60 ternary fields; those with oxygen, and sodium fluorides and the like, reach 10.
inline std::string fields_csv() {
  std::string text = "phases,Tc\n";
  int row = 0;
  for (const std::string& anion : anions) {
    for (std::size_t i = 0; i < cations.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j, ++row) {
        const int value = (anion == "O" ? 20 : 2) + (cations[i] == "Na" ? 9 : 0) + row % 3;
        text += cations[i] + " " + cations[j] + " " + anion + "," + std::to_string(value) + "\n";
      }
    }
  }
  return text;
}

inline std::string config_yaml() {
  return R"(data: {properties: fields.csv, property: Tc, threshold: 10}
environments: {formulas: formulas.csv}
model:
  features: 4
  attention: {heads: 2, key_dim: 2}
  hidden: [8, 4]
  dropout: 0.1
  l1: 0
  l2: 0
training: {epochs: 4, batch: 8, learning_rate: 1.0e-2, patience: 0, holdout: 0.2}
ensemble: {members: 3, seed: 7}
ranking: {epochs: 3, batch: 8, learning_rate: 1.0e-3, dropout: 0.1, patience: 0}
validation: {folds: 3, stratified: true, seed: 2}
profile: paper
)";
}

inline void write_tables(const Folder& folder) {
  write_file(folder / "formulas.csv", formulas_csv());
  write_file(folder / "fields.csv", fields_csv());
  write_file(folder / "config.yaml", config_yaml());
}

// Compounds of 40 metals with oxygen, and a field of each neighbouring pair of metals.
inline void write_wide_tables(const Folder& folder) {
  const std::vector<std::string> metals{"Ag", "Al", "Au", "Ba", "Be", "Bi", "Ca", "Cd", "Ce", "Co",
                                        "Cr", "Cs", "Cu", "Dy", "Er", "Eu", "Fe", "Ga", "Gd", "Hf",
                                        "Hg", "Ho", "In", "Ir", "K",  "La", "Li", "Lu", "Mg", "Mn",
                                        "Mo", "Na", "Nb", "Nd", "Ni", "Os", "Pb", "Pd", "Pr", "Pt"};
  std::string formulas = "formula\n", fields = "phases,Tc\n";
  for (std::size_t i = 0; i < metals.size(); ++i) {
    const std::string& next = metals[(i + 1) % metals.size()];
    formulas += metals[i] + "O\n" + metals[i] + next + "O" + std::to_string(2 + i % 3) + "\n";
    fields += metals[i] + " " + next + " O," + std::to_string(i % 4 * 6) + "\n";
  }
  write_tables(folder);
  write_file(folder / "formulas.csv", formulas);
  write_file(folder / "fields.csv", fields);
}

}  // namespace phaseselect::small_data
