#include "host/engine/work.hpp"

#include <algorithm>
#include <string_view>

namespace phaseselect {
namespace {

// Weight and two moments, read and written.
constexpr double bytes_of_weight = 6 * sizeof(float);
// Adam, with its square root and division as one operation each.
constexpr double adam_operations = 16;
constexpr double sigmoid_operations = 12;

// Of one sample through the dense layers whose names begin so.
double multiply_adds(const ParameterLayout& layout, std::string_view prefix) {
  double count = 0;
  for (const ParameterBlock& block : layout.blocks()) {
    if (block.name.starts_with(prefix) && block.name.ends_with(".weights")) count += static_cast<double>(block.size());
  }
  return count;
}

double classifier_multiply_adds(const ParameterLayout& layout) {
  return multiply_adds(layout, "hidden.") + multiply_adds(layout, "logit.");
}

// Scores, weighted sum and output projection of a field's elements, Q, K and V taken from the tables.
double attention_multiply_adds(const WorkShape& shape) {
  const double n = shape.elements_of_field;
  const Architecture& a = shape.architecture;
  // Q K^T, and where there are values P V and the output projection.
  const double of_element = a.combine == Combine::scores ? n : 2 * n + a.features;
  return n * of_element * a.attention_width();
}

// Q, K and V of every element.
double table_multiply_adds(const Architecture& a) {
  const int tables = a.combine == Combine::scores ? 2 : 3;
  return static_cast<double>(a.elements) * a.features * tables * a.attention_width();
}

Work adam(double weights) { return {bytes_of_weight * weights, adam_operations * weights}; }

}  // namespace

WorkShape work_shape(const Problem& problem) {
  const auto& rows = problem.fields.rows;
  const auto elements = std::count_if(rows.begin(), rows.end(), [](std::int16_t row) { return row >= 0; });
  return {problem.architecture, problem.classifier.batch, static_cast<double>(problem.groups.rows.size()),
          static_cast<double>(elements) / static_cast<double>(problem.fields.size())};
}

Work decoder_step(const WorkShape& shape) {
  const double E = shape.architecture.elements, G = shape.architecture.groups, k = shape.architecture.features;
  return adam((k + 1) * G) + Work{0, 6 * E * G * k + sigmoid_operations * E * G};
}

Work encoder_step(const WorkShape& shape) {
  const double G = shape.architecture.groups, k = shape.architecture.features;
  return adam(k * G) + Work{0, 2 * shape.ones * k};
}

Work field_step(const WorkShape& shape) {
  const ParameterLayout layout = classifier_layout(shape.architecture);
  const double weights = static_cast<double>(layout.size() - layout["attention.query.weights"].offset);
  const double sample = classifier_multiply_adds(layout) + attention_multiply_adds(shape);
  return adam(weights) + Work{0, 6 * (shape.batch * sample + table_multiply_adds(shape.architecture))};
}

Work classifier_step(const WorkShape& shape) { return decoder_step(shape) + field_step(shape) + encoder_step(shape); }

Work ranking_step(const WorkShape& shape) {
  const ParameterLayout layout = ranking_layout(shape.architecture);
  return adam(static_cast<double>(layout.size())) + Work{0, 6 * shape.batch * multiply_adds(layout, "ranking.")};
}

Work field_probability(const WorkShape& shape) {
  const double classifier = classifier_multiply_adds(classifier_layout(shape.architecture));
  return {sizeof(float), 2 * (classifier + attention_multiply_adds(shape))};
}

Work field_reconstruction(const WorkShape& shape) {
  const double ranking = multiply_adds(ranking_layout(shape.architecture), "ranking.");
  return {sizeof(float), 2 * (ranking + attention_multiply_adds(shape))};
}

}  // namespace phaseselect
