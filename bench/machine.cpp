#include "bench/machine.hpp"

#include <benchmark/benchmark.h>
#include <immintrin.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "host/engine/cpu/vector/vector_kernels.hpp"
#include "host/io/stopwatch.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect {
namespace {

// Best of five: how often a second all of `threads` threads do their work.
double best_rate(int threads, const std::function<void(int)>& work) {
  double best = 0;
  for (int trial = 0; trial < 5; ++trial) {
    const Stopwatch stopwatch;
    {
      std::vector<std::jthread> running;
      for (int thread = 0; thread < threads; ++thread) running.emplace_back(work, thread);
    }
    best = std::max(best, 1 / stopwatch.seconds());
  }
  return best;
}

double measure_bandwidth(int threads) {
  constexpr int passes = 4;
  const std::size_t floats = 2 * last_level_cache(threads) / sizeof(float) / static_cast<std::size_t>(threads);
  std::vector<std::vector<float>> a(static_cast<std::size_t>(threads)), b(a.size());
  const double rate = best_rate(threads, [&](int thread) {
    std::vector<float>&mine = a[static_cast<std::size_t>(thread)], &other = b[static_cast<std::size_t>(thread)];
    mine.resize(floats, 1.0f);  // by the thread that uses it, in the first trial
    other.resize(floats, 1.0f);
    for (int pass = 0; pass < passes; ++pass) {
      for (std::size_t i = 0; i < floats; ++i) mine[i] += 1e-6f * other[i];
    }
  });
  return rate * passes * threads * static_cast<double>(3 * sizeof(float) * floats);
}

// ---- multiply-adds on registers, as many independent ones as hide their latency ----

constexpr int rounds = 5'000'000;

[[gnu::target("avx512f")]] float multiply_add_avx512() {
  __m512 sums[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) sums[i] = _mm512_set1_ps(static_cast<float>(i));  // equal ones would become one
  const __m512 factor = _mm512_set1_ps(0.5f), addend = _mm512_set1_ps(1.0f);
  for (int round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, factor, addend);
  }
  __m512 total = sums[0];
#pragma GCC unroll 16
  for (int i = 1; i < 16; ++i) total = _mm512_add_ps(total, sums[i]);
  return _mm512_cvtss_f32(total);
}

[[gnu::target("avx2,fma")]] float multiply_add_avx2() {
  __m256 sums[12];
#pragma GCC unroll 16
  for (int i = 0; i < 12; ++i) sums[i] = _mm256_set1_ps(static_cast<float>(i));  // equal ones would become one
  const __m256 factor = _mm256_set1_ps(0.5f), addend = _mm256_set1_ps(1.0f);
  for (int round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, factor, addend);
  }
  __m256 total = sums[0];
#pragma GCC unroll 16
  for (int i = 1; i < 12; ++i) total = _mm256_add_ps(total, sums[i]);
  return _mm256_cvtss_f32(total);
}

[[gnu::target("sse2")]] float multiply_add_sse2() {
  __m128 sums[12];
#pragma GCC unroll 16
  for (int i = 0; i < 12; ++i) sums[i] = _mm_set1_ps(static_cast<float>(i));  // equal ones would become one
  const __m128 factor = _mm_set1_ps(0.5f), addend = _mm_set1_ps(1.0f);
  for (int round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (__m128& sum : sums) sum = _mm_add_ps(_mm_mul_ps(sum, factor), addend);
  }
  __m128 total = sums[0];
#pragma GCC unroll 16
  for (int i = 1; i < 12; ++i) total = _mm_add_ps(total, sums[i]);
  return _mm_cvtss_f32(total);
}

struct MultiplyAdd {
  float (*run)();
  int lanes;  // of all sums together
};

MultiplyAdd multiply_add_of_engine() {
  const std::string_view name = cpu::select_vector_kernels(InstructionSet::best).name;
  if (name == "AVX-512") return {multiply_add_avx512, 16 * 16};
  if (name == "AVX2") return {multiply_add_avx2, 12 * 8};
  return {multiply_add_sse2, 12 * 4};
}

double measure_peak(int threads) {
  const MultiplyAdd chosen = multiply_add_of_engine();
  std::vector<float> results(static_cast<std::size_t>(threads));  // kept, so that the work is not optimised away
  const double rate = best_rate(threads, [&](int thread) { results[static_cast<std::size_t>(thread)] = chosen.run(); });
  return rate * threads * 2.0 * rounds * chosen.lanes;
}

double once(int threads, double (*measure)(int), std::map<int, double>& known) {
  const auto [found, added] = known.try_emplace(threads);
  if (added) found->second = measure(threads);
  return found->second;
}

}  // namespace

double memory_bandwidth(int threads) {
  static std::map<int, double> known;
  return once(threads, measure_bandwidth, known);
}

double peak_operations(int threads) {
  static std::map<int, double> known;
  return once(threads, measure_peak, known);
}

std::size_t last_level_cache(int threads) {
  const auto& caches = benchmark::CPUInfo::Get().caches;
  const auto last = std::max_element(caches.begin(), caches.end(), [](auto& a, auto& b) { return a.level < b.level; });
  if (last == caches.end()) return std::size_t{64} << 20;  // the system does not say
  const int sharing = std::max(1, last->num_sharing);
  return static_cast<std::size_t>(last->size) * static_cast<std::size_t>((threads + sharing - 1) / sharing);
}

void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << 5; }

double peak_memory() {
  // Not getrusage: its figure starts from that of the process that started this one.
  std::ifstream status("/proc/self/status");
  std::string word;
  double kilobytes = 0;
  while (status >> word) {
    if (word == "VmHWM:") status >> kilobytes;
  }
  return 1024 * kilobytes;
}

}  // namespace phaseselect
