// The CUDA engine: members' slabs on the device, epochs as graphs over all of them (DESIGN.md 4).
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

#include "kernels/engine/device_model.hpp"
#include "kernels/engine/epoch.hpp"
#include "kernels/engine/evaluator.hpp"
#include "kernels/engine/members.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace cuda {
namespace {

constexpr const char* when_training =
    "end what else uses this GPU, train fewer members at once (--member-range A:B, then merge), or use --device cpu";
constexpr const char* when_evaluating = "end what else uses this GPU, or use --device cpu";

// What runs out of memory says what to do about it.
template <typename Action>
auto with_advice(const char* advice, Action action) {
  try {
    return action();
  } catch (const OutOfMemory& error) {
    throw OutOfMemory(std::string(error.what()) + ": " + advice);
  }
}

class CudaEngine final : public Engine {
 public:
  CudaEngine(const Problem& problem, const Device& device, CudaOptions options)
      : model_(problem, stream_, device),
        members_(model_, stream_),
        classifier_(model_, stream_, Network::classifier),
        ranking_(model_, stream_, Network::ranking),
        evaluator_(model_, stream_),
        memory_limit_(options.memory_limit > 0 ? options.memory_limit : free_memory() / 10 * 9) {
    check_shape();
  }

  std::string description() const override {
    const Device& device = model_.device;
    return device.name + ", compute capability " + std::to_string(device.major) + "." + std::to_string(device.minor);
  }
  std::string kind() const override { return "cuda"; }
  std::string instruction_set() const override {
    return "sm_" + std::to_string(model_.device.major) + std::to_string(model_.device.minor);
  }

  int preferred_slots(int members) const override {
    const std::size_t needed = device_bytes_of_member();
    const std::size_t fit = memory_limit_ / needed;
    if (fit == 0) {
      throw UsageError("a member needs " + megabytes(needed) + " of GPU memory and " + megabytes(memory_limit_) +
                       " can be used: lower model.features from " + std::to_string(model_.architecture().features) +
                       " to about " + std::to_string(features_that_fit(needed)) + ", or use --device cpu");
    }
    // A launch has a row of blocks for each member; the sample orders of all are sorted as one list of 32-bit length.
    const std::size_t rows = std::max<std::size_t>(1, model_.problem.labels.size());
    const std::size_t most = std::min(most_tasks, static_cast<std::size_t>(std::numeric_limits<int>::max()) / rows);
    return static_cast<int>(std::min({static_cast<std::size_t>(members), fit, std::max<std::size_t>(most, 1)}));
  }

  std::size_t device_bytes_of_member() const override {
    const std::size_t rows = model_.problem.labels.size();
    return DeviceMember::training_bytes(model_) + EpochRunner::task_bytes(model_, Network::classifier, rows) +
           EpochRunner::task_bytes(model_, Network::ranking, rows);
  }

  void open(Slot slot, MemberPlan plan) override {
    with_advice(when_training,
                [&] { members_.place(slot, std::make_unique<DeviceMember>(model_, stream_, std::move(plan))); });
  }
  void open_trained(Slot slot, std::span<const float> classifier, std::span<const float> ranking) override {
    with_advice(when_evaluating,
                [&] { members_.place(slot, std::make_unique<DeviceMember>(model_, stream_, classifier, ranking)); });
  }
  void close(Slot slot) override { members_.close(slot); }

  std::vector<EpochStatistics> run_epoch(Network network, std::span<const EpochTask> tasks) override {
    return with_advice(when_training,
                       [&] { return (network == Network::classifier ? classifier_ : ranking_).run(tasks, members_); });
  }

  void keep_best(Network network, Slot slot) override {
    NetworkBuffers& buffers = members_.at(slot).network(network);
    if (buffers.best.empty()) {
      with_advice(when_training, [&] {
        buffers.best = DeviceBuffer<float>(stream_, buffers.weights.size(), "a member's best weights");
      });
    }
    copy_on_device(stream_, buffers.best.data(), buffers.weights.data(), buffers.weights.size() * sizeof(float));
  }
  void restore_best(Network network, Slot slot) override {
    NetworkBuffers& buffers = members_.at(slot).network(network);
    if (buffers.best.empty()) throw std::logic_error("restore_best before keep_best");
    copy_on_device(stream_, buffers.weights.data(), buffers.best.data(), buffers.weights.size() * sizeof(float));
    weights_changed(network, slot);
  }

  void begin_ranking(std::span<const Slot> slots) override {
    if (slots.empty()) return;
    with_advice(when_training, [&] {
      std::uint32_t most_training = 0;
      for (const Slot slot : slots) {
        DeviceMember& member = members_.at(slot);
        if (!member.trains()) throw std::logic_error("the member was opened for evaluation only");
        member.begin_ranking(model_, stream_);
        most_training = std::max(most_training, static_cast<std::uint32_t>(member.training.size()));
      }
      members_.moved();
      members_.refresh_tables(slots);
      evaluator_.fit_scalers(slots, members_.states(), most_training);
    });
  }

  void probabilities(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    evaluate(FieldOutput::probability, slots, fields, out);
  }
  void representations(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    evaluate(FieldOutput::representation, slots, fields, out);
  }
  void attention(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    evaluate(FieldOutput::attention, slots, fields, out);
  }
  void reconstruction_errors(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    with_advice(when_evaluating, [&] { evaluator_.reconstruction_errors(slots, fields, ranked(slots), out); });
  }
  std::vector<FieldStatistics> ensemble_statistics(std::span<const Slot> slots, FieldView fields) override {
    return with_advice(when_evaluating, [&] { return evaluator_.ensemble_statistics(slots, fields, ranked(slots)); });
  }
  BestFields best_fields(std::span<const Slot> slots, FieldView fields, std::size_t top) override {
    return with_advice(when_evaluating, [&] { return evaluator_.best_fields(slots, fields, top, ranked(slots)); });
  }

  void element_features(std::span<const Slot> slots, std::span<float> out) override {
    const std::size_t size = static_cast<std::size_t>(model_.architecture().elements) *
                             static_cast<std::size_t>(model_.architecture().features);
    check_size(out.size(), slots.size() * size);
    members_.refresh_tables(slots);
    for (std::size_t i = 0; i < slots.size(); ++i) members_.at(slots[i]).h.download(out.subspan(i * size, size));
    stream_.synchronise();
  }

  void read(Network network, Role role, Slot slot, std::span<float> out) const override {
    auto& self = const_cast<CudaEngine&>(*this);  // the stream is the engine's own: reading changes no member
    const DeviceBuffer<float>& source = self.members_.at(slot).network(network).role(role);
    if (source.empty()) throw std::logic_error("the slab to read does not exist");
    check_size(out.size(), source.size());
    source.download(out);
    self.stream_.synchronise();
  }

  void write(Network network, Role role, Slot slot, std::span<const float> in) override {
    check_size(in.size(), model_.shape.layout(network).size());
    DeviceBuffer<float>& target = members_.at(slot).network(network).role(role);
    if (target.empty()) {
      target = DeviceBuffer<float>(stream_, in.size(), "a member's state");
      members_.moved();
    }
    target.upload(in);
    if (role == Role::weights) weights_changed(network, slot);
  }

 private:
  static std::string megabytes(std::size_t bytes) {
    const double size = static_cast<double>(bytes) / 1e6;
    return fmt::format("{:.{}f} MB", size, size < 10 ? 1 : 0);
  }

  static void check_size(std::size_t given, std::size_t needed) {
    if (given != needed) throw std::logic_error("a buffer handed to the engine has the wrong size");
  }

  // The most features that a step's kernels have shared memory for.
  int most_features() const {
    const int elements = model_.architecture().elements;
    const std::size_t limit = model_.device.shared_per_block;
    int most = most_decoder_features(elements, limit);
    if (model_.problem.precision != Precision::tf32) return most;
    while (most > 0 && decode_tensor_shared_bytes(elements, most, limit) > limit) --most;
    return most;
  }

  void check_shape() const {
    const Architecture& architecture = model_.architecture();
    if (const int most = most_features(); architecture.features > most) {
      throw UsageError("model.features: " + std::to_string(architecture.features) + " is more than the " +
                       std::to_string(most) + " that the shared memory of " + model_.device.name +
                       " has room for: lower it to " + std::to_string(most) + ", or use --device cpu");
    }
    // Kernels count a member's weights in 32 bits.
    for (const ParameterLayout* layout : {&model_.shape.classifier, &model_.shape.ranking}) {
      if (layout->size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
        throw UsageError("a member has " + std::to_string(layout->size()) +
                         " weights and the CUDA engine handles 2147483647: lower model.hidden, or use --device cpu");
      }
    }
  }

  int features_that_fit(std::size_t needed) const {
    const double share = static_cast<double>(memory_limit_) / static_cast<double>(needed);
    return std::max(1, static_cast<int>(share * model_.architecture().features));
  }

  void weights_changed(Network network, Slot slot) {
    if (network != Network::classifier) return;
    members_.at(slot).z_current = false;
    members_.at(slot).tables_current = false;
  }

  void evaluate(FieldOutput output, std::span<const Slot> slots, FieldView fields, std::span<float> out) {
    with_advice(when_evaluating, [&] {
      members_.refresh_tables(slots);
      evaluator_.outputs(output, slots, fields, members_.states(), out);
    });
  }

  // Tables current; every member has a ranking network.
  const MemberState* ranked(std::span<const Slot> slots) {
    for (const Slot slot : slots) {
      if (members_.at(slot).ranking.weights.empty()) throw std::logic_error("the member has no ranking network");
    }
    members_.refresh_tables(slots);
    return members_.states();
  }

  Stream stream_;  // first: everything below allocates from it
  const DeviceModel model_;
  Members members_;
  EpochRunner classifier_, ranking_;
  Evaluator evaluator_;
  std::size_t memory_limit_;
};

}  // namespace
}  // namespace cuda

std::string cuda_engine_obstacle() {
  try {
    cuda::select_device();
    return "";
  } catch (const UsageError& error) {
    return error.what();
  }
}

std::unique_ptr<Engine> make_cuda_engine(const Problem& problem, CudaOptions options) {
  cuda::Device device = cuda::select_device();
  if (options.shared_limit > 0) device.shared_per_block = std::min(device.shared_per_block, options.shared_limit);
  return cuda::with_advice(cuda::when_evaluating,
                           [&] { return std::make_unique<cuda::CudaEngine>(problem, device, options); });
}

}  // namespace phaseselect
