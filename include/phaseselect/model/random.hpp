// Random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), a pure
// function of (seed, member, stream, epoch, step, index), identical on CPU and GPU. Nothing depends on thread, block,
// device or the order in which numbers are drawn.
#pragma once

#include <array>
#include <cstdint>

#ifdef __CUDACC__
#define PHASESELECT_HOST_DEVICE __host__ __device__
#else
#define PHASESELECT_HOST_DEVICE
#endif

namespace phaseselect {

struct PhiloxBlock {
  std::uint32_t word[4];
};

// The ten-round bijection; counter and key as in the paper's reference implementation.
PHASESELECT_HOST_DEVICE constexpr PhiloxBlock philox4x32_10(PhiloxBlock counter, std::uint32_t key0,
                                                            std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    counter = PhiloxBlock{
        {static_cast<std::uint32_t>(product1 >> 32) ^ counter.word[1] ^ key0, static_cast<std::uint32_t>(product1),
         static_cast<std::uint32_t>(product0 >> 32) ^ counter.word[3] ^ key1, static_cast<std::uint32_t>(product0)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// What a number is for. Values are part of the file format (they decide the bits of a run): never renumber.
enum class Stream : std::uint32_t {
  initial_weights = 1,     // step = parameter block, index = position in the ungrouped block
  sample_order = 2,        // index = position in the member's list of training rows
  slot_order = 3,          // step = step of the epoch, index = sample of the batch * 64 + slot
  classifier_dropout = 4,  // step = step of the epoch; index = see dropout_index
  ranking_initial_weights = 5,
  ranking_sample_order = 6,
  ranking_dropout = 7,
  prediction_order = 8,  // step = order, index = slot
  hold_out = 9,          // index = row
  folds = 10,            // index = row
  accessibility = 11,    // a run's only number: the seed of its accessibility members
  unreported = 12,  // step = elements of a field, 64 more for held-out fields; index = its rank, or twice the trial
};

// One random stream of one member (or of the whole run, member = 0).
// counter = (index / 4, step, stream << 24 | epoch, member); key = the seed. epoch < 2^24.
struct RandomStream {
  std::uint64_t seed = 0;
  std::uint32_t member = 0;
  Stream stream = Stream::initial_weights;
  std::uint32_t epoch = 0;
  std::uint32_t step = 0;

  // Four consecutive numbers: indices 4 * quad .. 4 * quad + 3.
  PHASESELECT_HOST_DEVICE constexpr PhiloxBlock block(std::uint32_t quad) const {
    return philox4x32_10(PhiloxBlock{{quad, step, (static_cast<std::uint32_t>(stream) << 24) | epoch, member}},
                         static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
  }
  // Selected without an index into the block: a GPU would put it into memory for that.
  PHASESELECT_HOST_DEVICE constexpr std::uint32_t operator()(std::uint32_t index) const {
    const PhiloxBlock numbers = block(index >> 2);
    const std::uint32_t low = (index & 1) != 0 ? numbers.word[1] : numbers.word[0];
    const std::uint32_t high = (index & 1) != 0 ? numbers.word[3] : numbers.word[2];
    return (index & 2) != 0 ? high : low;
  }
};

// [0, 1) with 24 bits: exact in float.
PHASESELECT_HOST_DEVICE constexpr float uniform(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * (1.0f / 16777216.0f);
}

// A Glorot-uniform draw in [-limit, limit). Two roundings, no fused multiply-add in any engine: compute as written.
PHASESELECT_HOST_DEVICE constexpr float symmetric(std::uint32_t bits, float limit) {
  return (uniform(bits) - 0.5f) * (2.0f * limit);
}

// A unit is kept when its draw reaches the rate.
PHASESELECT_HOST_DEVICE constexpr bool kept(std::uint32_t bits, float rate) { return uniform(bits) >= rate; }

// Index of a dropout decision: layer (0 = input of the network, 1 = after the first hidden layer, ...), sample of the
// batch, unit. A layer has at most 2^16 units and a batch at most 2^10 samples; layers are 2^26 apart.
PHASESELECT_HOST_DEVICE constexpr std::uint32_t dropout_index(std::uint32_t layer, std::uint32_t sample,
                                                              std::uint32_t unit) {
  return (layer << 26) | (sample << 16) | unit;
}

}  // namespace phaseselect
