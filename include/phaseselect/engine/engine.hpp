// The one interface between host code and whatever does the arithmetic (CPU threads, a GPU).
// Host code owns epochs, early stopping, checkpoints, folds and progress; it never touches a weight. The engine owns
// the members' slabs. Members are independent: what is computed for one depends on its plan, the seed and the data
// alone, never on which others are open, so its bits are the same alone or in a crowd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/model/architecture.hpp"
#include "phaseselect/model/parameter_layout.hpp"

namespace phaseselect {

// Phase fields as rows of the environment matrix.
// rows: [fields][slots], the row numbers of a field's elements in ascending (alphabetical) order, then -1 as padding.
struct FieldSet {
  int slots = 0;
  std::vector<std::int16_t> rows;
  std::size_t size() const { return slots == 0 ? 0 : rows.size() / static_cast<std::size_t>(slots); }
};

// The same without ownership; slots may be smaller than the architecture's (ternary candidates: 3).
struct FieldView {
  int slots = 0;
  std::span<const std::int16_t> rows;
  FieldView() = default;
  FieldView(int slots_, std::span<const std::int16_t> rows_) : slots(slots_), rows(rows_) {}
  FieldView(const FieldSet& set) : slots(set.slots), rows(set.rows) {}  // NOLINT: a set is a view of itself
  std::size_t size() const { return slots == 0 ? 0 : rows.size() / static_cast<std::size_t>(slots); }
};

enum class Schedule { constant, cosine };

// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019):
// w -= rate * (m^ / (sqrt(v^) + epsilon) + weight_decay * w). cosine: rate(t) = learning_rate * (1 + cos(pi t / T)) /
// 2, t = steps done, T = epochs * steps per epoch.
struct OptimiserPlan {
  int epochs = 0;
  int batch = 0;
  double learning_rate = 0;
  Schedule schedule = Schedule::constant;
  double weight_decay = 0;
  double encoder_rate = 1;  // the encoder's own learning rate, as a multiple of the others'; 0: frozen
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-7;
};

// Arithmetic of the decoder's matrix products, the bulk of training. tf32: operands rounded to 10 mantissa bits on
// tensor cores, sums in fp32; everything else stays fp32. CUDA engine only.
enum class Precision { fp32, tf32 };

// Everything that members share.
struct Problem {
  Architecture architecture;
  EnvironmentGroups groups;
  FieldSet fields;                   // [N]
  std::vector<std::uint8_t> labels;  // [N], 0 or 1
  OptimiserPlan classifier;
  OptimiserPlan ranking;
  std::uint64_t seed = 0;
  Precision precision = Precision::fp32;
};

// One member: its identity decides its random numbers. Rows index Problem::fields, ascending.
struct MemberPlan {
  std::uint32_t id = 0;
  std::vector<std::uint32_t> training;
  std::vector<std::uint32_t> held_out;
};

// The two networks of a member, trained one after the other.
enum class Network { classifier, ranking };

// A place for one member in the engine, 0 .. slots-1.
using Slot = int;

// What a slab holds. `best` exists after keep_best.
enum class Role { weights, first_moment, second_moment, best };

struct EpochTask {
  Slot slot = 0;
  std::uint32_t epoch = 0;  // 0-based; decides random numbers, learning rate and bias correction
};

// Means over the epoch's samples (training) and over the member's held-out rows after the epoch.
struct EpochStatistics {
  double training_loss = 0;     // classifier: class-weighted cross-entropy with dropout; ranking: squared error
  double autoencoder_loss = 0;  // classifier only: L_ae at the epoch's last step
  double penalty = 0;           // classifier only: L1 and L2 terms after the epoch
  double held_out_loss = 0;     // classifier: unweighted cross-entropy; ranking: squared error; both without dropout
  std::uint32_t held_out_correct = 0;  // classifier only: rows whose probability is on the label's side of 0.5
  std::uint32_t held_out = 0;          // rows evaluated
};

// What an ensemble says of one field.
struct FieldStatistics {
  float probability = 0;  // mean over members
  float deviation = 0;    // population standard deviation over members
  float error = 0;        // mean over members of the ranking reconstruction error
};

// The best of a list of fields, and what is needed of the rest.
struct BestFields {
  std::vector<std::uint32_t> index;         // positions in the list, best first: see Engine::best_fields
  std::vector<FieldStatistics> statistics;  // beside index
  float smallest_error = 0;                 // over the whole list, without NaN; NaN where nothing else is left
  float largest_error = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;

  // One word for files: "cpu" or "cuda". Bits belong to a kind.
  virtual std::string kind() const = 0;
  // One word for files: "AVX2", of a GPU "sm_90". A member's bits belong to one.
  virtual std::string instruction_set() const = 0;
  // One line for people: "CPU, 2 threads, AVX-512".
  virtual std::string description() const = 0;
  // How many members this engine wants to train at once, at most `members`.
  virtual int preferred_slots(int members) const = 0;
  // Device memory that a member in training takes, in bytes; 0 for an engine without a device.
  virtual std::size_t device_bytes_of_member() const { return 0; }

  // ---- members ----
  // Places a member in a slot with freshly drawn classifier weights and zero moments. The slot must be closed.
  virtual void open(Slot slot, MemberPlan plan) = 0;
  // Places a member's weights for evaluation only: no plan, no moments. The slot must be closed.
  virtual void open_trained(Slot slot, std::span<const float> classifier, std::span<const float> ranking) = 0;
  virtual void close(Slot slot) = 0;

  // ---- training ----
  // Runs one epoch for each task's member; results in the order of the tasks.
  virtual std::vector<EpochStatistics> run_epoch(Network network, std::span<const EpochTask> tasks) = 0;
  // The same, unless `stop` says otherwise, which is asked between steps, by several threads: a member whose epoch is
  // not complete then has the state that it had before, bit by bit, and no statistics. An engine may end every epoch
  // that it began, as this implementation does.
  virtual std::vector<std::optional<EpochStatistics>> run_epoch_until(Network network, std::span<const EpochTask> tasks,
                                                                      const std::function<bool()>& stop);
  // Remembers the current weights as the best; puts them back.
  virtual void keep_best(Network network, Slot slot) = 0;
  virtual void restore_best(Network network, Slot slot) = 0;
  // With the classifier final: standardises the field vectors of the training rows (mean and deviation go to the
  // ranking slab) and draws the ranking weights. Must be called (again) before the ranking state of a resumed member is
  // written.
  virtual void begin_ranking(std::span<const Slot> slots) = 0;

  // ---- evaluation: outputs are [slots][fields] unless said otherwise; dropout off ----
  // Probability that the field reaches the threshold, averaged over prediction orders.
  virtual void probabilities(std::span<const Slot> slots, FieldView fields, std::span<float> out) = 0;
  // Field vectors in alphabetical slot order: [slots][fields][n * k].
  virtual void representations(std::span<const Slot> slots, FieldView fields, std::span<float> out) = 0;
  // Attention received by each element: [slots][fields][fields.slots]; padding is 0.
  virtual void attention(std::span<const Slot> slots, FieldView fields, std::span<float> out) = 0;
  // Euclidean norm of the standardised field vector minus its reconstruction.
  virtual void reconstruction_errors(std::span<const Slot> slots, FieldView fields, std::span<float> out) = 0;
  // Element features h: [slots][E][k].
  virtual void element_features(std::span<const Slot> slots, std::span<float> out) = 0;

  // ---- ensembles: statistics over the members in `slots`, accumulated in double in the order given ----
  // Every member needs a ranking network. These implementations use the functions above; an engine with members on a
  // device keeps the [slots][fields] values there.
  virtual std::vector<FieldStatistics> ensemble_statistics(std::span<const Slot> slots, FieldView fields);
  // The `top` best of the fields (all where there are fewer): probability descending, then error ascending, then
  // position. A NaN comes after every number.
  virtual BestFields best_fields(std::span<const Slot> slots, FieldView fields, std::size_t top);

  // ---- state: whole slabs, for checkpoints ----
  virtual void read(Network network, Role role, Slot slot, std::span<float> out) const = 0;
  virtual void write(Network network, Role role, Slot slot, std::span<const float> in) = 0;
};

// Vector instructions the CPU engine uses. All give results within rounding of each other; a run's bits belong to one.
enum class InstructionSet { best, baseline, avx2, avx512 };

// That of a CPU engine with this Engine::instruction_set(); nothing for a word that is none.
std::optional<InstructionSet> instruction_set_named(std::string_view name);

struct CpuOptions {
  int threads = 0;                                     // 0: every core this process may use
  InstructionSet instructions = InstructionSet::best;  // one this machine lacks throws UsageError
  double short_epoch = 0.5;  // seconds: run_epoch_until ends epochs that take less rather than undo them
};

// The problem must outlive the engine. For evaluation only, `fields` and `labels` may be empty.
std::unique_ptr<Engine> make_cpu_engine(const Problem& problem, CpuOptions options = {});

struct CudaOptions {
  std::size_t memory_limit = 0;  // bytes of GPU memory to plan with; 0: nine tenths of what is free
  std::size_t shared_limit = 0;  // bytes of shared memory that a block may take; 0: as many as the GPU has
};

// Why the CUDA engine cannot be used here (a build without it, no driver, no GPU, one that is too old), and what to do:
// one sentence. Empty where it can.
std::string cuda_engine_obstacle();
// As make_cpu_engine. Throws UsageError with the obstacle.
std::unique_ptr<Engine> make_cuda_engine(const Problem& problem, CudaOptions options = {});

}  // namespace phaseselect
