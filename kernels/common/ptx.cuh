// The project's small set of PTX instructions. Under g++ the SIMT test executor provides functions of the same names
// (tests/simt/dialect.hpp).
#pragma once

#ifdef __CUDACC__

#include <cstdint>

namespace phaseselect::cuda {

// Rounds to tf32 (10 explicit mantissa bits), to nearest, ties away from zero; the bits of a float.
__device__ inline std::uint32_t to_tf32(float value) {
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}

// d[16][8] += a[16][8] b[8][8], tf32 operands, fp32 accumulation, by one whole warp. Fragments as in the PTX ISA,
// mma.m16n8k8 (.tf32), with group = lane / 4 and place = lane % 4:
//   a: (group, place), (group + 8, place), (group, place + 4), (group + 8, place + 4)
//   b: (place, group), (place + 4, group)      [depth][column]
//   d: (group, 2 place), (group, 2 place + 1), (group + 8, 2 place), (group + 8, 2 place + 1)
__device__ inline void mma_m16n8k8_tf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

}  // namespace phaseselect::cuda

#endif
