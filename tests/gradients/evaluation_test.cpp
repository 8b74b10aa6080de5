// What an engine says about fields, against the oracle with the same weights.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/gradients/trio.hpp"

namespace phaseselect::oracle {
namespace {

template <typename T>
std::vector<T> flat(const std::vector<std::vector<T>>& rows) {
  std::vector<T> result;
  for (const auto& row : rows) result.insert(result.end(), row.begin(), row.end());
  return result;
}
template <typename T>
const std::vector<T>& flat(const std::vector<T>& values) {
  return values;
}

const std::vector<Slot> only{Trio::slot};

class Evaluation : public EngineTest {
 protected:
  // A trained member: biases are no longer zero and the weights of the three are the same.
  static void train(Trio& trio) {
    for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
      trio.engine().run_epoch(Network::classifier, std::vector<EpochTask>{{Trio::slot, epoch}});
    }
    trio.adopt(Network::classifier);
  }
};

TEST_P(Evaluation, Classifier) {
  const Problem problem = make_problem(example().problem);
  Trio trio(kind(), problem, 4);
  train(trio);
  const FieldView fields = problem.fields;
  const auto n = fields.size(), k = static_cast<std::size_t>(problem.architecture.features);
  Comparison comparison(heading("evaluation"));
  const auto check = [&](const char* name, auto evaluate, const std::vector<float>& actual) {
    std::vector<std::vector<float>> naive;
    for (auto& member : trio.naive()) naive.push_back(flat(evaluate(member)));
    comparison.check(name, flat(evaluate(trio.reference())), naive, actual);
  };
  std::vector<float> out(n);
  trio.engine().probabilities(only, fields, out);
  check(
      "probabilities", [&](auto& member) { return member.probabilities(fields); }, out);
  out.assign(n * static_cast<std::size_t>(problem.architecture.field_width()), -1.0f);
  trio.engine().representations(only, fields, out);
  check(
      "representations", [&](auto& member) { return member.representations(fields); }, out);
  out.assign(n * static_cast<std::size_t>(fields.slots), -1.0f);
  trio.engine().attention(only, fields, out);
  check(
      "attention", [&](auto& member) { return member.attention(fields); }, out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (fields.rows[i] < 0) {
      ASSERT_EQ(out[i], 0.0f) << "padding has attention";
    }
  }
  out.assign(static_cast<std::size_t>(problem.architecture.elements) * k, -1.0f);
  trio.engine().element_features(only, out);
  check(
      "element features", [&](auto& member) { return member.element_features(); }, out);
}

TEST_P(Evaluation, RankingScalerWeightsAndErrors) {
  const Problem problem = make_problem(example().problem);
  Trio trio(kind(), problem, 4);
  train(trio);
  trio.begin_ranking();
  const ParameterLayout& layout = trio.layout(Network::ranking);
  const std::vector<float> actual = trio.read(Network::ranking, Role::weights);
  const std::vector<float> drawn = initial_ranking(layout, problem.seed, 4);
  for (const ParameterBlock& block : layout.blocks()) {
    for (std::size_t i = block.offset; block.trained && i < block.offset + block.size(); ++i) {
      ASSERT_EQ(actual[i], drawn[i]) << block.name << " " << i - block.offset;
    }
  }
  Comparison comparison(heading("ranking evaluation"));
  for (const char* name : {"ranking.input_mean", "ranking.input_deviation"}) {
    const auto of = [&](const auto& slab) { return std::span(slab).subspan(layout[name].offset, layout[name].size()); };
    std::vector<std::vector<float>> naive;
    for (auto& member : trio.naive()) {
      const auto values = of(member.slab(Network::ranking).weights);
      naive.emplace_back(values.begin(), values.end());
    }
    comparison.check(name, of(trio.reference().slab(Network::ranking).weights), naive, of(actual));
  }
  trio.engine().run_epoch(Network::ranking, std::vector<EpochTask>{{Trio::slot, 0}});
  trio.adopt(Network::ranking);
  std::vector<float> errors(problem.fields.size());
  trio.engine().reconstruction_errors(only, problem.fields, errors);
  std::vector<std::vector<float>> naive;
  for (auto& member : trio.naive()) naive.push_back(member.reconstruction_errors(problem.fields));
  comparison.check("reconstruction errors", trio.reference().reconstruction_errors(problem.fields), naive, errors);
}

INSTANTIATE_TEST_SUITE_P(Engines, Evaluation,
                         ::testing::Combine(::testing::ValuesIn(engine_kinds()), ::testing::ValuesIn(all_cases())),
                         engine_test_name);

// Columns 0 .. columns-1 of rows of `width`.
std::vector<float> narrowed(const std::vector<float>& rows, int width, int columns) {
  std::vector<float> result;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<int>(i % static_cast<std::size_t>(width)) < columns) result.push_back(rows[i]);
  }
  return result;
}

class FieldViews : public ::testing::TestWithParam<EngineKind> {};

// Ternary candidates come with three slots; padding them to the architecture's changes no bit.
TEST_P(FieldViews, FewerSlotsGiveTheSameBits) {
  SmallProblem small = base_problem();
  small.architecture.slots = 6;
  small.architecture.slot_order = SlotOrder::random;
  small.architecture.prediction_orders = 3;
  small.largest_field = 3;
  for (const auto& [combine, mask] :
       {std::pair{Combine::values, true}, std::pair{Combine::residual, true}, std::pair{Combine::scores, true},
        std::pair{Combine::pooled, true}, std::pair{Combine::residual, false}, std::pair{Combine::scores, false}}) {
    small.architecture.combine = combine;
    small.architecture.attention_mask = mask;
    const Problem problem = make_problem(small);
    Trio trio(GetParam(), problem, 4);
    Engine& engine = trio.engine();
    engine.run_epoch(Network::classifier, std::vector<EpochTask>{{Trio::slot, 0}});
    engine.begin_ranking(only);
    FieldSet narrow{3, {}};
    for (std::size_t i = 0; i < problem.fields.rows.size(); ++i) {
      if (i % 6 < 3) narrow.rows.push_back(problem.fields.rows[i]);
    }
    const std::size_t n = narrow.size();
    ASSERT_EQ(n, problem.fields.size());
    std::vector<float> wide(n), thin(n);
    engine.probabilities(only, problem.fields, wide);
    engine.probabilities(only, narrow, thin);
    EXPECT_EQ(wide, thin);
    engine.reconstruction_errors(only, problem.fields, wide);
    engine.reconstruction_errors(only, narrow, thin);
    EXPECT_EQ(wide, thin);
    wide.assign(n * 6, 0.0f);
    thin.assign(n * 3, 0.0f);
    engine.attention(only, problem.fields, wide);
    engine.attention(only, narrow, thin);
    EXPECT_EQ(narrowed(wide, 6, 3), thin);
    wide.assign(n * static_cast<std::size_t>(problem.architecture.field_width()), 0.0f);
    thin.assign(wide.size(), 1.0f);
    engine.representations(only, problem.fields, wide);
    engine.representations(only, narrow, thin);
    EXPECT_EQ(wide, thin);
  }
}

// Nothing of the attention is left: the vectors are those of the elements' features, bit for bit.
TEST_P(FieldViews, WithoutAttentionFieldsAreTheirFeatures) {
  SmallProblem small = base_problem();
  small.architecture.combine = Combine::residual;
  small.architecture.attention_weight = 0;
  const Problem problem = make_problem(small);
  Trio trio(GetParam(), problem, 4);
  trio.engine().run_epoch(Network::classifier, std::vector<EpochTask>{{Trio::slot, 0}});
  const auto k = static_cast<std::size_t>(problem.architecture.features);
  const std::vector<std::int16_t>& rows = problem.fields.rows;
  std::vector<float> vectors(rows.size() * k, -1.0f), features(static_cast<std::size_t>(problem.groups.elements) * k);
  trio.engine().representations(only, problem.fields, vectors);
  trio.engine().element_features(only, features);
  EXPECT_GT(*std::max_element(features.begin(), features.end()), 0);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const std::int16_t row = rows[i / k];
    ASSERT_EQ(vectors[i], row < 0 ? 0.0f : features[static_cast<std::size_t>(row) * k + i % k]);
  }
}

// Fields of all sizes, forwards, backwards and one at a time: what a field gets does not depend on its neighbours.
TEST_P(FieldViews, NeighboursChangeNoBit) {
  SmallProblem small = base_problem();
  for (const Combine combine : {Combine::values, Combine::residual, Combine::scores, Combine::pooled}) {
    small.architecture.combine = combine;
    const Problem problem = make_problem(small);
    const auto slots = static_cast<std::size_t>(problem.fields.slots);
    const std::size_t n = problem.fields.size();
    ASSERT_GT(n, 17u);
    Trio trio(GetParam(), problem, 4);
    Engine& engine = trio.engine();
    engine.run_epoch(Network::classifier, std::vector<EpochTask>{{Trio::slot, 0}});
    engine.begin_ranking(only);
    const auto row = [&](std::size_t i) { return std::span(problem.fields.rows).subspan(i * slots, slots); };
    FieldSet backwards{problem.fields.slots, {}};
    for (std::size_t i = n; i-- > 0;) backwards.rows.insert(backwards.rows.end(), row(i).begin(), row(i).end());
    const auto same = [&](std::size_t width, const auto& evaluate) {
      std::vector<float> all(n * width), turned(n * width), one(width);
      evaluate(problem.fields, all);
      evaluate(backwards, turned);
      for (std::size_t i = 0; i < n; ++i) {
        evaluate(FieldView(problem.fields.slots, row(i)), one);
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(i * width);
        EXPECT_TRUE(std::equal(one.begin(), one.end(), begin)) << "field " << i << " alone";
        const auto other = turned.begin() + static_cast<std::ptrdiff_t>((n - 1 - i) * width);
        EXPECT_TRUE(std::equal(begin, begin + static_cast<std::ptrdiff_t>(width), other)) << "field " << i;
      }
    };
    same(1, [&](FieldView fields, std::vector<float>& out) { engine.probabilities(only, fields, out); });
    same(1, [&](FieldView fields, std::vector<float>& out) { engine.reconstruction_errors(only, fields, out); });
    same(slots, [&](FieldView fields, std::vector<float>& out) { engine.attention(only, fields, out); });
    same(static_cast<std::size_t>(problem.architecture.field_width()),
         [&](FieldView fields, std::vector<float>& out) { engine.representations(only, fields, out); });
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, FieldViews, ::testing::ValuesIn(engine_kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace phaseselect::oracle
