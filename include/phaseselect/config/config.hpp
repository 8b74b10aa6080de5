// The typed configuration: YAML in, defaults and checks in one place, and the resolved form out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/data/validation_split.hpp"
#include "phaseselect/engine/engine.hpp"
#include "phaseselect/model/architecture.hpp"

namespace phaseselect {

// What early stopping watches on the member's held-out rows.
enum class Monitor { accuracy, loss };

// Its defaults are the profile `default`: what configs/magnets.yaml says (DESIGN.md 3.6).
struct Config {
  struct Data {
    std::filesystem::path properties;          // required
    std::string property;                      // empty: the only column that can be one
    std::string formula;                       // column of the formulas or phase fields; empty: by its usual names
    DecimalMark decimal = DecimalMark::point;  // of both tables
    double threshold = 0;                      // required
    bool inclusive = true;
  } data;
  struct Environments {
    std::filesystem::path formulas;  // required
    std::string formula;             // column of the formulas; empty: by its usual names
    Grouping grouping = Grouping::exact;
    Normalisation normalisation = Normalisation::row;
  } environments;
  struct Model {
    int features = 64;
    struct Attention {
      int heads = 8;
      int key_dim = 2;
      Combine combine = Combine::pooled;
      bool mask = true;   // must be true with combine: pooled
      double weight = 1;  // of its output beside X; must be 1 with combine: values and scores
    } attention;
    std::vector<int> hidden{256, 256};
    double dropout = 0.5;
    double l1 = 0;
    double l2 = 0;
    SlotOrder slot_order = SlotOrder::sorted;
    int prediction_orders = 1;  // must be 1 with slot_order: sorted
    int slots = 0;              // 0: as many as the largest training field has elements
    double autoencoder_weight = 1.0;
  } model;
  struct Training {
    int epochs = 40;
    int batch = 256;
    std::string optimiser = "adam";
    double learning_rate = 2e-3;
    double encoder_rate = 0.1;  // learning rate of encoder.weights, as a multiple; 0: they keep their initial values
    Schedule schedule = Schedule::cosine;
    double weight_decay = 1;
    ClassWeights class_weights = ClassWeights::none;
    int patience = 0;  // epochs without improvement before a member stops; 0: never
    Monitor monitor = Monitor::accuracy;
    double holdout = 0.1;  // share of a member's fields it never trains on (early stopping, ranking reference)
    Precision precision = Precision::fp32;
  } training;
  struct EnsembleSettings {
    int members = 20;
    std::uint64_t seed = 1;
  } ensemble;
  struct Ranking {
    int epochs = 100;
    int batch = 16;
    double learning_rate = 1e-3;
    double dropout = 0.1;
    int patience = 7;
  } ranking;
  // The learned accessibility: members of the same network, trained to tell known fields from unreported ones.
  struct Accessibility {
    int members = 10;    // 0: none; otherwise at least one for each fold
    int folds = 5;       // member i never sees the fields of fold i mod folds
    int unreported = 4;  // unreported fields for each known one of the same size
    int epochs = 20;
    int batch = 256;
    double learning_rate = 1e-3;
    Schedule schedule = Schedule::cosine;
    double weight_decay = 0.2;
    double dropout = 0.1;
  } accessibility;
  struct CalibrationSettings {
    bool neighbours = true;  // evidence from known fields that differ by one element
  } calibration;
  ValidationSplit validation;
};

// The profile `paper`: the letter of the Methods of Vasylenko et al. 2022.
Config paper_profile();

// A value that counts instead of the file's.
struct Override {
  std::string setting;  // "ensemble.members=5"
  std::string given;    // what the user typed, for messages: "--members 5"
};

// Reads and checks a configuration. What it does not say is that of its `profile`, which the top-level key of this name
// or an override of it chooses, wherever they stand: default or paper. The file is one YAML document of up to a
// megabyte, without aliases, anchors and tags. `overrides` are "key.path=value": text as it stands or in quotes,
// numbers and words, lists as [8, 4]; no sections. Paths in the file are relative to the file's folder, paths in
// overrides to the working directory; the result holds absolute paths. Throws UsageError, naming file, line and key:
// unreadable file, YAML syntax, unknown or repeated keys, wrong types, values out of range, missing required keys.
Config read_config(const std::filesystem::path& path, std::span<const std::string> overrides = {});
// The same for overrides that go by another name than "--set key.path=value".
Config read_config(const std::filesystem::path& path, std::span<const Override> overrides);

// The key with this path or, where only one has it, last word: "features" is "model.features". Throws UsageError that
// begins with `option`.
std::string full_key(const std::string& name, const std::string& option);

// The resolved configuration as YAML: every key and no profile, so that read_config of it gives the same Config.
std::string to_yaml(const Config& config);

}  // namespace phaseselect
