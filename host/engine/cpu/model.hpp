// What every member of a CPU engine shares (Model), what each one has (Member), and what each thread has (Workspace).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "host/engine/cpu/attention.hpp"
#include "host/engine/cpu/buffer.hpp"
#include "host/engine/cpu/dense_stack.hpp"
#include "host/engine/cpu/vector/vector_kernels.hpp"
#include "phaseselect/engine/engine.hpp"
#include "phaseselect/model/parameter_layout.hpp"

namespace phaseselect::cpu {

struct Model {
  Model(const Problem& problem_, const VectorKernels& kernels_);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const Problem& problem;
  const VectorKernels& kernels;
  const ParameterLayout classifier;
  const ParameterLayout ranking;
  const Attention attention;
  const DenseStack head;
  const DenseStack ranking_stack;
  const int kp;                                                                    // features padded to whole vectors
  const std::size_t encoder_weights, encoder_bias, decoder_weights, decoder_bias;  // offsets
  const std::size_t input_mean, input_deviation;                                   // offsets in the ranking slab
  Pattern pattern;
  const std::vector<float> row_factors;  // r_e

  const ParameterLayout& layout(Network network) const { return network == Network::classifier ? classifier : ranking; }
  const Architecture& architecture() const { return problem.architecture; }

 private:
  Buffer multiplicity_;
};

struct NetworkState {
  Buffer weights, first_moment, second_moment, best;
  Moments at(std::size_t offset) {
    return {weights.data() + offset, first_moment.data() + offset, second_moment.data() + offset};
  }
};

struct Member {
  MemberPlan plan;
  NetworkState classifier, ranking;
  // z [E][kp] = sum_g a_eg S_g of the current encoder, without r_e; h [E][kp] and the tables follow from it. Emptied by
  // whatever changes the weights from outside.
  Buffer z, h;
  Attention::Tables tables;
  bool z_current = false;       // z belongs to the weights
  bool tables_current = false;  // h and tables do
};

struct Workspace {
  FieldBatch batch;
  Attention::Context attention;
  DenseStack::Activations activations;
  Buffer flat, d_flat, standardised, noisy, d_output;
  Buffer dh, dz, gradients, decode, encode;
  Buffer undo[3];  // weights and moments from before the epoch
};

// z, h and the attention tables of the member's weights, where they are not current.
void refresh_tables(const Model& model, Member& member);

// Adam's constants for the step-th update (0-based) of `steps` in all.
AdamStep adam_step(const OptimiserPlan& plan, std::uint64_t step, std::uint64_t steps);

// Positions of the member's training rows in the order of this epoch.
std::vector<std::uint32_t> sample_order(std::uint64_t seed, std::uint32_t member, Stream stream, std::uint32_t epoch,
                                        std::size_t count);

// Asked between the steps of an epoch: whether to leave it, without statistics. Empty: never.
using Stop = std::function<bool()>;

std::optional<EpochStatistics> classifier_epoch(const Model& model, Member& member, std::uint32_t epoch,
                                                Workspace& workspace, const Stop& stop);

// Fills the scaler of the ranking slab from the training rows and draws its weights.
void begin_ranking(const Model& model, Member& member, Workspace& workspace);
std::optional<EpochStatistics> ranking_epoch(const Model& model, Member& member, std::uint32_t epoch,
                                             Workspace& workspace, const Stop& stop);

// Evaluation; the member's tables must be current. out: [fields] or as named.
void probabilities(const Model& model, const Member& member, FieldView fields, Workspace& workspace, float* out);
void representations(const Model& model, const Member& member, FieldView fields, Workspace& workspace, float* out);
void attention_scores(const Model& model, const Member& member, FieldView fields, Workspace& workspace, float* out);
void reconstruction_errors(const Model& model, const Member& member, FieldView fields, Workspace& workspace,
                           float* out);

// The fields of the given rows of the problem.
FieldSet gather_fields(const Problem& problem, std::span<const std::uint32_t> rows);

}  // namespace phaseselect::cpu
