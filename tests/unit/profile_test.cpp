// Profiles: every value of both, what overrides them, and that the shipped configurations say what they always said.
#include "tests/unit/config_fixture.hpp"

namespace phaseselect {
namespace {

// The resolved form from the environments' grouping on.
std::string settings_of(const Config& config) {
  const std::string yaml = to_yaml(config);
  return yaml.substr(yaml.find("  grouping:"));
}

const std::string default_settings = R"(  grouping: exact
  normalisation: row
model:
  features: 64
  attention:
    heads: 8
    key_dim: 2
    combine: pooled
    mask: true
    weight: 1
  hidden: [256, 256]
  dropout: 0.5
  l1: 0
  l2: 0
  slot_order: sorted
  prediction_orders: 1
  slots: 0
  autoencoder_weight: 1
training:
  epochs: 40
  batch: 256
  optimiser: adam
  learning_rate: 0.002
  encoder_rate: 0.1
  schedule: cosine
  weight_decay: 1
  class_weights: none
  patience: 0
  monitor: accuracy
  holdout: 0.1
  precision: fp32
ensemble:
  members: 20
  seed: 1
ranking:
  epochs: 100
  batch: 16
  learning_rate: 0.001
  dropout: 0.1
  patience: 7
accessibility:
  members: 10
  folds: 5
  unreported: 4
  epochs: 20
  batch: 256
  learning_rate: 0.001
  schedule: cosine
  weight_decay: 0.2
  dropout: 0.1
calibration:
  neighbours: true
validation:
  split: random
  folds: 5
  stratified: true
  seed: 1
  elements: []
  arity: 3
)";

const std::string paper_settings = R"(  grouping: exact
  normalisation: none
model:
  features: 20
  attention:
    heads: 8
    key_dim: 2
    combine: values
    mask: true
    weight: 1
  hidden: [80, 80, 80, 20]
  dropout: 0.5
  l1: 0.03
  l2: 0.0001
  slot_order: sorted
  prediction_orders: 1
  slots: 0
  autoencoder_weight: 1
training:
  epochs: 100
  batch: 16
  optimiser: adam
  learning_rate: 1e-05
  encoder_rate: 1
  schedule: constant
  weight_decay: 0
  class_weights: balanced
  patience: 7
  monitor: accuracy
  holdout: 0.1
  precision: fp32
ensemble:
  members: 300
  seed: 1
ranking:
  epochs: 100
  batch: 16
  learning_rate: 0.001
  dropout: 0.1
  patience: 7
accessibility:
  members: 0
  folds: 5
  unreported: 4
  epochs: 20
  batch: 256
  learning_rate: 0.001
  schedule: cosine
  weight_decay: 0.2
  dropout: 0.1
calibration:
  neighbours: false
validation:
  split: random
  folds: 5
  stratified: true
  seed: 1
  elements: []
  arity: 3
)";

TEST_F(ConfigTest, EveryValueOfBothProfiles) {
  EXPECT_EQ(settings_of(read(required_keys)), default_settings);
  EXPECT_EQ(settings_of(read(required_keys + "profile: default\n")), default_settings);
  EXPECT_EQ(settings_of(read(required_keys + "profile: paper\n")), paper_settings);
  EXPECT_EQ(settings_of(paper_profile()), paper_settings);
}

TEST_F(ConfigTest, KeysOverrideTheProfileWhereverItStands) {
  const std::string keys = "model: {features: 5}\ntraining: {patience: 3}\n";
  for (const std::string& text :
       {"profile: paper\n" + required_keys + keys, required_keys + keys + "profile: paper\n"}) {
    const Config config = read(text, {"model.l1=0.5"});
    EXPECT_EQ(config.model.features, 5);
    EXPECT_EQ(config.training.patience, 3);
    EXPECT_EQ(config.model.l1, 0.5);
    EXPECT_EQ(config.training.batch, 16) << "of the paper";
  }
  for (const std::vector<std::string>& settings : {std::vector<std::string>{"profile=paper", "model.l1=0.5"},
                                                   std::vector<std::string>{"model.l1=0.5", "profile=paper"}}) {
    const Config config = read(required_keys + keys, settings);
    EXPECT_EQ(config.model.features, 5);
    EXPECT_EQ(config.model.l1, 0.5);
    EXPECT_EQ(config.training.batch, 16);
  }
  EXPECT_EQ(settings_of(read(required_keys + "profile: paper\n", {"profile=default"})), default_settings);
}

TEST_F(ConfigTest, ProfilesThatAreNone) {
  EXPECT_EQ(error(required_keys + "profile: Paper\n"), line(5) + "profile must be default or paper, not 'Paper'");
  EXPECT_EQ(error(required_keys + "profile:\n"), line(5) + "profile must be default or paper, but is empty");
  EXPECT_EQ(error(required_keys + "profile: [paper]\n"), line(5) + "profile must be default or paper, not a list");
  EXPECT_EQ(error(required_keys, {"profile=ours"}), "--set profile=ours: profile must be default or paper, not 'ours'");
  EXPECT_TRUE(contains(error(required_keys + "profile: paper\nprofile: paper\n"), ":6: key 'profile' is given twice"));
  EXPECT_TRUE(contains(error(required_keys, {"profile=paper", "profile=paper"}), "key 'profile' is given twice"));
  EXPECT_TRUE(contains(error(required_keys + "model: {profile: paper}\n"), "did you mean 'profile'?"));
  EXPECT_EQ(full_key("profile", "--vary"), "profile");
}

// Whatever the defaults become: a run is what its configuration says.
TEST_F(ConfigTest, AResolvedConfigurationDoesNotDependOnTheProfile) {
  for (const char* profile : {"default", "paper"}) {
    const std::string resolved = to_yaml(read(required_keys, {"profile=" + std::string(profile)}));
    EXPECT_FALSE(contains(resolved, "profile"));
    for (const char* other : {"default", "paper"}) {
      EXPECT_EQ(to_yaml(read(resolved, {"profile=" + std::string(other)})), resolved);
      EXPECT_EQ(to_yaml(read("profile: " + std::string(other) + "\n" + resolved)), resolved);
    }
  }
}

// A key of which a check speaks may have its value from the profile.
TEST_F(ConfigTest, ValuesThatDoNotGoWithTheProfile) {
  EXPECT_EQ(error(required_keys + "accessibility: {folds: 20}\n"),
            line(5) +
                "accessibility.members must be 0 or at least accessibility.folds, not 10 for 20 folds: each fold is "
                "judged by the members that left it out");
  EXPECT_TRUE(contains(error(required_keys + "model: {slot_order: random}\n"),
                       line(5) + "model.slot_order must be sorted while model.attention.combine is pooled"));
  EXPECT_TRUE(
      contains(error(required_keys + "model: {attention: {mask: false}}\n"), line(5) + "model.attention.mask must"));
  EXPECT_TRUE(contains(error(required_keys + "model: {attention: {weight: 2}}\nprofile: paper\n"),
                       line(5) + "model.attention.weight must be 1"));
}

struct Shipped {
  std::string file, properties, property, threshold, inclusive;
  std::vector<std::string> differences;  // from the profile
};

class ShippedConfiguration : public ConfigTest, public ::testing::WithParamInterface<Shipped> {};

TEST_P(ShippedConfiguration, IsItsProfileButForWhatIsNamedHere) {
  const std::filesystem::path configs = std::filesystem::path(PHASESELECT_SOURCE_DIR) / "configs";
  const Shipped& shipped = GetParam();
  const Config found = read_config(configs / shipped.file);
  const std::string formulas = shipped.file == "demo.yaml" ? "configs/demo/formulas.csv" : "data/mp_formulas.csv";
  std::vector<std::string> settings{"data.properties=" + (configs.parent_path() / shipped.properties).string(),
                                    "environments.formulas=" + (configs.parent_path() / formulas).string(),
                                    "data.property=" + shipped.property, "data.threshold=" + shipped.threshold,
                                    "data.inclusive=" + shipped.inclusive};
  settings.insert(settings.end(), shipped.differences.begin(), shipped.differences.end());
  if (shipped.file.starts_with("paper/")) settings.emplace_back("profile=paper");
  EXPECT_EQ(to_yaml(found), to_yaml(read("", settings)));
}

const std::string compiled_rate = "training.learning_rate=1e-3";
INSTANTIATE_TEST_SUITE_P(
    All, ShippedConfiguration,
    ::testing::Values(
        Shipped{"magnets.yaml", "data/magnets.csv", "max Tc", "300", "true", {}},
        Shipped{
            "superconductors.yaml", "data/superconductors.csv", "max Tc", "10", "true", {"model.hidden=[512, 512]"}},
        Shipped{"band_gap.yaml", "data/band_gaps.csv", "max energy gap", "4.5", "false", {"training.epochs=20"}},
        Shipped{"demo.yaml",
                "configs/demo/superconductors.csv",
                "Tc",
                "10",
                "true",
                {"model.features=32", "model.hidden=[128, 128]", "training.batch=64", "ensemble.members=10",
                 "ranking.epochs=40", "accessibility.unreported=2", "accessibility.epochs=10",
                 "accessibility.learning_rate=2e-3"}},
        Shipped{"paper/magnets.yaml", "data/magnets.csv", "max Tc", "300", "true", {}},
        Shipped{"paper/magnets-adam1e-3.yaml", "data/magnets.csv", "max Tc", "300", "true", {compiled_rate}},
        Shipped{"paper/superconductors.yaml", "data/superconductors.csv", "max Tc", "10", "true", {}},
        Shipped{
            "paper/superconductors-adam1e-3.yaml", "data/superconductors.csv", "max Tc", "10", "true", {compiled_rate}},
        Shipped{"paper/band_gap.yaml", "data/band_gaps.csv", "max energy gap", "4.5", "false", {}},
        Shipped{
            "paper/band_gap-adam1e-3.yaml", "data/band_gaps.csv", "max energy gap", "4.5", "false", {compiled_rate}}),
    [](const auto& shipped) {
      std::string name = shipped.param.file;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name;
    });

}  // namespace
}  // namespace phaseselect
