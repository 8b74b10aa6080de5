// CUDA C++ as g++ sees it: force this header into a .cu file (-x c++ -include tests/simt/dialect.hpp), and its kernels
// run on the executor (tests/simt/executor.hpp). Left out on purpose, so that it does not compile: __shared__ variables
// (shared memory comes through kernels/common/shared.cuh) and __activemask.
#pragma once

#include <math.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>
#include <utility>

#include "tests/simt/vector_types.hpp"

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __grid_constant__
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)

// Of the thread that runs; set at every switch.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

// ---- synchronisation ----

namespace phaseselect::simt {

template <typename T>
concept ShuffleValue = std::is_arithmetic_v<T> &&(sizeof(T) == 4 || sizeof(T) == 8);

std::uint64_t shuffle(unsigned mask, std::uint64_t value, int source, int width);
std::uint64_t shuffle_up(unsigned mask, std::uint64_t value, unsigned delta, int width);
std::uint64_t shuffle_down(unsigned mask, std::uint64_t value, unsigned delta, int width);
std::uint64_t shuffle_xor(unsigned mask, std::uint64_t value, int lane_mask, int width);

template <ShuffleValue T>
std::uint64_t bits_of(T value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}

template <ShuffleValue T>
T value_of(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace phaseselect::simt

void __syncthreads(std::source_location where = std::source_location::current());
void __syncwarp(unsigned mask = 0xffffffffu);
unsigned __ballot_sync(unsigned mask, int predicate);
int __any_sync(unsigned mask, int predicate);
int __all_sync(unsigned mask, int predicate);

template <phaseselect::simt::ShuffleValue T>
T __shfl_sync(unsigned mask, T value, int source, int width = warpSize) {
  using namespace phaseselect::simt;
  return value_of<T>(shuffle(mask, bits_of(value), source, width));
}
template <phaseselect::simt::ShuffleValue T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize) {
  using namespace phaseselect::simt;
  return value_of<T>(shuffle_up(mask, bits_of(value), delta, width));
}
template <phaseselect::simt::ShuffleValue T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize) {
  using namespace phaseselect::simt;
  return value_of<T>(shuffle_down(mask, bits_of(value), delta, width));
}
template <phaseselect::simt::ShuffleValue T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = warpSize) {
  using namespace phaseselect::simt;
  return value_of<T>(shuffle_xor(mask, bits_of(value), lane_mask, width));
}

// ---- atomics: one thread runs at a time, so plain arithmetic will do ----

inline float atomicAdd(float* address, float value) { return std::exchange(*address, *address + value); }
inline double atomicAdd(double* address, double value) { return std::exchange(*address, *address + value); }
inline unsigned atomicAdd(unsigned* address, unsigned value) { return std::exchange(*address, *address + value); }
inline int atomicAdd(int* address, int value) {  // wraps
  return std::exchange(*address, static_cast<int>(static_cast<unsigned>(*address) + static_cast<unsigned>(value)));
}
inline unsigned long long atomicAdd(unsigned long long* address, unsigned long long value) {
  return std::exchange(*address, *address + value);
}
template <std::integral T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, std::max(*address, value));
}
template <std::integral T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, std::min(*address, value));
}

// ---- loads through the read-only cache ----

template <typename T>
T __ldg(const T* address) {
  return *address;
}

// ---- arithmetic ----

inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fdividef(float a, float b) { return a / b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline int __float2int_rn(float a) { return static_cast<int>(std::nearbyint(a)); }
inline int __float2int_rz(float a) { return static_cast<int>(a); }
inline int __float2int_rd(float a) { return static_cast<int>(std::floor(a)); }

// C linkage, because glibc declares some of these itself.
extern "C" {
inline float __expf(float a) noexcept { return std::exp(a); }
inline float __logf(float a) noexcept { return std::log(a); }
inline float __log2f(float a) noexcept { return std::log2(a); }
inline float rsqrtf(float a) noexcept { return 1.0f / std::sqrt(a); }
inline double rsqrt(double a) noexcept { return 1.0 / std::sqrt(a); }
inline double cospi(double a) noexcept {
  const double turn = std::fmod(std::fabs(a), 2.0), half = turn > 1.0 ? 2.0 - turn : turn;
  return half < 0.25 || half > 0.75 ? std::cos(M_PI * half) : std::sin(M_PI * (0.5 - half));
}
inline double sinpi(double a) noexcept { return cospi(a - 0.5); }
inline float cospif(float a) noexcept { return static_cast<float>(cospi(a)); }
}

// As CUDA's overloads: of mixed types the common one, of a number and a NaN the number.
template <typename A, typename B>
requires(std::is_arithmetic_v<A>&& std::is_arithmetic_v<B>) constexpr std::common_type_t<A, B> min(A a, B b) {
  using T = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point_v<T>)
    return std::fmin(static_cast<T>(a), static_cast<T>(b));
  else
    return static_cast<T>(a) < static_cast<T>(b) ? static_cast<T>(a) : static_cast<T>(b);
}
template <typename A, typename B>
requires(std::is_arithmetic_v<A>&& std::is_arithmetic_v<B>) constexpr std::common_type_t<A, B> max(A a, B b) {
  using T = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point_v<T>)
    return std::fmax(static_cast<T>(a), static_cast<T>(b));
  else
    return static_cast<T>(a) > static_cast<T>(b) ? static_cast<T>(a) : static_cast<T>(b);
}

// ---- bits ----

inline unsigned __float_as_uint(float a) { return std::bit_cast<unsigned>(a); }
inline int __float_as_int(float a) { return std::bit_cast<int>(a); }
inline float __uint_as_float(unsigned a) { return std::bit_cast<float>(a); }
inline float __int_as_float(int a) { return std::bit_cast<float>(a); }
inline long long __double_as_longlong(double a) { return std::bit_cast<long long>(a); }
inline double __longlong_as_double(long long a) { return std::bit_cast<double>(a); }
constexpr int __popc(unsigned a) { return std::popcount(a); }
constexpr int __clz(int a) { return std::countl_zero(static_cast<unsigned>(a)); }
constexpr int __clzll(long long a) { return std::countl_zero(static_cast<unsigned long long>(a)); }
constexpr int __ffs(int a) { return a == 0 ? 0 : std::countr_zero(static_cast<unsigned>(a)) + 1; }
constexpr int __ffsll(long long a) { return a == 0 ? 0 : std::countr_zero(static_cast<unsigned long long>(a)) + 1; }
constexpr unsigned __brev(unsigned a) {
  unsigned reversed = 0;
  for (int bit = 0; bit < 32; ++bit) reversed |= (a >> bit & 1u) << (31 - bit);
  return reversed;
}
constexpr unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<std::uint64_t>(a) * b >> 32);
}

// ---- what kernels/common/shared.cuh and ptx.cuh leave to this header ----

namespace phaseselect::cuda {

std::byte* shared_memory();
inline constexpr std::size_t shared_gap = 32;
// Out of bounds until the block ends. Every thread of a block guards the same gaps, so a block has one layout of its
// shared memory.
void guard_shared(std::byte* gap, std::size_t bytes);

std::uint32_t to_tf32(float value);
// By a whole warp. The low 13 bits of operands are ignored, as a GPU does; sums are fp32, in ascending depth.
void mma_m16n8k8_tf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]);

}  // namespace phaseselect::cuda
