// The unfused baseline: the three matrix products of the decoder, for all members at once by cuBLAS, beside the fused
// kernel that does them together with the loss, its gradient and Adam. The baseline does none of the latter.
#include <cublas_v2.h>

#include <stdexcept>

#include "bench/cuda/device_main.hpp"
#include "phaseselect/model/random.hpp"

namespace phaseselect {
namespace {

void check(cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS) throw std::runtime_error(cublasGetStatusString(status));
}

class Cublas {
 public:
  Cublas(cuda::Stream& stream, Precision precision) {
    check(cublasCreate(&handle_));
    check(cublasSetStream(handle_, static_cast<cudaStream_t>(stream.native())));
    check(cublasSetMathMode(handle_, precision == Precision::tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_PEDANTIC_MATH));
  }
  ~Cublas() { cublasDestroy(handle_); }
  Cublas(const Cublas&) = delete;
  Cublas& operator=(const Cublas&) = delete;
  cublasHandle_t handle() const { return handle_; }

 private:
  cublasHandle_t handle_ = nullptr;
};

// Row-major arrays: h [members][E][k], D [members][k][G], logits [members][E][G]. cuBLAS is column-major and sees each
// transposed.
class Products {
 public:
  Products(cuda::Stream& stream, const Architecture& architecture, int members)
      : E(architecture.elements),
        G(architecture.groups),
        k(architecture.features),
        members_(members),
        h_(stream, size(E, k), "h"),
        decoder_(stream, size(k, G), "decoders"),
        logits_(stream, size(E, G), "logits"),
        gradient_(stream, size(k, G), "gradients"),
        dh_(stream, size(E, k), "gradients") {
    fill(h_, 1);
    fill(decoder_, 2);
  }

  void run(const Cublas& cublas) const {
    const auto N = CUBLAS_OP_N, T = CUBLAS_OP_T;
    product(cublas, N, N, G, E, k, decoder_, G, h_, k, logits_, G);   // logits = h D
    product(cublas, N, T, G, k, E, logits_, G, h_, k, gradient_, G);  // dD = h^T logits
    product(cublas, T, N, k, E, G, decoder_, G, logits_, G, dh_, k);  // dh = logits D^T
  }
  double operations() const { return 6.0 * E * G * k * members_; }

 private:
  using Array = cuda::DeviceBuffer<float>;

  std::size_t size(int rows, int columns) const {
    return static_cast<std::size_t>(members_) * static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  }
  static void fill(Array& array, std::uint32_t seed) {
    const RandomStream random{seed};
    std::vector<float> values(array.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = symmetric(random(static_cast<std::uint32_t>(i)), 0.1f);
    array.upload(values);
  }
  void product(const Cublas& cublas, cublasOperation_t a_operation, cublasOperation_t b_operation, int m, int n,
               int inner, const Array& a, int a_leading, const Array& b, int b_leading, const Array& c,
               int c_leading) const {
    const float one = 1, zero = 0;
    const auto stride = [&](const Array& array) { return static_cast<long long>(array.size()) / members_; };
    check(cublasSgemmStridedBatched(cublas.handle(), a_operation, b_operation, m, n, inner, &one, a.data(), a_leading,
                                    stride(a), b.data(), b_leading, stride(b), &zero, c.data(), c_leading, stride(c),
                                    members_));
  }

  int E, G, k, members_;
  Array h_, decoder_, logits_, gradient_, dh_;
};

void three_products(benchmark::State& state, Precision precision) {
  cuda::Stream stream;
  const Cublas cublas(stream, precision);
  const Products products(stream, paper().problem.architecture, static_cast<int>(state.range(0)));
  time_launches(state, stream, [&] { products.run(cublas); }, {0, products.operations()});
}

void fused_decode(benchmark::State& state, Precision precision) {
  cuda::DeviceEnsemble ensemble(static_cast<int>(state.range(0)));
  time_launches(state, ensemble.stream(), ensemble.decode(precision), {});
}

using Function = void (*)(benchmark::State&, Precision);

void register_all() {
  const std::pair<const char*, Function> functions[] = {{"three_products/", three_products},
                                                        {"fused_decode/", fused_decode}};
  for (const auto& [precision, suffix] : {std::pair{Precision::fp32, "fp32"}, {Precision::tf32, "tf32"}}) {
    for (const auto& [name, function] : functions) {
      benchmark::RegisterBenchmark((std::string(name) + suffix).c_str(), function, precision)
          ->Arg(1)
          ->Arg(32)
          ->Arg(300)
          ->ArgName("members")
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond)
          ->MinTime(0.05);
    }
  }
}

int bench_main(int argc, char** argv) {
  if (!has_device("bench_cublas")) return 0;
  register_all();
  return run_benchmarks(argc, argv);
}

}  // namespace
}  // namespace phaseselect

int main(int argc, char** argv) {
  return phaseselect::guarded_main("bench_cublas", argc, argv, phaseselect::bench_main);
}
