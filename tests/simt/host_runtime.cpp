// kernels/runtime/runtime.hpp on the executor: streams, copies, graphs, launches. Work runs when it is enqueued, but a
// copy to the host arrives with synchronise(): until then its target is NaN, so that a missing one shows.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include "tests/simt/executor.hpp"
#include "tests/simt/host_device.hpp"
#include "tests/simt/host_memory.hpp"

namespace phaseselect {
namespace {

using Work = std::vector<std::function<void()>>;

struct Arrival {
  void* target;
  std::vector<std::byte> bytes;
};

// Behind Stream::native().
struct StreamState {
  Work* recording = nullptr;  // of the graph in the making
  std::vector<Arrival> arrivals;
};

StreamState& state_of(const cuda::Stream& stream) { return *static_cast<StreamState*>(stream.native()); }

void require_not_recording(const cuda::Stream& stream, const char* what) {
  if (simt::is_recording(stream)) throw std::logic_error(std::string(what) + " while a graph is captured");
}

}  // namespace

bool simt::is_recording(const cuda::Stream& stream) { return state_of(stream).recording != nullptr; }

void simt::enqueue(cuda::Stream& stream, std::function<void()> work) {
  StreamState& state = state_of(stream);
  if (state.recording != nullptr) {
    state.recording->push_back(std::move(work));
  } else {
    work();
  }
}

namespace cuda {

Stream::Stream() : native_(new StreamState) {}

Stream::~Stream() { delete static_cast<StreamState*>(native_); }

void Stream::synchronise() {
  require_not_recording(*this, "a stream is synchronised");
  for (const Arrival& arrival : std::exchange(state_of(*this).arrivals, {})) {
    std::memcpy(arrival.target, arrival.bytes.data(), arrival.bytes.size());
  }
}

// ---- copies ----

void copy_to_device(Stream& stream, void* target, const void* source, std::size_t bytes) {
  simt::require_device_memory(target, bytes, "the target of a copy to the device");
  simt::require_host_memory(source, bytes, "the source of a copy to the device");
  if (simt::is_recording(stream))
    simt::require_pinned_memory(source, bytes, "the source of a graph's copy to the device");
  simt::enqueue(stream, [=] {
    simt::require_device_memory(target, bytes, "the target of a copy to the device");
    std::memcpy(target, source, bytes);
  });
}

void copy_to_host(Stream& stream, void* target, const void* source, std::size_t bytes) {
  simt::require_device_memory(source, bytes, "the source of a copy to the host");
  simt::require_host_memory(target, bytes, "the target of a copy to the host");
  if (simt::is_recording(stream))
    simt::require_pinned_memory(target, bytes, "the target of a graph's copy to the host");
  simt::enqueue(stream, [=, &stream] {
    simt::require_device_memory(source, bytes, "the source of a copy to the host");
    const std::byte* begin = static_cast<const std::byte*>(source);
    state_of(stream).arrivals.push_back({target, {begin, begin + bytes}});
    std::memset(target, 0xff, bytes);
  });
}

void copy_on_device(Stream& stream, void* target, const void* source, std::size_t bytes) {
  const auto check = [=] {
    simt::require_device_memory(source, bytes, "the source of a copy on the device");
    simt::require_device_memory(target, bytes, "the target of a copy on the device");
  };
  check();
  simt::enqueue(stream, [=] {
    check();
    std::memcpy(target, source, bytes);
  });
}

void fill_zero(Stream& stream, void* target, std::size_t bytes) {
  simt::require_device_memory(target, bytes, "what is filled with zero");
  simt::enqueue(stream, [=] {
    simt::require_device_memory(target, bytes, "what is filled with zero");
    std::memset(target, 0, bytes);
  });
}

// ---- graphs ----

struct Graph::State {
  Work work;
};

Graph::Graph(std::unique_ptr<State> state) : state_(std::move(state)) {}
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;
Graph::~Graph() = default;

Graph Graph::capture(Stream& stream, const std::function<void()>& work) {
  require_not_recording(stream, "a graph is captured");
  auto state = std::make_unique<State>();
  StreamState& recorder = state_of(stream);
  recorder.recording = &state->work;
  try {
    work();
  } catch (...) {
    recorder.recording = nullptr;
    throw;
  }
  recorder.recording = nullptr;
  return Graph(std::move(state));
}

void Graph::launch(Stream& stream) const {
  require_not_recording(stream, "a graph is launched");
  for (const std::function<void()>& step : state_->work) step();
}

// ---- time ----

struct Timer::State {
  Stream& stream;
  std::chrono::steady_clock::time_point begin{};
};

Timer::Timer(Stream& stream) : state_(new State{stream}) {}

Timer::~Timer() = default;

void Timer::start() { state_->begin = std::chrono::steady_clock::now(); }

double Timer::stop_seconds() {
  state_->stream.synchronise();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - state_->begin).count();
}

// ---- launches ----

void launch_kernel(Stream& stream, const KernelCall& call, const LaunchShape& shape) {
  simt::check_launch(call, shape, simt::device().shared_per_block);
  const std::byte* params = static_cast<const std::byte*>(call.params);
  simt::enqueue(stream,
                [call = call, shape, copy = std::vector<std::byte>(params, params + call.params_bytes)]() mutable {
                  call.params = copy.data();
                  simt::run(call, shape);
                });
}

// As threads and shared memory allow on compute capability 9.0; registers are not known.
int resident_blocks(const KernelCall& call, const LaunchShape& shape) {
  simt::check_launch(call, shape, simt::device().shared_per_block);
  constexpr std::size_t most_threads = 2048, most_blocks = 32, reserved = 1024;
  const std::size_t by_shared = (simt::device().shared_per_block + reserved) / (shape.shared_bytes + reserved);
  const std::size_t warps = (shape.block + simt::warp_lanes - 1) / simt::warp_lanes;
  return static_cast<int>(std::min({most_blocks, most_threads / simt::warp_lanes / warps, by_shared}));
}

}  // namespace cuda
}  // namespace phaseselect
