// What the arithmetic of one member costs, by formula: the same count for every engine, whatever it spends beyond.
// Operations: floating point, a multiply-add is two. Bytes: those that have to move to and from memory when a member's
// slab does not stay in a cache: each weight and both moments, read and written, 24 bytes a weight.
#pragma once

#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

struct Work {
  double bytes = 0;
  double operations = 0;
};

inline Work operator+(Work a, Work b) { return {a.bytes + b.bytes, a.operations + b.operations}; }
inline Work operator*(double times, Work work) { return {times * work.bytes, times * work.operations}; }

// What the counts depend on.
struct WorkShape {
  Architecture architecture;
  int batch = 16;
  double ones = 0;               // of the grouped matrix
  double elements_of_field = 0;  // on average
};

WorkShape work_shape(const Problem& problem);

// ---- a training step of one member: the classifier's is decoder + field + encoder ----
// Three products of E G k multiply-adds, E G logistic functions, Adam on (k + 1) G weights.
Work decoder_step(const WorkShape& shape);
// The sparse products forward and backward, Adam on k G weights.
Work encoder_step(const WorkShape& shape);
// Attention and classifier forward, and backward to inputs and to weights; Adam on their weights.
Work field_step(const WorkShape& shape);
Work classifier_step(const WorkShape& shape);
Work ranking_step(const WorkShape& shape);

// ---- evaluation of one field by one member; its weights stay in a cache, so that the result is all that moves ----
Work field_probability(const WorkShape& shape);     // in one prediction order
Work field_reconstruction(const WorkShape& shape);  // attention and the ranking network

}  // namespace phaseselect
