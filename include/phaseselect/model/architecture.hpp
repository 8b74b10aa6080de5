// The shape of the model and the switches of its mathematics (Vasylenko et al. 2022, Methods).
#pragma once

#include <cstdint>
#include <vector>

namespace phaseselect {

struct EnvironmentGroups;

// What an element's row of the environment matrix is multiplied by before the encoder, r_e.
enum class Normalisation {
  none,  // 1
  row,   // 1 / sqrt(environments of the element): rows of unit length, whether an element is common or rare
};

// What of the attention goes on to the classifier. X: gathered element features [n][k]; Y: attention output [n][k].
enum class Combine {
  values,    // flatten(Y)
  residual,  // flatten(X + w Y), w the attention weight
  scores,    // flatten(s_i X_i), s_i = attention received by element i, mean over heads and real queries
  pooled,    // sum and maximum over the elements of X + w Y: [2 k], whatever the order of the elements
};

// The order in which a field's elements fill the slots of the classifier's input.
enum class SlotOrder {
  sorted,  // alphabetical
  random,  // training: a new permutation for every sample; prediction: `prediction_orders` fixed ones are averaged
};

// What a sample of class c counts in the classification loss, w_c. N, N_c: training fields of the member.
enum class ClassWeights {
  balanced,  // N / (2 N_c): both classes count the same, probabilities are those of a table with as many of each
  none,      // 1: probabilities are those of the table as it is
};

struct Architecture {
  int elements = 0;                // E, rows of the environment matrix
  int groups = 0;                  // G, column groups
  std::uint32_t environments = 0;  // V, sum of the groups' multiplicities
  int slots = 0;                   // n, the most elements a field can have; at most 64
  int features = 0;                // k
  Normalisation normalisation = Normalisation::none;
  int heads = 0;    // H
  int key_dim = 0;  // d, width of a head
  Combine combine = Combine::values;
  bool attention_mask = true;   // false: absent slots are elements without features that attend and are attended to
  double attention_weight = 1;  // w, of Y beside X with Combine::residual and pooled; 0: features alone
  std::vector<int> hidden;      // widths of the classifier's hidden layers
  double dropout = 0;           // after each hidden layer
  double l1 = 0;                // l1 * sum |w| over the hidden kernels
  double l2 = 0;                // l2 * sum w^2 over the hidden kernels
  ClassWeights class_weights = ClassWeights::balanced;
  double autoencoder_weight = 1;  // lambda
  SlotOrder slot_order = SlotOrder::sorted;
  int prediction_orders = 1;   // orders averaged at prediction; order 0 is the alphabetical one
  double ranking_dropout = 0;  // of the ranking autoencoder: its input and every hidden layer

  // Rows of element features that the attention knows: without a mask one more than there are elements, all zero, that
  // stands for absent slots.
  int attention_elements() const { return elements + (attention_mask ? 0 : 1); }
  int attention_width() const { return heads * key_dim; }
  int field_width() const { return field_width(slots); }
  // Of fields in this many slots: n * k, or 2 * k where elements are pooled.
  int field_width(int used_slots) const { return (combine == Combine::pooled ? 2 : used_slots) * features; }
};

// r_e of every element.
std::vector<float> row_factors(Normalisation normalisation, const EnvironmentGroups& groups);

// Widths of the ranking autoencoder from input to output:
// w, w/2, /4, /8, /16, 4, /16, /8, /4, /2, w, where w is the field width; no hidden layer is narrower than the latent
// one.
std::vector<int> ranking_widths(const Architecture& architecture);

// The order in which prediction order `order` places a field of `size` elements: slot i holds element permutation[i]
// (index into the alphabetical list). Order 0 is the identity.
std::vector<int> prediction_permutation(int order, int size, std::uint64_t seed);

}  // namespace phaseselect
