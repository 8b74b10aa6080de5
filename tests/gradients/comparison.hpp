// How far an engine may be from the oracle: at most twice as far as a naive float evaluation, plus a few units in the
// last place. Errors are taken per quantity (a parameter block, a vector of outputs) in two ways: the Euclidean norm
// and the largest element. References that are not finite, or all zero where they should not be, fail: they would show
// nothing.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace phaseselect::oracle {

inline constexpr double naive_factor = 2;
inline constexpr double units_in_last_place = 8;
inline constexpr double ulp = std::numeric_limits<float>::epsilon();

struct Size {
  double norm = 0, largest = 0;
};

inline Size size_of(std::span<const double> values) {
  Size size;
  for (const double value : values) {
    size.norm = std::hypot(size.norm, value);
    size.largest = std::max(size.largest, std::abs(value));
  }
  return size;
}

inline Size distance(std::span<const float> values, std::span<const double> reference) {
  std::vector<double> difference;
  for (std::size_t i = 0; i < values.size(); ++i) difference.push_back(static_cast<double>(values[i]) - reference[i]);
  return size_of(difference);
}

// Collects what was compared under one heading, and prints the largest errors.
class Comparison {
 public:
  explicit Comparison(std::string heading) : heading_(std::move(heading)) {}
  Comparison(const Comparison&) = delete;
  Comparison& operator=(const Comparison&) = delete;
  ~Comparison() {
    fmt::print(
        "{}: largest error {:.2g} ulp of the quantity ({}; naive {:.2g}), largest share of the tolerance {:.0f} % "
        "({})\n",
        heading_, error_, error_name_, naive_error_, 100 * share_, share_name_);
  }

  // scale: what the reference's own size is replaced by where its terms cancel.
  void check(const std::string& name, std::span<const double> reference, const std::vector<std::vector<float>>& naive,
             std::span<const float> engine, const Size* scale = nullptr) {
    SCOPED_TRACE(heading_ + ": " + name);
    ASSERT_EQ(reference.size(), engine.size());
    for (std::size_t i = 0; i < engine.size(); ++i) {
      ASSERT_TRUE(std::isfinite(reference[i])) << "reference " << i;
      ASSERT_TRUE(std::isfinite(engine[i])) << "engine " << i;
    }
    const Size size = scale != nullptr ? *scale : size_of(reference);
    ASSERT_GT(size.largest, 0) << "the reference is all zero and shows nothing";
    Size plain;
    for (const std::vector<float>& evaluation : naive) {
      ASSERT_EQ(evaluation.size(), reference.size());
      const Size error = distance(evaluation, reference);
      plain.norm = std::max(plain.norm, error.norm);
      plain.largest = std::max(plain.largest, error.largest);
    }
    const Size error = distance(engine, reference);
    judge(name + " (norm)", error.norm, plain.norm, size.norm);
    judge(name + " (largest element)", error.largest, plain.largest, size.largest);
  }

  void check_zero(const std::string& name, std::span<const double> reference, std::span<const float> engine) {
    SCOPED_TRACE(heading_ + ": " + name + ", zero by construction");
    EXPECT_EQ(size_of(reference).largest, 0);
    for (const float value : engine) ASSERT_EQ(value, 0.0f);
  }

 private:
  void judge(const std::string& name, double error, double naive, double size) {
    const double allowed = naive_factor * naive + units_in_last_place * ulp * size;
    EXPECT_LE(error, allowed) << name << ": error " << error << ", of the naive float evaluation " << naive
                              << ", of a quantity of size " << size;
    if (error / (ulp * size) > error_) {
      error_ = error / (ulp * size);
      naive_error_ = naive / (ulp * size);
      error_name_ = name;
    }
    if (error / allowed > share_) {
      share_ = error / allowed;
      share_name_ = name;
    }
  }

  std::string heading_, error_name_ = "none", share_name_ = "none";
  double error_ = 0, naive_error_ = 0, share_ = 0;
};

}  // namespace phaseselect::oracle
