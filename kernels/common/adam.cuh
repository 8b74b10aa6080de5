// Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019), one parameter at a time.
#pragma once

#include "kernels/common/member.hpp"

namespace phaseselect::cuda {

// Constants of update number `step` (0-based) of `steps` in all.
__device__ inline AdamStep adam_step(const OptimiserPlan& plan, double step, double steps) {
  double rate = plan.learning_rate;
  if (plan.schedule == Schedule::cosine) rate *= 0.5 * (1.0 + cospi(step / steps));
  AdamStep adam;
  adam.rate = static_cast<float>(rate);
  adam.decay = static_cast<float>(plan.weight_decay);
  adam.beta1 = static_cast<float>(plan.beta1);
  adam.beta2 = static_cast<float>(plan.beta2);
  adam.rest1 = static_cast<float>(1.0 - plan.beta1);
  adam.rest2 = static_cast<float>(1.0 - plan.beta2);
  adam.correction1 = static_cast<float>(1.0 / (1.0 - pow(plan.beta1, step + 1.0)));
  adam.correction2 = static_cast<float>(1.0 / (1.0 - pow(plan.beta2, step + 1.0)));
  adam.epsilon = static_cast<float>(plan.epsilon);
  return adam;
}

// Updates the moments; returns m^ / (sqrt(v^) + epsilon).
__device__ inline float adam_change(const AdamStep& step, float gradient, float& first, float& second) {
  first = step.beta1 * first + step.rest1 * gradient;
  second = step.beta2 * second + step.rest2 * gradient * gradient;
  return (first * step.correction1) / (sqrtf(second * step.correction2) + step.epsilon);
}

// What the optimiser adds to a gradient, and whether weight decay applies.
struct Regularisation {
  bool decays = false;
  float l1 = 0;
  float l2 = 0;
};

__device__ inline float sign(float x) { return static_cast<float>((x > 0) - (x < 0)); }

// One step of slab[index], whose weight is at hand, with the given gradient of the loss.
__device__ inline void adam_update(const AdamStep& step, const Slab& slab, int index, float weight, float gradient,
                                   const Regularisation& regularisation) {
  float first = slab.first[index], second = slab.second[index];
  gradient += regularisation.l1 * sign(weight) + 2.0f * regularisation.l2 * weight;
  const float change = adam_change(step, gradient, first, second);
  slab.first[index] = first;
  slab.second[index] = second;
  slab.weights[index] = weight - step.rate * (change + (regularisation.decays ? step.decay * weight : 0.0f));
}

__device__ inline void adam_update(const AdamStep& step, const Slab& slab, int index, float gradient,
                                   const Regularisation& regularisation) {
  adam_update(step, slab, index, slab.weights[index], gradient, regularisation);
}

}  // namespace phaseselect::cuda
