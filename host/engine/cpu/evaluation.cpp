// What a member says of fields, dropout off. Fields are taken in chunks, so that the scratch memory does not grow.
#include <algorithm>
#include <cmath>

#include "host/engine/cpu/model.hpp"

namespace phaseselect::cpu {
namespace {

constexpr std::size_t chunk = 128;

int field_size(const std::int16_t* rows, int slots) {
  int size = 0;
  while (size < slots && rows[size] >= 0) ++size;
  return size;
}

// Fields first .. first+count-1 in `slots` slots, permuted as prediction order `order` says.
void fill_batch(const Model& model, FieldView fields, std::size_t first, std::size_t count, int slots, int order,
                FieldBatch& batch) {
  batch.resize(static_cast<int>(count), slots);
  std::vector<std::vector<int>> permutations(static_cast<std::size_t>(slots) + 1);  // by size, made when needed
  for (std::size_t f = 0; f < count; ++f) {
    const std::int16_t* source = fields.rows.data() + (first + f) * static_cast<std::size_t>(fields.slots);
    std::int16_t* target = batch.rows.data() + f * static_cast<std::size_t>(slots);
    const int size = field_size(source, fields.slots);
    batch.sizes[f] = size;
    if (order == 0) {
      std::copy_n(source, size, target);
      continue;
    }
    std::vector<int>& permutation = permutations[static_cast<std::size_t>(size)];
    if (permutation.empty()) permutation = prediction_permutation(order, size, model.problem.seed);
    for (int i = 0; i < size; ++i) target[i] = source[permutation[static_cast<std::size_t>(i)]];
  }
  if (!model.architecture().attention_mask) batch.fill_absent(model.architecture().elements);
}

// Slots that take part. With a mask, those that no field fills are zero in the field vector: the rows of the first
// kernel that they meet are left out.
int slots_of(const Architecture& architecture, FieldView fields) {
  return architecture.attention_mask ? fields.slots : architecture.slots;
}

void forward(const Model& model, const Member& member, Workspace& workspace, float* flat) {
  model.attention.evaluate(model.kernels, member.classifier.weights.data(), member.h.data(), member.tables,
                           workspace.batch, workspace.attention, flat);
}

}  // namespace

void probabilities(const Model& model, const Member& member, FieldView fields, Workspace& workspace, float* out) {
  const Architecture& architecture = model.architecture();
  const int slots = slots_of(architecture, fields), width = architecture.field_width(slots);
  const int orders = architecture.prediction_orders;
  workspace.flat.need(chunk * static_cast<std::size_t>(width));
  for (std::size_t first = 0; first < fields.size(); first += chunk) {
    const std::size_t count = std::min(chunk, fields.size() - first);
    float* target = out + first;
    std::fill_n(target, count, 0.0f);
    for (int order = 0; order < orders; ++order) {
      fill_batch(model, fields, first, count, slots, order, workspace.batch);
      forward(model, member, workspace, workspace.flat.data());
      const float* logits = model.head.forward(model.kernels, member.classifier.weights.data(), workspace.flat.data(),
                                               width, static_cast<int>(count), nullptr, workspace.activations);
      for (std::size_t f = 0; f < count; ++f) target[f] += 1.0f / (1.0f + std::exp(-logits[f]));
    }
    for (std::size_t f = 0; f < count; ++f) target[f] /= static_cast<float>(orders);
  }
}

void representations(const Model& model, const Member& member, FieldView fields, Workspace& workspace, float* out) {
  const auto width = static_cast<std::size_t>(model.architecture().field_width());
  for (std::size_t first = 0; first < fields.size(); first += chunk) {
    const std::size_t count = std::min(chunk, fields.size() - first);
    fill_batch(model, fields, first, count, model.architecture().slots, 0, workspace.batch);
    forward(model, member, workspace, out + first * width);
  }
}

void attention_scores(const Model& model, const Member& member, FieldView fields, Workspace& workspace, float* out) {
  const auto slots = static_cast<std::size_t>(fields.slots);
  for (std::size_t first = 0; first < fields.size(); first += chunk) {
    const std::size_t count = std::min(chunk, fields.size() - first);
    fill_batch(model, fields, first, count, slots_of(model.architecture(), fields), 0, workspace.batch);
    const float* received =
        model.attention.evaluate_scores(model.kernels, member.tables, workspace.batch, workspace.attention);
    for (std::size_t f = 0; f < count; ++f) {
      for (std::size_t slot = 0; slot < slots; ++slot) {
        const std::size_t at = (first + f) * slots + slot;
        out[at] = fields.rows[at] < 0 ? 0.0f : received[slot * padded(count) + f];
      }
    }
  }
}

}  // namespace phaseselect::cpu
