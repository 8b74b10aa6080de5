// The runtime layer on the CUDA runtime API: see runtime.hpp.
#include <cuda_runtime_api.h>

#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <mutex>

#include "kernels/runtime/native.hpp"
#include "kernels/runtime/runtime.hpp"

namespace phaseselect::cuda {
namespace {

std::string megabytes(std::size_t bytes) {
  const double amount = static_cast<double>(bytes) * 1e-6;
  char text[32];
  std::snprintf(text, sizeof text, amount < 10 ? "%.1f MB" : "%.0f MB", amount);
  return text;
}

// "an illegal memory access was encountered (cudaErrorIllegalAddress)"
std::string said(cudaError_t result) {
  return std::string(cudaGetErrorString(result)) + " (" + cudaGetErrorName(result) + ")";
}

// Left behind by a kernel; the process cannot use the device again.
bool is_sticky(cudaError_t result) {
  switch (result) {
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContained:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorTensorMemoryLeak:
      return true;
    default:
      return false;
  }
}

[[noreturn]] void refuse(const std::string& reason, const std::string& remedy) {
  cudaGetLastError();
  throw UsageError(reason + ": " + remedy + " or use --device cpu");
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

void require_driver() {
  int driver = 0;
  const cudaError_t result = cudaDriverGetVersion(&driver);
  if (result != cudaSuccess || driver == 0) {
    const std::string detail = result == cudaSuccess ? "libcuda.so.1 is not found" : said(result);
    refuse("no NVIDIA driver is loaded (" + detail + ")", "install one");
  }
}

void require_device() {
  int devices = 0, driver = 0;
  const cudaError_t result = cudaGetDeviceCount(&devices);
  if (result == cudaErrorInsufficientDriver) {
    cudaDriverGetVersion(&driver);
    refuse("the NVIDIA driver is for CUDA " + version_text(driver) + " and this build needs CUDA " +
               version_text(CUDART_VERSION),
           "update the driver");
  }
  if (result == cudaErrorNoDevice || (result == cudaSuccess && devices == 0)) {
    refuse("the NVIDIA driver finds no GPU", "check nvidia-smi and CUDA_VISIBLE_DEVICES");
  }
  if (result != cudaSuccess) refuse("the NVIDIA driver does not start: " + said(result), "check nvidia-smi");
}

// Asked for its attributes only: whether this build has code for the device.
__global__ void probe_kernel() {}

void require_code(const std::string& device) {
  cudaFuncAttributes attributes;
  const cudaError_t result = cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(&probe_kernel));
  if (result == cudaErrorNoKernelImageForDevice || result == cudaErrorUnsupportedPtxVersion) {
    refuse("this build has no code for the " + device,
           "build with `./run build cuda`, which compiles for all of them,");
  }
  if (result != cudaSuccess) refuse("the " + device + " cannot be used: " + said(result), "check nvidia-smi");
}

// The pool of the device that was current at the first call, told to keep what is freed: members open and close often.
cudaMemPool_t memory_pool() {
  static const cudaMemPool_t pool = [] {
    int device = 0;
    cudaMemPool_t found = nullptr;
    check(cudaGetDevice(&device), "cudaGetDevice");
    check(cudaDeviceGetDefaultMemPool(&found, device), "cudaDeviceGetDefaultMemPool");
    std::uint64_t threshold = std::numeric_limits<std::uint64_t>::max();
    check(cudaMemPoolSetAttribute(found, cudaMemPoolAttrReleaseThreshold, &threshold), "cudaMemPoolSetAttribute");
    return found;
  }();
  return pool;
}

std::uint64_t pool_bytes(cudaMemPoolAttr which) {
  std::uint64_t bytes = 0;
  check(cudaMemPoolGetAttribute(memory_pool(), which, &bytes), "cudaMemPoolGetAttribute");
  return bytes;
}

bool is_page_locked(const void* memory) {
  cudaPointerAttributes attributes;
  check(cudaPointerGetAttributes(&attributes, memory), "cudaPointerGetAttributes");
  return attributes.type != cudaMemoryTypeUnregistered;
}

bool is_capturing(const Stream& stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(native_stream(stream), &status), "cudaStreamIsCapturing");
  return status != cudaStreamCaptureStatusNone;
}

// Kernels may use 48 KB of dynamic shared memory unless they opt in to more. The setting belongs to the kernel, not to
// a stream, so it may be made while a graph is recorded.
void allow_shared(const KernelCall& call, std::size_t bytes) {
  constexpr std::size_t without_asking = 48 * 1024;
  if (bytes <= without_asking) return;
  static std::mutex mutex;
  static std::map<const void*, std::size_t> allowed;
  const std::scoped_lock lock(mutex);
  std::size_t& most = allowed[call.kernel];
  if (bytes <= most) return;
  check(cudaFuncSetAttribute(call.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
        std::string("asking for ") + std::to_string(bytes) + " bytes of shared memory for " + call.name);
  most = bytes;
}

}  // namespace

void check(cudaError_t result, const std::string& call) {
  if (result == cudaSuccess) return;
  cudaGetLastError();
  if (result == cudaErrorMemoryAllocation) throw OutOfMemory("out of GPU memory in " + call);
  std::string message = "the GPU failed at " + call + ": " + said(result);
  if (is_sticky(result)) {
    message += "; a kernel started earlier went wrong, and this process can use the GPU no more";
  }
  throw Error(message);
}

Device select_device() {
  require_driver();
  require_device();
  int device = 0, pools = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  const std::string name = std::string(properties.name) + " (compute capability " + std::to_string(properties.major) +
                           "." + std::to_string(properties.minor) + ")";
  if (properties.major < 8) {
    refuse("the " + name + " is too old: 8.0 is the least", "choose another GPU by CUDA_VISIBLE_DEVICES");
  }
  check(cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, device), "cudaDeviceGetAttribute");
  if (pools == 0) refuse("the " + name + " has no memory pools here", "choose another GPU by CUDA_VISIBLE_DEVICES");
  require_code(name);
  return {properties.name,           properties.major,
          properties.minor,          properties.multiProcessorCount,
          properties.totalGlobalMem, properties.sharedMemPerBlockOptin};
}

std::size_t free_memory() {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free + pool_bytes(cudaMemPoolAttrReservedMemCurrent) - pool_bytes(cudaMemPoolAttrUsedMemCurrent);
}

// ---- streams ----

Stream::Stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  native_ = stream;
}

Stream::~Stream() { cudaStreamDestroy(native_stream(*this)); }

void Stream::synchronise() { check(cudaStreamSynchronize(native_stream(*this)), "cudaStreamSynchronize"); }

// ---- memory ----

void* allocate_device(Stream& stream, std::size_t bytes, const char* purpose) {
  void* memory = nullptr;
  const auto allocate = [&] { return cudaMallocFromPoolAsync(&memory, bytes, memory_pool(), native_stream(stream)); };
  cudaError_t result = allocate();
  if (result == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    // What was released in the stream's order is free only once the stream gets there, and the pool may hold it in
    // pieces that are too small.
    stream.synchronise();
    check(cudaMemPoolTrimTo(memory_pool(), 0), "cudaMemPoolTrimTo");
    result = allocate();
  }
  if (result == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw OutOfMemory("out of GPU memory: " + megabytes(bytes) + " for " + purpose + " (" + megabytes(free_memory()) +
                      " free)");
  }
  check(result, std::string("cudaMallocFromPoolAsync for ") + purpose);
  const cudaError_t zeroed = cudaMemsetAsync(memory, 0, bytes, native_stream(stream));
  if (zeroed != cudaSuccess) release_device(stream, memory);
  check(zeroed, "cudaMemsetAsync");
  return memory;
}

void release_device(Stream& stream, void* memory) noexcept { cudaFreeAsync(memory, native_stream(stream)); }

void* allocate_pinned(std::size_t bytes, const char* purpose) {
  void* memory = nullptr;
  const cudaError_t result = cudaMallocHost(&memory, bytes);
  if (result == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw OutOfMemory("out of page-locked memory: " + megabytes(bytes) + " for " + purpose);
  }
  check(result, std::string("cudaMallocHost for ") + purpose);
  return memory;
}

void release_pinned(void* memory) noexcept { cudaFreeHost(memory); }

void copy_to_device(Stream& stream, void* target, const void* source, std::size_t bytes) {
  const bool page_locked = is_page_locked(source);
  if (!page_locked && is_capturing(stream)) throw std::logic_error("a graph copies from page-locked memory only");
  check(cudaMemcpyAsync(target, source, bytes, cudaMemcpyHostToDevice, native_stream(stream)),
        "cudaMemcpyAsync to the GPU");
  // CUDA does not promise that an asynchronous copy has read pageable memory when it returns; where the GPU can read
  // the host's pages itself, it has not.
  if (!page_locked) stream.synchronise();
}

void copy_to_host(Stream& stream, void* target, const void* source, std::size_t bytes) {
  check(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToHost, native_stream(stream)),
        "cudaMemcpyAsync to the host");
}

void copy_on_device(Stream& stream, void* target, const void* source, std::size_t bytes) {
  check(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToDevice, native_stream(stream)),
        "cudaMemcpyAsync on the GPU");
}

void fill_zero(Stream& stream, void* target, std::size_t bytes) {
  check(cudaMemsetAsync(target, 0, bytes, native_stream(stream)), "cudaMemsetAsync");
}

// ---- graphs ----

struct Graph::State {
  cudaGraphExec_t executable = nullptr;
  // CUDA lets a graph that still runs finish first.
  ~State() {
    if (executable != nullptr) cudaGraphExecDestroy(executable);
  }
};

Graph::Graph(std::unique_ptr<State> state) : state_(std::move(state)) {}
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;
Graph::~Graph() = default;

Graph Graph::capture(Stream& stream, const std::function<void()>& work) {
  auto state = std::make_unique<State>();
  cudaGraph_t recorded = nullptr;
  check(cudaStreamBeginCapture(native_stream(stream), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  try {
    work();
  } catch (...) {
    // A stream left recording would refuse all work after it.
    cudaStreamEndCapture(native_stream(stream), &recorded);
    if (recorded != nullptr) cudaGraphDestroy(recorded);
    cudaGetLastError();
    throw;
  }
  check(cudaStreamEndCapture(native_stream(stream), &recorded), "cudaStreamEndCapture");
  const cudaError_t result = cudaGraphInstantiate(&state->executable, recorded, 0);
  cudaGraphDestroy(recorded);
  check(result, "cudaGraphInstantiate");
  return Graph(std::move(state));
}

void Graph::launch(Stream& stream) const {
  check(cudaGraphLaunch(state_->executable, native_stream(stream)), "cudaGraphLaunch");
}

// ---- time ----

struct Timer::State {
  explicit State(Stream& timed) : stream(timed) {}
  ~State() {
    if (begin != nullptr) cudaEventDestroy(begin);
    if (end != nullptr) cudaEventDestroy(end);
  }
  Stream& stream;
  cudaEvent_t begin = nullptr, end = nullptr;
};

Timer::Timer(Stream& stream) : state_(std::make_unique<State>(stream)) {
  check(cudaEventCreate(&state_->begin), "cudaEventCreate");
  check(cudaEventCreate(&state_->end), "cudaEventCreate");
}

Timer::~Timer() = default;

void Timer::start() { check(cudaEventRecord(state_->begin, native_stream(state_->stream)), "cudaEventRecord"); }

double Timer::stop_seconds() {
  check(cudaEventRecord(state_->end, native_stream(state_->stream)), "cudaEventRecord");
  check(cudaEventSynchronize(state_->end), "cudaEventSynchronize");
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, state_->begin, state_->end), "cudaEventElapsedTime");
  return static_cast<double>(milliseconds) * 1e-3;
}

// ---- launches ----

void launch_kernel(Stream& stream, const KernelCall& call, const LaunchShape& shape) {
  allow_shared(call, shape.shared_bytes);
  void* arguments[] = {const_cast<void*>(call.params)};
  const cudaError_t result = cudaLaunchKernel(call.kernel, dim3(shape.grid_x, shape.grid_y), dim3(shape.block),
                                              arguments, shape.shared_bytes, native_stream(stream));
  if (result == cudaSuccess) return;
  check(result, std::string("the launch of ") + call.name + " (" + std::to_string(shape.grid_x) + " x " +
                    std::to_string(shape.grid_y) + " blocks of " + std::to_string(shape.block) + " threads, " +
                    std::to_string(shape.shared_bytes) + " bytes of shared memory)");
}

int resident_blocks(const KernelCall& call, const LaunchShape& shape) {
  allow_shared(call, shape.shared_bytes);
  int blocks = 0;
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, call.kernel, static_cast<int>(shape.block),
                                                      shape.shared_bytes),
        std::string("the occupancy of ") + call.name);
  return blocks;
}

}  // namespace phaseselect::cuda
