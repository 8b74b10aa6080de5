// Environments of elements in formulas, numbered by value, and the sparse matrix they form.
#include "phaseselect/data/environment_matrix.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "host/chemistry/formula_parser.hpp"
#include "host/data/byte_keys.hpp"
#include "host/data/field_column.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

struct Entry {
  std::uint32_t environment;
  Element element;
};

// The keys of one composition, one after another in a buffer that is written without checks: `clear` makes the room.
class KeyList {
 public:
  void clear(std::size_t components) {
    size_ = 0;
    keys_.clear();
    buffer_.resize(std::max(buffer_.size(), (components + 2) * (components + 1) * longest_component));
  }

  // Seven bits a byte, the lowest first, the top bit set on all but the last: amounts follow each other unambiguously.
  void append_amount(std::int64_t amount) {
    auto rest = static_cast<std::uint64_t>(amount);
    for (; rest >= 0x80; rest >>= 7) append(static_cast<char>(rest | 0x80));
    append(static_cast<char>(rest));
  }

  void append_element(Element element) { append(static_cast<char>(rank(element))); }

  void append_component(const IntegerComponent& component) {
    append_element(component.element);
    append_amount(component.amount);
  }

  // Ends a key that will be looked for in `table`.
  void end_key(const ByteKeys& table) {
    const std::size_t begin = keys_.empty() ? 0 : keys_.back().end;
    const std::uint32_t hash = ByteKeys::hash_of({buffer_.data() + begin, size_ - begin});
    table.prefetch(hash);
    keys_.push_back({begin, size_, hash});
  }

  ByteKeys::Found intern(std::size_t key, ByteKeys& table) const {
    const auto& [begin, end, hash] = keys_[key];
    return table.intern({buffer_.data() + begin, end - begin}, hash);
  }

 private:
  static constexpr std::size_t longest_component = 1 + 9;  // 63 bits in sevens
  struct Extent {
    std::size_t begin;
    std::size_t end;
    std::uint32_t hash;
  };

  void append(char byte) { buffer_[size_++] = byte; }

  std::vector<char> buffer_;
  std::vector<Extent> keys_;
  std::size_t size_ = 0;
};

}  // namespace

struct EnvironmentMatrixBuilder::State {
  FormulaParser parser;
  KeyList keys;
  ByteKeys compositions;  // all components of a reduced composition
  ByteKeys environments;  // the amount of X, then the other components
  ByteKeys fields;        // the elements, one byte each
  std::vector<Entry> entries;
  std::array<bool, element_count> present{};
  std::size_t formulas = 0;
  std::vector<Reject> rejects;
  Doubtful large_amounts;

  explicit State(DecimalMark mark) : parser(mark) {}

  // Keys 0 and 1 are the composition and its field, key 2 + i the environment of component i. All are written before
  // the first is looked for, so that the tables' memory arrives meanwhile: the matrix takes a tenth less time than with
  // one key after the other.
  void write_keys(std::span<const IntegerComponent> composition) {
    keys.clear(composition.size());
    for (const IntegerComponent& component : composition) keys.append_component(component);
    keys.end_key(compositions);
    for (const IntegerComponent& component : composition) keys.append_element(component.element);
    keys.end_key(fields);
    for (const IntegerComponent& component : composition) {
      keys.append_amount(component.amount);
      for (const IntegerComponent& other : composition) {
        if (other.element != component.element) keys.append_component(other);
      }
      keys.end_key(environments);
    }
  }

  // A composition met before can only repeat its environments; a new one cannot meet an entry (X, environment) twice,
  // since the two together are the composition.
  void add(std::span<const IntegerComponent> composition) {
    write_keys(composition);
    if (!keys.intern(0, compositions).is_new) return;
    keys.intern(1, fields);
    if (composition.size() < 2) return;
    for (std::size_t i = 0; i < composition.size(); ++i) {
      const Element element = composition[i].element;
      entries.push_back({keys.intern(2 + i, environments).number, element});
      present[static_cast<std::size_t>(rank(element))] = true;
    }
  }

  std::vector<PhaseField> sorted_fields() const {
    std::vector<std::string_view> ordered(fields.size());
    for (std::size_t i = 0; i < ordered.size(); ++i) ordered[i] = fields[i];
    std::sort(ordered.begin(), ordered.end());
    std::vector<PhaseField> sorted;
    sorted.reserve(ordered.size());
    std::vector<Element> elements;
    for (const std::string_view each : ordered) {
      elements.clear();
      for (const char byte : each) elements.push_back(Element{static_cast<std::uint8_t>(byte)});
      sorted.emplace_back(elements);
    }
    return sorted;
  }

  // Counting sort of the entries by environment.
  void fill_columns(EnvironmentMatrix& matrix) const {
    std::array<std::uint16_t, element_count> row{};
    for (std::size_t i = 0; i < present.size(); ++i) {
      if (!present[i]) continue;
      row[i] = static_cast<std::uint16_t>(matrix.elements.size());
      matrix.elements.push_back(Element{static_cast<std::uint8_t>(i)});
    }
    std::vector<std::uint32_t>& offsets = matrix.column_offsets;
    offsets.assign(environments.size() + 1, 0);
    for (const Entry& entry : entries) ++offsets[entry.environment + 1];
    for (std::size_t i = 1; i < offsets.size(); ++i) offsets[i] += offsets[i - 1];
    std::vector<std::uint32_t> next(offsets.begin(), offsets.end() - 1);
    matrix.column_rows.resize(entries.size());
    for (const Entry& entry : entries) {
      matrix.column_rows[next[entry.environment]++] = row[static_cast<std::size_t>(rank(entry.element))];
    }
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
      std::sort(matrix.column_rows.begin() + offsets[i], matrix.column_rows.begin() + offsets[i + 1]);
    }
  }
};

EnvironmentMatrixBuilder::EnvironmentMatrixBuilder(DecimalMark mark) : state_(std::make_unique<State>(mark)) {}
EnvironmentMatrixBuilder::~EnvironmentMatrixBuilder() = default;

void EnvironmentMatrixBuilder::add(std::string_view formula, std::size_t line) {
  ++state_->formulas;
  try {
    state_->parser.parse(formula);
    state_->add(state_->parser.reduce());
    if (state_->parser.has_large_amount()) state_->large_amounts.add(line, formula);
  } catch (const CompositionError& error) {
    state_->rejects.push_back({line, std::string(formula), error.what()});
  }
}

EnvironmentMatrix EnvironmentMatrixBuilder::finish() && {
  EnvironmentMatrix matrix;
  state_->fill_columns(matrix);
  matrix.fields = state_->sorted_fields();
  matrix.formulas = state_->formulas;
  matrix.distinct = state_->compositions.size();
  matrix.rejects = std::move(state_->rejects);
  matrix.large_amounts = std::move(state_->large_amounts);
  return matrix;
}

EnvironmentMatrix read_environment_matrix(const std::filesystem::path& path, const FormulasRequest& request) {
  const CsvTable table = read_table(path, request.formula);
  const FieldColumn column =
      find_field_column(table, {request.formula, "environments.formula", Notation::formula, false});
  EnvironmentMatrixBuilder builder(request.decimal);
  for (const CsvRow& row : table.rows()) builder.add(row.cells[column.index], row.line);
  EnvironmentMatrix matrix = std::move(builder).finish();
  matrix.formulas += table.rejects().size();
  add_rejects(matrix.rejects, table.rejects());
  matrix.remarks = column.remarks(table);
  matrix.sha256 = table.sha256();
  if (matrix.environments() == 0) {
    throw Error(matrix.rejects.empty()
                    ? fmt::format("{}: there is no formula of two or more elements", table.name())
                    : fmt::format("{}: there is no usable formula of two or more elements; line {}: {}", table.name(),
                                  matrix.rejects.front().line, matrix.rejects.front().reason));
  }
  return matrix;
}

EnvironmentGroups group_columns(const EnvironmentMatrix& matrix, Grouping grouping) {
  const auto ones = [&](std::uint32_t column) {
    return matrix.column_offsets[column + 1] - matrix.column_offsets[column];
  };
  std::vector<std::uint32_t> order(matrix.environments());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return ones(a) < ones(b); });
  EnvironmentGroups groups;
  groups.elements = static_cast<int>(matrix.elements.size());
  groups.environments = static_cast<std::uint32_t>(matrix.environments());
  groups.offsets.push_back(0);
  groups.column_group.resize(matrix.environments());
  ByteKeys patterns;
  for (const std::uint32_t column : order) {
    const std::uint16_t* first = matrix.column_rows.data() + matrix.column_offsets[column];
    const std::size_t count = ones(column);
    auto group = static_cast<std::uint32_t>(groups.multiplicity.size());
    if (grouping == Grouping::exact) {
      group = patterns.intern({reinterpret_cast<const char*>(first), count * sizeof(*first)}).number;
    }
    groups.column_group[column] = group;
    if (group < groups.multiplicity.size()) {
      ++groups.multiplicity[group];
      continue;
    }
    groups.multiplicity.push_back(1);
    groups.rows.insert(groups.rows.end(), first, first + count);
    groups.offsets.push_back(static_cast<std::uint32_t>(groups.rows.size()));
  }
  return groups;
}

}  // namespace phaseselect
