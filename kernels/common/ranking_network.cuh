// What training and scoring of the ranking autoencoder share, by one block.
#pragma once

#include <algorithm>

#include "kernels/common/attention.cuh"
#include "kernels/common/dense.cuh"
#include "kernels/common/placement.cuh"
#include "kernels/common/reduce.cuh"
#include "kernels/ranking.hpp"

namespace phaseselect::cuda {

inline constexpr unsigned most_ranking_threads = 512;

__device__ inline FieldBatch ranking_batch(const RankingParams& params, const Areas& areas, int fields) {
  return {fields,
          params.slots,
          areas.at<std::int16_t>(params.plan.element),
          areas.at<int>(params.plan.size),
          areas.at<int>(params.plan.first_row),
          areas.at<std::int16_t>(params.plan.row_field),
          params.attention.absent};
}

// Standardised field vectors of the batch, in plan.flat. Ends with a barrier.
__device__ inline void standardised_vectors(const RankingParams& params, const Areas& areas, const MemberState& member,
                                            const FieldBatch& batch) {
  const AttentionArrays arrays{member.h,
                               member.tables,
                               areas.at<float>(params.plan.largest),
                               areas.at<float>(params.plan.total),
                               areas.at<float>(params.plan.context),
                               areas.at<float>(params.plan.pooled)};
  float* flat = areas.at<float>(params.plan.flat);
  attention_forward(Attention{params.attention, batch, arrays}, Weights{member.classifier.weights, 0}, flat);
  const int width = params.attention.field_width(params.slots);
  const float* mean = member.ranking.weights + params.input_mean;
  const float* deviation = member.ranking.weights + params.input_deviation;
  for (int i = static_cast<int>(threadIdx.x); i < batch.fields * width; i += static_cast<int>(blockDim.x)) {
    flat[i] = (flat[i] - mean[i % width]) / deviation[i % width];
  }
  __syncthreads();
}

// The reconstruction of x [fields][inputs], in plan.gradients[0]. Ends with a barrier.
__device__ inline const float* reconstruct(const RankingParams& params, const Areas& areas, const Weights& weights,
                                           const float* x, int fields, const Dropout& dropout) {
  for (int l = 0; l < params.layers; ++l) {
    const DenseLayer& layer = params.dense[l];
    const bool last = l + 1 == params.layers;
    float* y = last ? areas.at<float>(params.plan.gradients[0])
                    : areas.at<float>(params.plan.activations) + layer.units_before * params.plan.fields;
    dense_forward(layer, weights, x, layer.inputs, layer.inputs, fields, last ? Activation::linear : Activation::relu,
                  dropout, static_cast<std::uint32_t>(l + 1), y);
    __syncthreads();
    x = y;
  }
  return x;
}

struct RankingNeeds {
  int fields = 0;
  bool training = false;  // weights, noise and a second gradient
};

inline RankingPlan place_ranking(const RankingParams& params, std::span<const DenseLayer> dense, RankingNeeds needs,
                                 std::size_t shared_limit) {
  const auto of = [](auto... factors) { return (static_cast<std::size_t>(factors) * ...); };
  const std::size_t rows = of(needs.fields, params.slots),
                    flat = of(needs.fields, params.attention.field_width(params.slots));
  const std::size_t activations = of(needs.fields, dense.back().units_before);
  std::size_t widest = 0;
  for (const DenseLayer& layer : dense) widest = std::max(widest, of(needs.fields, layer.outputs));
  RankingPlan plan;
  plan.fields = needs.fields;
  Placer placer(shared_limit);
  if (needs.training && placer.fits<float>(of(params.weight_count))) {
    plan.weights = placer.place<float>(of(params.weight_count));
  }
  plan.sums = placer.place<double>(most_ranking_threads / warp_lanes);
  plan.size = placer.place<int>(of(needs.fields));
  plan.first_row = placer.place<int>(of(needs.fields) + 1);
  plan.row_field = placer.place<std::int16_t>(rows);
  plan.element = placer.place<std::int16_t>(rows);
  plan.flat = placer.place<float>(flat);
  plan.gradients[0] = placer.place<float>(widest);
  plan.activations = placer.place<float>(activations);
  plan.largest = placer.place<float>(of(rows, params.attention.heads));
  plan.total = placer.place<float>(of(rows, params.attention.heads));
  plan.context = placer.place<float>(of(rows, params.attention.width));
  plan.pooled = placer.place<float>(of(params.attention.pooled_values(static_cast<int>(rows))));
  if (needs.training) {
    plan.adam = placer.place<AdamStep>(1);
    plan.noisy = placer.place<float>(flat);
    plan.gradients[1] = placer.place<float>(widest);
  }
  plan.shared_bytes = placer.shared_bytes();
  plan.scratch_bytes = placer.scratch_bytes();
  plan.threads = flat > 2048 ? most_ranking_threads : flat > 512 ? 256u : 64u;
  return plan;
}

}  // namespace phaseselect::cuda
