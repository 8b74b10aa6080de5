// The command-line program whose GPU is the SIMT test executor, on small tables.
#pragma once

#include <cstdlib>
#include <string>
#include <utility>

#include "tests/cli/fixture.hpp"

namespace phaseselect::whole {

// Set for the programs that start while this lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

inline constexpr const char* memory_variable = "PHASESELECT_SIMT_MEMORY";
inline constexpr const char* no_gpu_variable = "PHASESELECT_SIMT_NO_GPU";
inline constexpr const char* seed_variable = "PHASESELECT_SIMT_SEED";

inline const std::string device_name = "SIMT test executor, compute capability 9.0";

// About a hundred formulas whose amounts differ, so that most environments form groups of their own.
inline std::string formulas_csv() {
  std::string text = "formula\n";
  for (std::size_t a = 0; a < small_data::anions.size(); ++a) {
    const std::string& anion = small_data::anions[a];
    for (std::size_t i = 0; i < small_data::cations.size(); ++i) {
      const std::string& cation = small_data::cations[i];
      text += cation + anion + std::to_string(2 + (i + a) % 3) + "\n" + cation + "3" + anion + "\n";
      for (std::size_t j = 0; j < i; ++j) {
        if ((i * 7 + j * 5 + a * 3) % 6 == 0) continue;
        text += small_data::cations[j] + std::to_string(2 + (i + 2 * a) % 3) + cation + std::to_string(2 + j % 2) +
                anion + std::to_string(3 + (i * j + a) % 5) + "\n";
      }
    }
  }
  return text;
}

inline constexpr const char* config = R"(data: {properties: fields.csv, property: Tc, threshold: 12}
environments: {formulas: formulas.csv}
model:
  features: 5
  attention: {heads: 3, key_dim: 2}
  hidden: [9, 7]
  dropout: 0.2
  l1: 1.0e-3
  l2: 1.0e-3
training: {epochs: 3, batch: 8, learning_rate: 1.0e-2, patience: 0, holdout: 0.2}
ensemble: {members: 3, seed: 7}
ranking: {epochs: 2, batch: 8, learning_rate: 1.0e-3, dropout: 0.1, patience: 0}
validation: {folds: 2, stratified: true, seed: 2}
profile: paper
)";

class Whole : public CommandLine {
 protected:
  static void SetUpTestSuite() {}
  // Each test has the folder to itself.
  void SetUp() override {
    for (const auto& entry : std::filesystem::directory_iterator(folder().path())) {
      std::filesystem::remove_all(entry.path());
    }
    small_data::write_file(folder() / "formulas.csv", formulas_csv());
    small_data::write_file(folder() / "fields.csv", small_data::fields_csv());
    small_data::write_file(folder() / "config.yaml", config);
  }

  static Words joined(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static Words settings(const Words& keys) {
    Words words;
    for (const std::string& key : keys) words.insert(words.end(), {"--set", key});
    return words;
  }
  static Words training(const std::string& run, const std::string& device, const Words& keys = {}) {
    return joined({"train", "config.yaml", "-o", run, "--device", device}, settings(keys));
  }
  // Runs a command that must succeed; `--quiet` commands must say nothing either.
  static Outcome expect_done(const Words& arguments) {
    Outcome outcome = call(arguments);
    EXPECT_EQ(outcome.code, 0) << testing::PrintToString(arguments) << "\n" << outcome.err;
    const bool quiet = std::find(arguments.begin(), arguments.end(), "--quiet") != arguments.end();
    EXPECT_TRUE(!quiet || outcome.err.empty()) << outcome.err;
    return outcome;
  }
  static void expect_same_run(const std::string& a, const std::string& b) {
    for (const char* file : {"members.safetensors", "history.csv"})
      expect_same_file(folder() / a / file, folder() / b / file);
  }
};

}  // namespace phaseselect::whole
