// What stands for the CUDA engine in a build without nvcc.
#include "phaseselect/engine/engine.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {

std::string cuda_engine_obstacle() {
  return "this build has no CUDA engine: build it where nvcc is on the PATH, or use --device cpu";
}

std::unique_ptr<Engine> make_cuda_engine(const Problem&, CudaOptions) { throw UsageError(cuda_engine_obstacle()); }

}  // namespace phaseselect
