// The verdict: its interval against the exact test, and what it says of models that are better, no better, or judged
// by too few fields.
#include "host/pipeline/verdict.hpp"

#include <cmath>

#include "tests/pipeline/commands_fixture.hpp"

namespace phaseselect {
namespace {

// So many fields that only the one is right for, only the other, and both or neither.
Comparison compare_counts(int one, int other, int same) {
  std::vector<int> gains(static_cast<std::size_t>(one), 1);
  gains.insert(gains.end(), static_cast<std::size_t>(other), -1);
  gains.resize(gains.size() + static_cast<std::size_t>(same), 0);
  return compare(gains, gains.size());
}

// Two-sided binomial test of one against other.
double exact_mcnemar(int one, int other) {
  const int n = one + other;
  double tail = 0, term = std::pow(0.5, n);  // of none
  for (int k = 0; k <= n; ++k) {
    if (k >= std::max(one, other)) tail += term;
    term *= static_cast<double>(n - k) / (k + 1);
  }
  return std::min(1.0, 2 * tail);
}

TEST(Compare, TheIntervalOfMcNemarsTest) {
  const Comparison found = compare_counts(60, 40, 300);
  EXPECT_EQ(found.differing, 100u);
  EXPECT_DOUBLE_EQ(found.difference, 20.0 / 400);
  EXPECT_DOUBLE_EQ(found.low, (20 - 19.6 - 1) / 400);
  EXPECT_DOUBLE_EQ(found.high, (20 + 19.6 + 1) / 400);
  EXPECT_EQ(compare_counts(0, 0, 10).difference, 0);
  EXPECT_DOUBLE_EQ(compare_counts(0, 0, 10).high, 0.1);
  EXPECT_EQ(compare_counts(2, 0, 0).high, 1) << "no further";
}

TEST(Compare, NeverClaimsWhatTheExactTestDoesNot) {
  int missed = 0;
  for (int n = 1; n <= 120; ++n) {
    for (int other = 0; 2 * other <= n; ++other) {
      const bool better = compare_counts(n - other, other, 5).low > 0;
      const bool exact = exact_mcnemar(n - other, other) < 0.05;
      EXPECT_TRUE(exact || !better) << n - other << " against " << other;
      missed += exact && !better ? 1 : 0;
    }
  }
  EXPECT_LE(missed, 5) << "and misses next to nothing";
}

// A field that four folds judge is one draw, not four.
TEST(Compare, AFieldJudgedOftenCountsOnce) {
  const Comparison once = compare(std::vector<int>(6, 1), 6), often = compare(std::vector<int>(6, 4), 24);
  EXPECT_EQ(often.difference, once.difference);
  EXPECT_GT(often.low, 0);
  EXPECT_LT(compare(std::vector<int>(3, 4), 12).low, 0);
  EXPECT_GT(compare(std::vector<int>(12, 1), 12).low, 0);
}

TEST(Verdict, Standings) {
  EXPECT_EQ(standing({0.1, 0.05, 0.15, 50}, 1000), Standing::better);
  EXPECT_EQ(standing({0.01, -0.01, 0.03, 50}, 1000), Standing::undecided);
  EXPECT_EQ(standing({0, -0.01, 0.01, 50}, 1000), Standing::no_better);
  EXPECT_EQ(standing({-0.1, -0.3, 0.1, 5}, 29), Standing::undecided) << "few fields";
  EXPECT_EQ(standing({-0.5, -0.9, -0.1, 20}, 29), Standing::no_better) << "few, but worse beyond doubt";
}

// A validation of one fold: what its fields are, and what is said of them.
class Judged {
 public:
  // `ours` is the calibrated probability; the raw one is on the other side.
  void add(int fields, int label, float ours, float nearest) {
    FoldPredictions& fold = predictions.folds.front();
    for (int i = 0; i < fields; ++i) {
      plans.folds.front().judged.push_back(static_cast<std::uint32_t>(fold.labels.size()));
      fold.labels.push_back(static_cast<std::uint8_t>(label));
      fold.probability.push_back(1 - ours);
      fold.calibrated.push_back(ours);
      fold.nearest_field.push_back(nearest);
      fold.prevalence.push_back(0.4f);
    }
  }
  std::string sentence() const { return verdict(plans, predictions)["sentence"]; }

  FoldPlans plans{{SplitFold{}}, {}};
  HeldOutPredictions predictions{{FoldPredictions{}}, {}};
};

TEST(Verdict, OfAModelThatIsBetter) {
  Judged judged;
  judged.add(300, 1, 0.9f, 0.0f);
  judged.add(100, 1, 0.9f, 0.5f);
  judged.add(600, 0, 0.1f, 0.4f);
  judged.add(234, 0, 0.6f, 0.4f);
  const nlohmann::json found = verdict(judged.plans, judged.predictions);
  EXPECT_EQ(found["judged"], "calibrated");
  EXPECT_EQ(found["fields"], 1234);
  EXPECT_EQ(found["judgements"], 1234);
  EXPECT_DOUBLE_EQ(found["accuracy"], 1000.0 / 1234);
  EXPECT_EQ(found["against"]["prevalence"]["standing"], "better");
  EXPECT_DOUBLE_EQ(found["against"]["prevalence"]["accuracy"], 834.0 / 1234);
  EXPECT_EQ(found["against"]["prevalence"]["differing"], 634);
  EXPECT_DOUBLE_EQ(found["against"]["nearest_field"]["difference"], 66.0 / 1234);
  EXPECT_EQ(found["sentence"],
            "the calibrated probability is right for 81.0 % of 1,234 fields: it is better than always the larger class "
            "(67.6 %, +13.5 points, 95 % interval +9.4 to +17.5) and is better than the most similar known field "
            "(75.7 %, +5.3 points, 95 % interval +1.6 to +9.1)");
}

TEST(Verdict, OfAModelThatLearnedNothing) {
  Judged judged;
  judged.add(300, 1, 0.4f, 0.6f);
  judged.add(100, 1, 0.6f, 0.4f);
  judged.add(600, 0, 0.4f, 0.4f);
  judged.add(120, 0, 0.6f, 0.4f);
  const std::string sentence = judged.sentence();
  EXPECT_PRED2(contains, sentence, "it is no better than always the larger class (64.3 %, -1.8 points,");
  EXPECT_PRED2(contains, sentence, "and is no better than the most similar known field");
  EXPECT_TRUE(sentence.ends_with(": do not rely on it")) << sentence;
}

TEST(Verdict, BetterThanTheClassButNotThanTheNearestField) {
  Judged judged;
  judged.add(400, 1, 0.9f, 0.9f);
  judged.add(600, 0, 0.1f, 0.1f);
  judged.add(10, 0, 0.9f, 0.1f);
  EXPECT_TRUE(judged.sentence().ends_with(": do not rely on it")) << judged.sentence();
  judged.add(14, 0, 0.1f, 0.9f);
  EXPECT_PRED2(contains, judged.sentence(), "and cannot be told apart from the most similar known field");
  EXPECT_TRUE(judged.sentence().ends_with(": more measured fields would tell")) << judged.sentence();
}

TEST(Verdict, OfFewFields) {
  Judged judged;
  judged.add(5, 1, 0.9f, 0.1f);
  judged.add(6, 0, 0.1f, 0.9f);
  EXPECT_PRED2(contains, judged.sentence(),
               "100.0 % of 11 fields: it cannot be told apart from always the larger class");
  EXPECT_PRED2(contains, judged.sentence(), "and is better than the most similar known field");
  EXPECT_TRUE(judged.sentence().ends_with(": do not rely on it")) << judged.sentence();
}

TEST(Verdict, OfOneClass) {
  Judged judged;
  judged.add(50, 0, 0.1f, 0.1f);
  EXPECT_EQ(judged.sentence(),
            "the calibrated probability is right for 100.0 % of 50 fields, but these are all of one class, "
            "which tells nothing: do not rely on it");
}

TEST(Verdict, OfUncalibratedProbabilitiesAndRepeatedJudgements) {
  Judged judged;
  judged.add(40, 1, 0.1f, 0.1f);
  judged.add(60, 0, 0.9f, 0.1f);
  judged.plans.folds.push_back(judged.plans.folds.front());
  judged.predictions.folds.push_back(judged.predictions.folds.front());
  judged.predictions.folds.back().calibrated.clear();
  const nlohmann::json found = verdict(judged.plans, judged.predictions);
  EXPECT_EQ(found["judged"], "probability");
  EXPECT_EQ(found["fields"], 100);
  EXPECT_EQ(found["judgements"], 200);
  EXPECT_PRED2(contains, found["sentence"].get<std::string>(),
               "the uncalibrated probability is right for 100.0 % of 200 judgements of 100 fields: it is better");
  EXPECT_DOUBLE_EQ(found["against"]["prevalence"]["low"], (80 - 1.96 * std::sqrt(40 * 4) - 1) / 200);
}

}  // namespace
}  // namespace phaseselect
