// From a configuration to what an engine trains on: tables read, fields mapped to matrix rows, labels, splits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "phaseselect/config/config.hpp"
#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/data/property_table.hpp"
#include "phaseselect/engine/engine.hpp"

namespace phaseselect {

// Maps elements to rows of the environment matrix.
class ElementRows {
 public:
  explicit ElementRows(const std::vector<Element>& elements);
  int row(Element element) const { return rows_[static_cast<std::size_t>(rank(element))]; }  // -1: not modelled
  // Appends the field's rows, padded to `slots`. False (nothing appended) when an element is not modelled or the field
  // has more than `slots` elements.
  bool append(const PhaseField& field, int slots, std::vector<std::int16_t>& rows) const;

 private:
  std::vector<int> rows_;  // [118]
};

// The checksums of the bytes that both tables were read from, whatever has become of the files since.
struct DataIdentity {
  std::string properties_sha256, formulas_sha256;
  friend bool operator==(const DataIdentity&, const DataIdentity&) = default;
};

struct PreparedData {
  DataIdentity identity;
  PropertyTable table;
  EnvironmentMatrix matrix;
  Problem problem;                      // fields in canonical order; record i of `kept` is row i
  std::vector<FieldRecord> kept;        // records all of whose elements are modelled and that fit the slots
  std::vector<FieldRecord> unmodelled;  // set aside: an element has no row in the matrix
  std::vector<FieldRecord> too_large;   // set aside: more elements than model.slots
  std::size_t positives = 0;            // labels 1 among kept
};

// Reads both tables and builds the problem. Throws UsageError when the threshold leaves one class empty (naming the
// range of the values), Error for unreadable data.
PreparedData prepare(const Config& config);

Architecture make_architecture(const Config& config, const EnvironmentGroups& groups, int slots);
OptimiserPlan classifier_plan(const Config& config);
OptimiserPlan ranking_plan(const Config& config);

// The fields with these numbers, in this order.
FieldSet gather(FieldView fields, std::span<const std::uint32_t> numbers);

// Members first .. last-1 of the ensemble: each trains on all rows but its own held-out ones.
std::vector<MemberPlan> ensemble_plans(const Config& config, const Problem& problem, std::uint32_t first,
                                       std::uint32_t last);

// A cross-validation as one population: member id = fold * members + m; rows that its fold does not train on are
// neither trained on nor held out.
struct FoldPlans {
  std::vector<SplitFold> folds;
  std::vector<MemberPlan> members;  // [folds * members]
};
FoldPlans fold_plans(const Config& config, const PreparedData& data);

}  // namespace phaseselect
