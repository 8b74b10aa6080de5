// Configurations: defaults, overrides, the resolved form, and a clear sentence for everything that is wrong.
#include <algorithm>
#include <iterator>
#include <sstream>
#include <tuple>

#include "tests/unit/config_fixture.hpp"

namespace phaseselect {
namespace {

TEST_F(ConfigTest, PathsFollowTheFile) {
  const Config config = read(required_keys);
  EXPECT_EQ(config.data.properties, folder_ / "tables/fields.csv");
  EXPECT_EQ(config.environments.formulas, folder_ / "formulas.csv");
  EXPECT_EQ(config.data.threshold, 10);
  EXPECT_TRUE(config.data.inclusive);
}

TEST_F(ConfigTest, OverridesWinAndTheirPathsFollowTheWorkingDirectory) {
  const Config config = read(required_keys, {"model.hidden=[8, 4]", "data.properties=other.csv", "data.property=max Tc",
                                             "model.attention.heads=3", "data.threshold=-1.5e2"});
  EXPECT_EQ(config.model.hidden, (std::vector<int>{8, 4}));
  EXPECT_EQ(config.data.properties, std::filesystem::current_path() / "other.csv");
  EXPECT_EQ(config.data.property, "max Tc");
  EXPECT_EQ(config.model.attention.heads, 3);
  EXPECT_EQ(config.data.threshold, -150);
}

// The lines that two resolved forms share, with the sections they stand in: "model.features: 7".
std::vector<std::string> shared_lines(const std::string& yaml, const std::string& other) {
  const auto lines_of = [](const std::string& text) {
    std::vector<std::string> lines, sections(8);
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
      const std::size_t indent = line.find_first_not_of(' ');
      const std::string own = (indent > 0 ? sections[indent / 2 - 1] : "") + line.substr(indent);
      if (line.back() == ':') {
        sections[indent / 2] = own.substr(0, own.size() - 1) + ".";
      } else {
        lines.push_back(own);
      }
    }
    std::ranges::sort(lines);
    return lines;
  };
  std::vector<std::string> shared;
  std::ranges::set_intersection(lines_of(yaml), lines_of(other), std::back_inserter(shared));
  return shared;
}

// Every key but the paths differs from its default, so that one that is not written or not read is found.
TEST_F(ConfigTest, TheResolvedFormReadsBackTheSame) {
  const std::vector<std::string> overrides = {"data.property=\"max: 'Tc' # \\\"K\\\"\"",
                                              "data.threshold=20",
                                              "data.inclusive=false",
                                              "environments.grouping=none",
                                              "environments.normalisation=none",
                                              "model.features=7",
                                              "model.attention.heads=5",
                                              "model.attention.key_dim=3",
                                              "model.attention.combine=residual",
                                              "model.attention.mask=false",
                                              "model.attention.weight=0.25",
                                              "model.hidden=[]",
                                              "model.dropout=0.123456789012345",
                                              "model.l1=0.5",
                                              "model.l2=3e-7",
                                              "model.slot_order=random",
                                              "model.prediction_orders=4",
                                              "model.slots=9",
                                              "model.autoencoder_weight=0.1",
                                              "training.epochs=16777215",
                                              "training.batch=1024",
                                              "training.learning_rate=1e-300",
                                              "training.encoder_rate=0",
                                              "calibration.neighbours=false",
                                              "training.schedule=constant",
                                              "training.weight_decay=0.01",
                                              "training.class_weights=balanced",
                                              "training.patience=5",
                                              "training.monitor=loss",
                                              "training.holdout=0.5",
                                              "training.precision=tf32",
                                              "ensemble.members=2",
                                              "ensemble.seed=18446744073709551615",
                                              "ranking.epochs=3",
                                              "ranking.batch=5",
                                              "ranking.learning_rate=0.5",
                                              "ranking.dropout=0",
                                              "ranking.patience=1",
                                              "accessibility.members=9",
                                              "accessibility.folds=3",
                                              "accessibility.unreported=7",
                                              "accessibility.epochs=2",
                                              "accessibility.batch=17",
                                              "accessibility.learning_rate=0.25",
                                              "accessibility.schedule=constant",
                                              "accessibility.weight_decay=0.3",
                                              "accessibility.dropout=0.4",
                                              "validation.folds=2",
                                              "validation.stratified=false",
                                              "validation.seed=99",
                                              "validation.split=leave_element_out",
                                              "data.formula=compound",
                                              "data.decimal=,",
                                              "environments.formula=sum of all",
                                              "validation.elements=[Y, N]",
                                              "validation.arity=2"};
  const Config config = read(required_keys, overrides);
  const std::string yaml = to_yaml(config);
  const Config again = read(yaml);
  EXPECT_EQ(to_yaml(again), yaml);
  EXPECT_EQ(again.data.property, "max: 'Tc' # \"K\"");
  EXPECT_EQ(again.data.properties, config.data.properties);
  EXPECT_EQ(again.data.formula, "compound");
  EXPECT_EQ(again.data.decimal, DecimalMark::comma);
  EXPECT_EQ(again.environments.formula, "sum of all");
  EXPECT_EQ(again.ensemble.seed, 18446744073709551615ull);
  EXPECT_EQ(again.model.dropout, 0.123456789012345);
  EXPECT_EQ(again.training.learning_rate, 1e-300);
  EXPECT_EQ(again.training.encoder_rate, 0);
  EXPECT_FALSE(again.model.attention.mask);
  EXPECT_EQ(again.model.attention.weight, 0.25);
  EXPECT_TRUE(again.model.hidden.empty());
  EXPECT_FALSE(again.data.inclusive);
  EXPECT_FALSE(again.validation.stratified);
  EXPECT_EQ(again.validation.split, SplitKind::leave_element_out);
  EXPECT_EQ(again.validation.elements, (std::vector<std::string>{"Y", "N"}));
  EXPECT_EQ(again.training.schedule, Schedule::constant);
  EXPECT_EQ(again.training.precision, Precision::tf32);
  EXPECT_EQ(again.model.prediction_orders, 4);
  EXPECT_EQ(again.accessibility.members, 9);
  EXPECT_FALSE(again.calibration.neighbours);
  EXPECT_EQ(again.accessibility.unreported, 7);
  EXPECT_EQ(again.accessibility.dropout, 0.4);
  EXPECT_EQ(shared_lines(yaml, to_yaml(read(required_keys))),
            (std::vector<std::string>{"data.properties: \"" + (folder_ / "tables/fields.csv").string() + "\"",
                                      "environments.formulas: \"" + (folder_ / "formulas.csv").string() + "\"",
                                      "training.optimiser: adam"}));
}

TEST_F(ConfigTest, UnknownKeysNameTheNearest) {
  EXPECT_EQ(error(required_keys + "model:\n  featurs: 20\n"),
            path().string() + ":6: unknown key 'model.featurs': did you mean 'model.features'?");
  EXPECT_TRUE(contains(error(required_keys + "epochs: 20\n"), "did you mean 'training.epochs'?"));
  EXPECT_TRUE(contains(error(required_keys + "trainin: {}\n"), "did you mean 'training'?"));
  EXPECT_EQ(error(required_keys, {"model.head=2"}),
            "--set model.head=2: unknown key 'model.head': did you mean 'model.attention.heads'?");
  EXPECT_TRUE(contains(error(required_keys, {"l1=2"}), "did you mean 'model.l1'?"));
}

TEST_F(ConfigTest, NothingNearIsNotSuggested) {
  const std::string sections =
      "the sections are data, environments, model, training, ensemble, ranking, accessibility, calibration, validation";
  EXPECT_EQ(error(required_keys, {"foo=1"}), "--set foo=1: unknown key 'foo': " + sections);
  EXPECT_EQ(error(required_keys, {"model.temperature=1"}),
            "--set model.temperature=1: unknown key 'model.temperature': " + sections);
}

TEST_F(ConfigTest, AnOverrideIsCalledWhatTheUserTyped) {
  write_bytes(path(), required_keys);
  const std::vector<Override> overrides{{"ensemble.members=0", "--members 0"}};
  EXPECT_EQ(message_of<UsageError>([&] { read_config(path(), overrides); }),
            "--members 0: ensemble.members must be between 1 and 1000000, not '0'");
}

TEST_F(ConfigTest, AKeyByItsLastWord) {
  EXPECT_EQ(full_key("features", "--vary"), "model.features");
  EXPECT_EQ(full_key("training.epochs", "--vary"), "training.epochs");
  EXPECT_EQ(message_of<UsageError>([] { full_key("epochs", "--vary"); }),
            "--vary: 'epochs' may be training.epochs or ranking.epochs or accessibility.epochs: give the whole key");
  EXPECT_TRUE(contains(message_of<UsageError>([] { full_key("featurs", "--vary"); }), "did you mean 'model.features'"));
}

TEST_F(ConfigTest, RepeatedKeysAreErrors) {
  EXPECT_TRUE(
      contains(error(required_keys + "model:\n  l1: 0\n  l2: 0\n  l1: 1\n"), ":8: key 'model.l1' is given twice"));
  EXPECT_TRUE(contains(error(required_keys + "data: {threshold: 20}\n"), ":5: key 'data' is given twice"));
  EXPECT_TRUE(contains(error(required_keys, {"model.l1=0", "model.l1=1"}), "key 'model.l1' is given twice"));
}

TEST_F(ConfigTest, WrongTypesAreErrors) {
  EXPECT_EQ(error(required_keys + "training:\n  epochs: many\n"),
            path().string() + ":6: training.epochs must be a whole number, not 'many'");
  EXPECT_EQ(error(required_keys, {"training.epochs=1.5"}),
            "--set training.epochs=1.5: training.epochs must be a whole number, not '1.5'");
  using Case = std::pair<const char*, const char*>;
  for (const auto& [set, expected] :
       {Case{"training.epochs=", "training.epochs must be a whole number, but is empty"},
        Case{"training.epochs=[1]", "training.epochs must be a whole number, not '[1]'"},
        Case{"training.epochs='3'", "training.epochs must be a whole number, not the quoted '3'"},
        Case{"model.dropout=high", "model.dropout must be a finite number, not 'high'"},
        Case{"model.l1=.nan", "model.l1 must be a finite number, not '.nan'"},
        Case{"model.l1=nan", "model.l1 must be a finite number, not 'nan'"},
        Case{"data.threshold=inf", "data.threshold must be a finite number"},
        Case{"data.threshold=1e999", "data.threshold must be a finite number"},
        Case{"data.inclusive=maybe", "data.inclusive must be true or false, not 'maybe'"},
        Case{"data.properties=", "data.properties must be the path of a file, but is empty"},
        Case{"model.hidden=80", "model.hidden must be a list of whole numbers, not '80'"},
        Case{"model.hidden=[8, x]", "model.hidden must be a whole number, not 'x'"},
        Case{"model=3", "model is a section: set one key of it, as model.features=..."},
        Case{"model.attention={heads: 3}", "model.attention is a section: set one key of it"},
        Case{"model.attention.combine=sum", "must be values, residual, scores or pooled, not 'sum'"},
        Case{"validation.split=hard", "must be random, leave_element_out, arity or supersets, not 'hard'"},
        Case{"validation.elements=Fe", "validation.elements must be a list of elements, not 'Fe'"},
        Case{"validation.elements=[[Fe]]", "validation.elements must be the symbol of an element, not a list"},
        Case{"validation.elements=[Fe, Qq]", "validation.elements must list symbols of elements, which 'Qq' is not"},
        Case{"validation.elements=[H, D]", "validation.elements must list each element once, but has 'H' twice"}}) {
    EXPECT_TRUE(contains(error(required_keys, {set}), expected)) << set << " -> " << error(required_keys, {set});
  }
}

TEST_F(ConfigTest, RangesAreChecked) {
  using Case = std::tuple<const char*, const char*, const char*>;  // a value inside, one outside, the words
  for (const auto& [inside, outside, words] :
       {Case{"model.features=1", "model.features=0", "between 1 and 1024"},
        Case{"model.attention.heads=1", "model.attention.heads=0", "between 1 and 64"},
        Case{"model.attention.key_dim=1", "model.attention.key_dim=-1", "between 1 and 64"},
        Case{"model.hidden=[65535]", "model.hidden=[65536]", "between 1 and 65535"},
        Case{"model.hidden=[1]", "model.hidden=[0]", "between 1 and 65535"},
        Case{"model.dropout=0.999", "model.dropout=1", "at least 0 and below 1"},
        Case{"ranking.dropout=0", "ranking.dropout=-0.1", "at least 0 and below 1"},
        Case{"training.batch=1024", "training.batch=1025", "between 1 and 1024"},
        Case{"ranking.batch=1", "ranking.batch=0", "between 1 and 1024"},
        Case{"training.epochs=16777215", "training.epochs=16777216", "between 1 and 16777215"},
        Case{"training.learning_rate=1e-9", "training.learning_rate=0", "above 0"},
        Case{"training.encoder_rate=0", "training.encoder_rate=-0.1", "at least 0"},
        Case{"training.holdout=0.01", "training.holdout=0.009", "between 0.01 and 0.5"},
        Case{"training.holdout=0.5", "training.holdout=0.51", "between 0.01 and 0.5"},
        Case{"training.patience=0", "training.patience=-1", "at least 0"},
        Case{"model.slots=64", "model.slots=65", "between 0 and 64"},
        Case{"ensemble.members=1", "ensemble.members=0", "between 1 and 1000000"},
        Case{"ensemble.seed=0", "ensemble.seed=-1", "at least 0"},
        Case{"ensemble.seed=5", "ensemble.seed=18446744073709551616", "at least 0"},
        Case{"validation.folds=2", "validation.folds=1", "between 2 and 255"},
        Case{"validation.arity=1", "validation.arity=0", "between 1 and 63"},
        Case{"accessibility.members=5", "accessibility.members=-1", "between 0 and 1000000"},
        Case{"accessibility.folds=2", "accessibility.folds=1", "between 2 and 255"},
        Case{"accessibility.unreported=1", "accessibility.unreported=0", "between 1 and 1000"},
        Case{"accessibility.dropout=0", "accessibility.dropout=1", "at least 0 and below 1"},
        Case{"model.l2=0", "model.l2=-1", "at least 0"}}) {
    EXPECT_EQ(error(required_keys, {inside}), "") << inside;
    EXPECT_TRUE(contains(error(required_keys, {outside}), words))
        << outside << " -> " << error(required_keys, {outside});
  }
}

// The profile of the paper, in which all of them can be said.
TEST_F(ConfigTest, KeysThatDoNotGoTogether) {
  const std::string paper = required_keys + "profile: paper\n";
  EXPECT_TRUE(contains(error(paper, {"model.prediction_orders=4"}), "set model.slot_order to random"));
  EXPECT_EQ(error(paper, {"model.prediction_orders=4", "model.slot_order=random"}), "");
  EXPECT_TRUE(contains(error(paper, {"accessibility.members=4"}), "at least accessibility.folds, not 4 for 5 folds"));
  EXPECT_EQ(error(paper, {"accessibility.members=4", "accessibility.folds=4"}), "");
  EXPECT_TRUE(contains(error(paper, {"accessibility.member=4"}), "did you mean 'accessibility.members'"));
  const std::string pooled = "model.attention.combine=pooled";
  EXPECT_TRUE(contains(error(paper, {pooled, "model.slot_order=random"}), "must be sorted while model.attention"));
  EXPECT_EQ(error(paper, {pooled}), "");
  EXPECT_EQ(error(paper, {"model.attention.mask=false"}), "");
  EXPECT_EQ(error(paper, {pooled, "model.attention.mask=false"}),
            "--set model.attention.mask=false: model.attention.mask must be true while model.attention.combine is "
            "pooled, not false: pooled fields have no absent slots");
  EXPECT_EQ(error(paper, {pooled, "model.attention.weight=0"}), "");
  EXPECT_TRUE(contains(error(paper, {pooled, "model.attention.weight=-1"}), "at least 0"));
  EXPECT_EQ(error(paper, {"model.attention.weight=0"}),
            "--set model.attention.weight=0: model.attention.weight must be 1 while model.attention.combine is values, "
            "not 0: only residual and pooled have the features beside the attention");
  EXPECT_TRUE(contains(error(paper, {"model.attention.combine=scores", "model.attention.weight=2"}),
                       "combine is scores, not 2"));
  EXPECT_EQ(error(paper, {"model.attention.combine=scores", "model.attention.weight=1"}), "");
  EXPECT_TRUE(contains(error(paper, {"training.optimiser=sgd"}), "training.optimiser must be adam, not 'sgd'"));
  EXPECT_TRUE(contains(error(paper, {"training.precision=bf16"}), "training.precision cannot be bf16: use tf32"));
  EXPECT_TRUE(contains(error(paper, {"training.precision=fp64"}), "training.precision must be fp32 or tf32, not"));
  EXPECT_TRUE(contains(error(paper, {"environments.normalisation=log"}), "must be none or row, not 'log'"));
}

TEST_F(ConfigTest, RequiredKeysAndUnreadableFiles) {
  EXPECT_TRUE(contains(error(""), "data.properties is missing"));
  EXPECT_TRUE(
      contains(error("data: {properties: a.csv}\nenvironments: {formulas: b.csv}\n"), "data.threshold is missing"));
  EXPECT_TRUE(contains(error("data: {properties: a.csv, threshold: 1}\n"), "environments.formulas is missing"));
  EXPECT_EQ(error("data: {properties: a.csv, threshold: 1}\n", {"environments.formulas=b.csv"}), "");
  EXPECT_TRUE(contains(error("data: [1, 2\n"), "not valid YAML"));
  EXPECT_TRUE(contains(error("a: b: c\n"), ":1: not valid YAML"));
  EXPECT_TRUE(contains(error("- 1\n"), "must hold sections"));
  EXPECT_TRUE(contains(error(required_keys, {"no-equals-sign"}), "must have the form key.path=value"));
  const auto missing = folder_ / "missing.yaml";
  EXPECT_TRUE(contains(message_of<UsageError>([&] { read_config(missing); }), "No such file"));
  EXPECT_TRUE(contains(message_of<UsageError>([&] { read_config(folder_.path()); }), "is a folder"));
}

}  // namespace
}  // namespace phaseselect
