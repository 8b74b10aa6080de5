// The CPU engine: members are independent, so threads share them out, one member's epoch at a time; evaluation is
// shared out by member and block of fields.
#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <stdexcept>

#include "host/engine/cpu/model.hpp"
#include "host/engine/cpu/thread_pool.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace cpu {
namespace {

// Fields that one task evaluates: large enough to hide the hand-over, small enough to share out one member's work.
constexpr std::size_t block_fields = 512;

constexpr Role undone_roles[] = {Role::weights, Role::first_moment, Role::second_moment};

using Evaluate = void (*)(const Model&, const Member&, FieldView, Workspace&, float*);

class CpuEngine final : public Engine {
 public:
  CpuEngine(const Problem& problem, CpuOptions options)
      : model_(problem, select_vector_kernels(options.instructions)),
        pool_(thread_count(options.threads)),
        workspaces_(static_cast<std::size_t>(pool_.threads())),
        short_epoch_(options.short_epoch) {}

  std::string kind() const override { return "cpu"; }
  std::string instruction_set() const override { return model_.kernels.name; }
  std::string description() const override {
    const int threads = pool_.threads();
    return "CPU, " + std::to_string(threads) + (threads == 1 ? " thread, " : " threads, ") + model_.kernels.name;
  }

  // Two a thread: a thread whose member ends early finds another, and little work is lost at an interruption.
  int preferred_slots(int members) const override { return std::min(members, 2 * pool_.threads()); }

  void open(Slot slot, MemberPlan plan) override {
    auto member = std::make_unique<Member>();
    const std::size_t size = model_.classifier.size();
    member->plan = std::move(plan);
    member->classifier = NetworkState{Buffer(size), Buffer(size), Buffer(size), Buffer()};
    draw_initial_classifier(model_.classifier, model_.problem.groups, model_.problem.seed, member->plan.id,
                            member->classifier.weights.span());
    place(slot, std::move(member));
  }

  void open_trained(Slot slot, std::span<const float> classifier, std::span<const float> ranking) override {
    auto member = std::make_unique<Member>();
    member->classifier.weights = copy(classifier, model_.classifier.size());
    if (!ranking.empty()) member->ranking.weights = copy(ranking, model_.ranking.size());
    place(slot, std::move(member));
  }

  void close(Slot slot) override {
    member(slot);
    members_[static_cast<std::size_t>(slot)].reset();
  }

  std::vector<EpochStatistics> run_epoch(Network network, std::span<const EpochTask> tasks) override {
    std::vector<EpochStatistics> statistics;
    for (auto& of_task : run_epoch_until(network, tasks, {})) statistics.push_back(of_task.value());
    return statistics;
  }

  // Keeping what an epoch would have to be undone to takes a pass over the member's memory, a step several: little
  // where an epoch has many steps, and where it has few, it soon ends.
  std::vector<std::optional<EpochStatistics>> run_epoch_until(Network network, std::span<const EpochTask> tasks,
                                                              const std::function<bool()>& stop) override {
    using Clock = std::chrono::steady_clock;
    std::vector<std::optional<EpochStatistics>> statistics(tasks.size());
    std::vector<double> seconds(tasks.size(), 0.0);
    double& last = last_epoch_[network == Network::classifier ? 0 : 1];
    const bool undone = stop && last >= short_epoch_;
    pool_.for_each(tasks.size(), [&](std::size_t i, int worker) {
      if (stop && stop()) return;
      Workspace& workspace = workspaces_[static_cast<std::size_t>(worker)];
      Member& trained = member(tasks[i].slot);
      const Clock::time_point start = Clock::now();
      if (undone) keep_state(network, tasks[i].slot, workspace);
      const auto epoch = network == Network::classifier ? classifier_epoch : ranking_epoch;
      statistics[i] = epoch(model_, trained, tasks[i].epoch, workspace, undone ? stop : Stop());
      if (!statistics[i]) undo(network, tasks[i].slot, workspace);
      seconds[i] = std::chrono::duration<double>(Clock::now() - start).count();
    });
    if (!tasks.empty()) last = *std::max_element(seconds.begin(), seconds.end());
    return statistics;
  }

  void keep_best(Network network, Slot slot) override {
    NetworkState& state = network_state(network, slot);
    if (state.best.empty()) state.best = Buffer(state.weights.size());
    std::copy_n(state.weights.data(), state.weights.size(), state.best.data());
  }

  void restore_best(Network network, Slot slot) override {
    NetworkState& state = network_state(network, slot);
    if (state.best.empty()) throw std::logic_error("restore_best before keep_best");
    std::copy_n(state.best.data(), state.best.size(), state.weights.data());
    weights_changed(network, slot);
  }

  void begin_ranking(std::span<const Slot> slots) override {
    pool_.for_each(slots.size(), [&](std::size_t i, int worker) {
      cpu::begin_ranking(model_, member(slots[i]), workspaces_[static_cast<std::size_t>(worker)]);
    });
  }

  void probabilities(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    evaluate(slots, fields, 1, out, cpu::probabilities);
  }
  void representations(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    evaluate(slots, fields, static_cast<std::size_t>(model_.architecture().field_width()), out, cpu::representations);
  }
  void attention(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    evaluate(slots, fields, static_cast<std::size_t>(fields.slots), out, attention_scores);
  }
  void reconstruction_errors(std::span<const Slot> slots, FieldView fields, std::span<float> out) override {
    for (const Slot slot : slots) {
      if (member(slot).ranking.weights.empty()) throw std::logic_error("the member has no ranking network");
    }
    evaluate(slots, fields, 1, out, cpu::reconstruction_errors);
  }

  void element_features(std::span<const Slot> slots, std::span<float> out) override {
    const auto k = static_cast<std::size_t>(model_.pattern.features);
    const auto elements = static_cast<std::size_t>(model_.pattern.elements);
    check_size(out.size(), slots.size() * elements * k);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      Member& source = member(slots[i]);
      refresh_tables(model_, source);
      for (std::size_t e = 0; e < elements; ++e) {
        std::copy_n(source.h.data() + e * static_cast<std::size_t>(model_.kp), k, out.data() + (i * elements + e) * k);
      }
    }
  }

  void read(Network network, Role role, Slot slot, std::span<float> out) const override {
    const Buffer& source = const_cast<CpuEngine*>(this)->role_buffer(network, role, slot);
    if (source.empty()) throw std::logic_error("the slab to read does not exist");
    check_size(out.size(), source.size());
    std::copy_n(source.data(), source.size(), out.data());
  }

  void write(Network network, Role role, Slot slot, std::span<const float> in) override {
    role_buffer(network, role, slot) = copy(in, model_.layout(network).size());
    if (role == Role::weights) weights_changed(network, slot);
  }

 private:
  static int thread_count(int wanted) {
    if (wanted < 0 || wanted > 1024) throw UsageError("the number of threads must be 0 (every core) to 1024");
    return wanted > 0 ? wanted : cpu::usable_processors();
  }

  static void check_size(std::size_t given, std::size_t needed) {
    if (given != needed) throw std::logic_error("a buffer handed to the engine has the wrong size");
  }

  static Buffer copy(std::span<const float> values, std::size_t size) {
    check_size(values.size(), size);
    Buffer buffer(size);
    std::copy(values.begin(), values.end(), buffer.data());
    return buffer;
  }

  void place(Slot slot, std::unique_ptr<Member> member) {
    const auto index = static_cast<std::size_t>(slot);
    if (index >= members_.size()) members_.resize(index + 1);
    if (members_[index] != nullptr) throw std::logic_error("the slot is not closed");
    members_[index] = std::move(member);
  }

  Member& member(Slot slot) {
    const auto index = static_cast<std::size_t>(slot);
    if (index >= members_.size() || members_[index] == nullptr) throw std::logic_error("the slot is not open");
    return *members_[index];
  }

  NetworkState& network_state(Network network, Slot slot) {
    return network == Network::classifier ? member(slot).classifier : member(slot).ranking;
  }

  Buffer& role_buffer(Network network, Role role, Slot slot) {
    NetworkState& state = network_state(network, slot);
    switch (role) {
      case Role::weights:
        return state.weights;
      case Role::first_moment:
        return state.first_moment;
      case Role::second_moment:
        return state.second_moment;
      case Role::best:
        return state.best;
    }
    throw std::logic_error("no such role");
  }

  void keep_state(Network network, Slot slot, Workspace& workspace) {
    for (std::size_t i = 0; i < std::size(undone_roles); ++i) {
      const Buffer& state = role_buffer(network, undone_roles[i], slot);
      workspace.undo[i].need(state.size());
      std::copy_n(state.data(), state.size(), workspace.undo[i].data());
    }
  }

  void undo(Network network, Slot slot, const Workspace& workspace) {
    for (std::size_t i = 0; i < std::size(undone_roles); ++i) {
      Buffer& state = role_buffer(network, undone_roles[i], slot);
      std::copy_n(workspace.undo[i].data(), state.size(), state.data());
    }
    weights_changed(network, slot);
  }

  void weights_changed(Network network, Slot slot) {
    if (network != Network::classifier) return;
    member(slot).z_current = false;
    member(slot).tables_current = false;
  }

  // out: [slots][fields][values]
  void evaluate(std::span<const Slot> slots, FieldView fields, std::size_t values, std::span<float> out,
                Evaluate function) {
    if (fields.slots > model_.architecture().slots) throw std::logic_error("fields have more slots than the model");
    const std::size_t count = fields.size();
    check_size(out.size(), slots.size() * count * values);
    pool_.for_each(slots.size(), [&](std::size_t i, int) { refresh_tables(model_, member(slots[i])); });
    const std::size_t blocks = (count + block_fields - 1) / block_fields;
    const auto width = static_cast<std::size_t>(fields.slots);
    pool_.for_each(slots.size() * blocks, [&](std::size_t task, int worker) {
      const std::size_t i = task / blocks;
      const std::size_t first = task % blocks * block_fields;
      const std::size_t size = std::min(block_fields, count - first);
      function(model_, member(slots[i]), FieldView(fields.slots, fields.rows.subspan(first * width, size * width)),
               workspaces_[static_cast<std::size_t>(worker)], out.data() + (i * count + first) * values);
    });
  }

  const Model model_;
  ThreadPool pool_;
  std::vector<Workspace> workspaces_;
  std::vector<std::unique_ptr<Member>> members_;  // [slots]; null where closed
  const double short_epoch_;
  // Seconds that the longest of a round took, by network; before the first one it may be any number.
  std::array<double, 2> last_epoch_{std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
};

}  // namespace
}  // namespace cpu

std::unique_ptr<Engine> make_cpu_engine(const Problem& problem, CpuOptions options) {
  return std::make_unique<cpu::CpuEngine>(problem, options);
}

}  // namespace phaseselect
