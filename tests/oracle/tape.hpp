// Reverse-mode automatic differentiation of scalars: every operation records its value and its local derivatives on a
// tape; one sweep backwards gives the derivative of a result with respect to everything. Slow and obvious on purpose:
// it differentiates the oracle's forward mathematics so that no gradient is derived by hand a second time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace phaseselect::oracle {

// The order in which sums are formed. In exact arithmetic it changes nothing; in float it samples the rounding that any
// naive evaluation may have.
enum class Summation {
  ascending,
  descending,
  evens_first,  // 0, 2, 4, ..., 1, 3, 5, ...
  odds_first,   // 1, 3, 5, ..., 0, 2, 4, ...
  from_middle,  // size / 2, ..., size - 1, 0, 1, ...
  from_ends,    // 0, size - 1, 1, size - 2, ...
  from_third,   // size / 3, ..., size - 1, 0, 1, ...
  to_ends,      // the reverse of from_ends
};

template <typename T>
class Tape;

// A number on a tape, or a constant (no tape).
template <typename T>
struct Variable {
  T value = 0;
  Tape<T>* tape = nullptr;
  std::uint32_t node = 0;

  Variable() = default;
  Variable(T constant) : value(constant) {}  // NOLINT: a number is a constant variable
  Variable(T value_, Tape<T>* tape_, std::uint32_t node_) : value(value_), tape(tape_), node(node_) {}
};

template <typename T>
using Vector = std::vector<Variable<T>>;

template <typename T>
class Tape {
 public:
  explicit Tape(Summation summation = Summation::ascending) : summation_(summation) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Summation summation() const { return summation_; }

  // A result depends on `parent` with this local derivative; finish() closes the result's list of parents.
  void link(const Variable<T>& parent, T derivative) {
    if (parent.tape != nullptr) edges_.push_back({parent.node, derivative});
  }
  Variable<T> finish(T value) {
    ends_.push_back(edges_.size());
    return Variable<T>(value, this, static_cast<std::uint32_t>(ends_.size() - 1));
  }

  Vector<T> variables(const std::vector<T>& values) {
    Vector<T> result;
    result.reserve(values.size());
    for (const T value : values) result.push_back(finish(value));
    return result;
  }

  // d root / d node for every node of the tape.
  std::vector<T> adjoints(const Variable<T>& root) const {
    if (root.tape != this) throw std::logic_error("the root of the differentiation is not on this tape");
    std::vector<T> adjoint(ends_.size(), T(0));
    adjoint[root.node] = T(1);
    for (std::size_t node = root.node + std::size_t{1}; node-- > 0;) {
      const std::size_t begin = node == 0 ? 0 : ends_[node - 1];
      for (std::size_t edge = begin; edge < ends_[node]; ++edge) {
        adjoint[edges_[edge].parent] += adjoint[node] * edges_[edge].derivative;
      }
    }
    return adjoint;
  }

 private:
  struct Edge {
    std::uint32_t parent;
    T derivative;
  };
  Summation summation_;
  std::vector<Edge> edges_;
  std::vector<std::size_t> ends_;  // [nodes], one past the last edge of each node
};

template <typename T>
Variable<T> unary(const Variable<T>& x, T value, T derivative) {
  if (x.tape == nullptr) return Variable<T>(value);
  x.tape->link(x, derivative);
  return x.tape->finish(value);
}

template <typename T>
Variable<T> binary(const Variable<T>& x, const Variable<T>& y, T value, T dx, T dy) {
  Tape<T>* tape = x.tape != nullptr ? x.tape : y.tape;
  if (tape == nullptr) return Variable<T>(value);
  tape->link(x, dx);
  tape->link(y, dy);
  return tape->finish(value);
}

template <typename T>
Variable<T> operator+(const Variable<T>& x, const Variable<T>& y) {
  return binary<T>(x, y, x.value + y.value, T(1), T(1));
}
template <typename T>
Variable<T> operator-(const Variable<T>& x, const Variable<T>& y) {
  return binary<T>(x, y, x.value - y.value, T(1), T(-1));
}
template <typename T>
Variable<T> operator*(const Variable<T>& x, const Variable<T>& y) {
  return binary<T>(x, y, x.value * y.value, y.value, x.value);
}
template <typename T>
Variable<T> operator/(const Variable<T>& x, const Variable<T>& y) {
  return binary<T>(x, y, x.value / y.value, T(1) / y.value, -x.value / (y.value * y.value));
}
template <typename T>
Variable<T> operator*(T factor, const Variable<T>& x) {
  return unary<T>(x, factor * x.value, factor);
}

template <typename T>
Variable<T> exp(const Variable<T>& x) {
  const T value = std::exp(x.value);
  return unary<T>(x, value, value);
}

// max(x, 0), derivative 0 at 0.
template <typename T>
Variable<T> relu(const Variable<T>& x) {
  return unary<T>(x, x.value > T(0) ? x.value : T(0), x.value > T(0) ? T(1) : T(0));
}

// |x|, derivative 0 at 0.
template <typename T>
Variable<T> absolute(const Variable<T>& x) {
  const T sign = x.value > T(0) ? T(1) : (x.value < T(0) ? T(-1) : T(0));
  return unary<T>(x, std::abs(x.value), sign);
}

template <typename T>
T sigmoid(T x) {
  return x >= T(0) ? T(1) / (T(1) + std::exp(-x)) : std::exp(x) / (T(1) + std::exp(x));
}

// log(1 + e^x) without overflow.
template <typename T>
Variable<T> softplus(const Variable<T>& x) {
  return unary<T>(x, std::max(x.value, T(0)) + std::log1p(std::exp(-std::abs(x.value))), sigmoid(x.value));
}

inline constexpr Summation summations[] = {Summation::ascending,  Summation::descending,  Summation::evens_first,
                                           Summation::odds_first, Summation::from_middle, Summation::from_ends,
                                           Summation::from_third, Summation::to_ends};

// Positions 0 .. size-1 in the tape's order of summation.
inline std::size_t position(Summation order, std::size_t index, std::size_t size) {
  const std::size_t odds = size / 2, evens = size - odds;
  switch (order) {
    case Summation::descending:
      return size - 1 - index;
    case Summation::evens_first:
      return index < evens ? 2 * index : 2 * (index - evens) + 1;
    case Summation::odds_first:
      return index < odds ? 2 * index + 1 : 2 * (index - odds);
    case Summation::from_middle:
      return (index + size / 2) % size;
    case Summation::from_ends:
      return index % 2 == 0 ? index / 2 : size - 1 - index / 2;
    case Summation::from_third:
      return (index + size / 3) % size;
    case Summation::to_ends:
      return position(Summation::from_ends, size - 1 - index, size);
    case Summation::ascending:
      break;
  }
  return index;
}

template <typename T>
Tape<T>* tape_of(const Vector<T>& values) {
  for (const Variable<T>& value : values) {
    if (value.tape != nullptr) return value.tape;
  }
  return nullptr;
}

template <typename T>
Variable<T> sum(const Vector<T>& values) {
  Tape<T>* tape = tape_of(values);
  const Summation order = tape != nullptr ? tape->summation() : Summation::ascending;
  T total = 0;
  for (std::size_t i = 0; i < values.size(); ++i) total += values[position(order, i, values.size())].value;
  if (tape == nullptr) return Variable<T>(total);
  for (const Variable<T>& value : values) tape->link(value, T(1));
  return tape->finish(total);
}

template <typename T>
Variable<T> dot(const Vector<T>& x, const Vector<T>& y) {
  if (x.size() != y.size()) throw std::logic_error("dot product of vectors of different lengths");
  Tape<T>* tape = tape_of(x) != nullptr ? tape_of(x) : tape_of(y);
  const Summation order = tape != nullptr ? tape->summation() : Summation::ascending;
  T total = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t p = position(order, i, x.size());
    total += x[p].value * y[p].value;
  }
  if (tape == nullptr) return Variable<T>(total);
  for (std::size_t i = 0; i < x.size(); ++i) {
    tape->link(x[i], y[i].value);
    tape->link(y[i], x[i].value);
  }
  return tape->finish(total);
}

}  // namespace phaseselect::oracle
