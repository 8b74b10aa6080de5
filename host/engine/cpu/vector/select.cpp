#include <optional>
#include <string_view>

#include "host/engine/cpu/vector/vector_kernels.hpp"
#include "phaseselect/engine/engine.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect::cpu {

extern const VectorKernels vector_kernels_baseline;
extern const VectorKernels vector_kernels_avx2;
extern const VectorKernels vector_kernels_avx512;

namespace {

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

}  // namespace

const VectorKernels& select_vector_kernels(InstructionSet instructions) {
  switch (instructions) {
    case InstructionSet::best:
      return has_avx512() ? vector_kernels_avx512 : has_avx2() ? vector_kernels_avx2 : vector_kernels_baseline;
    case InstructionSet::baseline:
      return vector_kernels_baseline;
    case InstructionSet::avx2:
      if (has_avx2()) return vector_kernels_avx2;
      break;
    case InstructionSet::avx512:
      if (has_avx512()) return vector_kernels_avx512;
      break;
  }
  throw UsageError("this processor lacks the requested vector instructions: let the program choose");
}

}  // namespace phaseselect::cpu

namespace phaseselect {

std::optional<InstructionSet> instruction_set_named(std::string_view name) {
  if (name == cpu::vector_kernels_baseline.name) return InstructionSet::baseline;
  if (name == "AVX2") return InstructionSet::avx2;
  if (name == "AVX-512") return InstructionSet::avx512;
  return std::nullopt;
}

}  // namespace phaseselect
