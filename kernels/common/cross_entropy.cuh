// The logistic function and its loss.
#pragma once

namespace phaseselect::cuda {

__device__ inline float sigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }
// log(1 + exp(x)) without overflow.
__device__ inline float softplus(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }

}  // namespace phaseselect::cuda
