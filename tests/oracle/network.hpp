// The mathematics of the model, written once more as plainly as possible, on a tape: element autoencoder, attention,
// classifier, losses, ranking autoencoder. Shares no arithmetic with any engine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/model/architecture.hpp"
#include "phaseselect/model/parameter_layout.hpp"
#include "tests/oracle/tape.hpp"

namespace phaseselect::oracle {

// One parameter block on a tape.
template <typename T>
struct Matrix {
  const Variable<T>* data = nullptr;
  std::size_t rows = 0, columns = 0;
  const Variable<T>& operator()(std::size_t row, std::size_t column) const { return data[row * columns + column]; }
};

// All parameters of one network on a tape.
template <typename T>
struct Parameters {
  const ParameterLayout* layout = nullptr;
  Vector<T> values;  // [layout->size()]

  Parameters(const ParameterLayout& layout_, Tape<T>& tape, const std::vector<T>& weights)
      : layout(&layout_), values(tape.variables(weights)) {}

  Matrix<T> operator()(const std::string& name) const {
    const ParameterBlock& block = (*layout)[name];
    return Matrix<T>{values.data() + block.offset, block.rows, block.columns};
  }
};

// x W + b
template <typename T>
Vector<T> affine(const Vector<T>& x, const Parameters<T>& parameters, const std::string& name) {
  const Matrix<T> kernel = parameters(name + ".weights"), bias = parameters(name + ".bias");
  Vector<T> result;
  for (std::size_t column = 0; column < kernel.columns; ++column) {
    Vector<T> weights;
    for (std::size_t row = 0; row < kernel.rows; ++row) weights.push_back(kernel(row, column));
    result.push_back(bias(0, column) + dot(x, weights));
  }
  return result;
}

// a[e][g], dense.
inline std::vector<std::vector<std::uint8_t>> dense_patterns(const EnvironmentGroups& groups) {
  std::vector<std::vector<std::uint8_t>> pattern(
      static_cast<std::size_t>(groups.elements),
      std::vector<std::uint8_t>(static_cast<std::size_t>(groups.groups()), 0));
  for (std::size_t g = 0; g < groups.multiplicity.size(); ++g) {
    for (std::uint32_t one = groups.offsets[g]; one < groups.offsets[g + 1]; ++one) pattern[groups.rows[one]][g] = 1;
  }
  return pattern;
}

// r_e of an element with these ones in its row: 1, or the inverse length of the row with all its environments.
template <typename T>
T row_factor(Normalisation normalisation, const EnvironmentGroups& groups, const std::vector<std::uint8_t>& ones) {
  if (normalisation == Normalisation::none) return T(1);
  T squares = 0;
  for (std::size_t g = 0; g < ones.size(); ++g) squares += T(ones[g]) * T(groups.multiplicity[g]);
  return squares > T(0) ? T(1) / std::sqrt(squares) : T(1);
}

// h_e = relu(b + r_e sum_g a_eg S_g) of every element.
template <typename T>
std::vector<Vector<T>> encode(Normalisation normalisation, const EnvironmentGroups& groups,
                              const Parameters<T>& parameters) {
  const auto pattern = dense_patterns(groups);
  const Matrix<T> kernel = parameters("encoder.weights"), bias = parameters("encoder.bias");
  std::vector<Vector<T>> features;
  for (const auto& ones : pattern) {
    Vector<T> h;
    for (std::size_t f = 0; f < kernel.columns; ++f) {
      Vector<T> terms;
      for (std::size_t g = 0; g < kernel.rows; ++g) {
        if (ones[g] != 0) terms.push_back(kernel(g, f));
      }
      h.push_back(relu(bias(0, f) + row_factor<T>(normalisation, groups, ones) * sum(terms)));
    }
    features.push_back(h);
  }
  return features;
}

// L_ae = 1/(E V) sum_e sum_g m_g [softplus(l_eg) - a_eg l_eg], l_eg = c_g + h_e . D_g
template <typename T>
Variable<T> autoencoder_loss(const EnvironmentGroups& groups, const Parameters<T>& parameters,
                             const std::vector<Vector<T>>& features) {
  const auto pattern = dense_patterns(groups);
  Vector<T> terms;
  for (std::size_t e = 0; e < features.size(); ++e) {
    const Vector<T> logits = affine(features[e], parameters, "decoder");
    for (std::size_t g = 0; g < logits.size(); ++g) {
      terms.push_back(T(groups.multiplicity[g]) * (softplus(logits[g]) - T(pattern[e][g]) * logits[g]));
    }
  }
  return (T(1) / (T(groups.elements) * T(groups.environments))) * sum(terms);
}

template <typename T>
struct Attention {
  std::vector<Vector<T>> output;  // Y, [m][k]; empty with Combine::scores
  Vector<T> received;             // s, [m]
};

// P of one head: softmax(Q K^T / sqrt(d)), [queries][keys].
template <typename T>
std::vector<Vector<T>> head_probabilities(const std::vector<Vector<T>>& query, const std::vector<Vector<T>>& key,
                                          std::size_t head, std::size_t width) {
  const auto part = [&](const Vector<T>& row) {
    return Vector<T>(row.begin() + static_cast<std::ptrdiff_t>(head * width),
                     row.begin() + static_cast<std::ptrdiff_t>((head + 1) * width));
  };
  const T scale = T(1) / std::sqrt(T(width));
  std::vector<Vector<T>> probabilities;
  for (const Vector<T>& q : query) {
    Vector<T> logits;
    for (const Vector<T>& k : key) logits.push_back(scale * dot(part(q), part(k)));
    T largest = logits.front().value;
    for (const auto& logit : logits) largest = std::max(largest, logit.value);
    Vector<T> weights;
    for (const auto& logit : logits) weights.push_back(exp(logit - Variable<T>(largest)));
    const Variable<T> total = sum(weights);
    Vector<T> row;
    for (const auto& weight : weights) row.push_back(weight / total);
    probabilities.push_back(row);
  }
  return probabilities;
}

// The rows X of one field that attend to each other: its elements; without a mask also zeros for every absent slot.
template <typename T>
std::vector<Vector<T>> attending(const Architecture& architecture, const std::vector<Vector<T>>& features,
                                 const std::vector<int>& elements) {
  std::vector<Vector<T>> x;
  for (const int element : elements) x.push_back(features[static_cast<std::size_t>(element)]);
  if (!architecture.attention_mask) {
    x.resize(static_cast<std::size_t>(architecture.slots), Vector<T>(static_cast<std::size_t>(architecture.features)));
  }
  return x;
}

// Attention among the rows X of one field, [m][k].
template <typename T>
Attention<T> attend(const Architecture& architecture, const Parameters<T>& parameters,
                    const std::vector<Vector<T>>& x) {
  const bool scores_only = architecture.combine == Combine::scores;
  std::vector<Vector<T>> query, key, value;
  for (const Vector<T>& row : x) {
    query.push_back(affine(row, parameters, "attention.query"));
    key.push_back(affine(row, parameters, "attention.key"));
    if (!scores_only) value.push_back(affine(row, parameters, "attention.value"));
  }
  const auto heads = static_cast<std::size_t>(architecture.heads),
             width = static_cast<std::size_t>(architecture.key_dim);
  std::vector<Vector<T>> received(x.size()), context(x.size());
  for (std::size_t head = 0; head < heads; ++head) {
    const auto probabilities = head_probabilities(query, key, head, width);
    for (std::size_t q = 0; q < x.size(); ++q) {
      for (std::size_t i = 0; i < x.size(); ++i) received[i].push_back(probabilities[q][i]);
      for (std::size_t column = head * width; !scores_only && column < (head + 1) * width; ++column) {
        Vector<T> values;
        for (const Vector<T>& row : value) values.push_back(row[column]);
        context[q].push_back(dot(probabilities[q], values));
      }
    }
  }
  Attention<T> result;
  for (const Vector<T>& row : received) result.received.push_back((T(1) / T(heads * x.size())) * sum(row));
  if (!scores_only) {
    for (const Vector<T>& row : context) result.output.push_back(affine(row, parameters, "attention.output"));
  }
  return result;
}

// Of each feature, the sum over elements and then the largest value: [2 k].
template <typename T>
Vector<T> pool(const std::vector<Vector<T>>& rows) {
  Vector<T> sums, maxima;
  for (std::size_t f = 0; f < rows.front().size(); ++f) {
    Vector<T> values;
    for (const Vector<T>& row : rows) values.push_back(row[f]);
    sums.push_back(sum(values));
    maxima.push_back(*std::max_element(values.begin(), values.end(),
                                       [](const auto& a, const auto& b) { return a.value < b.value; }));
  }
  sums.insert(sums.end(), maxima.begin(), maxima.end());
  return sums;
}

// What the classifier sees of a field whose elements (rows of the environment matrix) stand in this order: [n * k],
// pooled [2 k].
template <typename T>
Vector<T> field_vector(const Architecture& architecture, const Parameters<T>& parameters,
                       const std::vector<Vector<T>>& features, const std::vector<int>& elements) {
  std::vector<Vector<T>> x = attending(architecture, features, elements);
  const Attention<T> attention = attend(architecture, parameters, x);
  const T attention_weight = T(architecture.attention_weight);
  Vector<T> result;
  if (architecture.combine == Combine::pooled) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t f = 0; f < x[i].size(); ++f) x[i][f] = x[i][f] + attention_weight * attention.output[i][f];
    }
    return pool(x);
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t f = 0; f < x[i].size(); ++f) {
      switch (architecture.combine) {
        case Combine::values:
          result.push_back(attention.output[i][f]);
          break;
        case Combine::residual:
          result.push_back(x[i][f] + attention_weight * attention.output[i][f]);
          break;
        case Combine::scores:
          result.push_back(attention.received[i] * x[i][f]);
          break;
        case Combine::pooled:
          break;  // above
      }
    }
  }
  result.resize(static_cast<std::size_t>(architecture.field_width()));
  return result;
}

// Factors of one layer's units for one sample: 0 where dropped, 1 / (1 - rate) where kept; empty without dropout.
template <typename T>
using DropoutMask = std::vector<T>;

template <typename T>
Vector<T> apply_mask(const Vector<T>& x, const DropoutMask<T>& mask) {
  if (mask.empty()) return x;
  Vector<T> result;
  for (std::size_t unit = 0; unit < x.size(); ++unit) result.push_back(mask[unit] * x[unit]);
  return result;
}

// masks: one per hidden layer, or none at all.
template <typename T>
Variable<T> classifier_logit(const Architecture& architecture, const Parameters<T>& parameters, Vector<T> x,
                             const std::vector<DropoutMask<T>>& masks) {
  for (std::size_t layer = 0; layer < architecture.hidden.size(); ++layer) {
    x = affine(x, parameters, "hidden." + std::to_string(layer));
    for (Variable<T>& unit : x) unit = relu(unit);
    if (!masks.empty()) x = apply_mask(x, masks[layer]);
  }
  return affine(x, parameters, "logit").front();
}

// -[y log p + (1 - y) log(1 - p)] with p = sigmoid(logit)
template <typename T>
Variable<T> cross_entropy(const Variable<T>& logit, bool positive) {
  return positive ? softplus(logit) - logit : softplus(logit);
}

// l1 sum |w| + l2 sum w^2 over the penalised blocks.
template <typename T>
Variable<T> penalty(const Architecture& architecture, const Parameters<T>& parameters) {
  Vector<T> magnitudes, squares;
  for (const ParameterBlock& block : parameters.layout->blocks()) {
    for (std::size_t i = 0; block.penalised && i < block.size(); ++i) {
      const Variable<T>& weight = parameters.values[block.offset + i];
      magnitudes.push_back(absolute(weight));
      squares.push_back(weight * weight);
    }
  }
  return T(architecture.l1) * sum(magnitudes) + T(architecture.l2) * sum(squares);
}

// Reconstruction of a standardised field vector. masks: one for the input and one per hidden layer, or none at all.
template <typename T>
Vector<T> reconstruct(const Parameters<T>& parameters, Vector<T> x, const std::vector<DropoutMask<T>>& masks) {
  if (!masks.empty()) x = apply_mask(x, masks.front());
  for (std::size_t layer = 0;; ++layer) {
    const std::string name = "ranking." + std::to_string(layer);
    x = affine(x, parameters, name);
    if (!parameters.layout->contains("ranking." + std::to_string(layer + 1) + ".weights")) return x;
    for (Variable<T>& unit : x) unit = relu(unit);
    if (!masks.empty()) x = apply_mask(x, masks[layer + 1]);
  }
}

template <typename T>
Variable<T> squared_distance(const Vector<T>& x, const Vector<T>& y) {
  Vector<T> terms;
  for (std::size_t i = 0; i < x.size(); ++i) terms.push_back((x[i] - y[i]) * (x[i] - y[i]));
  return sum(terms);
}

}  // namespace phaseselect::oracle
