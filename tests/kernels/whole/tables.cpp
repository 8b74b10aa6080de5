#include "tests/kernels/whole/tables.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "tests/pipeline/small_data.hpp"

namespace phaseselect::whole {
namespace {

constexpr double factor = 4;
constexpr double units_in_last_place = 8;
constexpr double ulp = std::numeric_limits<float>::epsilon();

std::optional<double> number_in(const std::string& cell) {
  double value = 0;
  const char* end = cell.data() + cell.size();
  const auto [parsed, error] = std::from_chars(cell.data(), end, value);
  if (error != std::errc() || parsed != end) return std::nullopt;
  return value;
}

std::vector<double> values_of(const Table& table, std::size_t column) {
  std::vector<double> values;
  for (const auto& [key, row] : table.rows) values.push_back(row.at(column));
  return values;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b.at(i)));
  return largest;
}

// Shares of a count move by whole places when a number that is close to the limit crosses it.
bool counts(const std::string& column) { return column == "uncertainty_percentile" || column == "held_out_accuracy"; }

double smallest_gap(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  double gap = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const double step = values[i] - values[i - 1];
    if (step > 0 && (gap == 0 || step < gap)) gap = step;
  }
  return gap;
}

bool same_keys(const Table& a, const Table& b) {
  return a.columns == b.columns &&
         std::equal(a.rows.begin(), a.rows.end(), b.rows.begin(), b.rows.end(), [](const auto& x, const auto& y) {
           return x.first == y.first && x.second.size() == y.second.size();
         });
}

// A deviation, which is as exact as the numbers before it are.
bool deviates(const std::string& column) { return column.ends_with("_std") || column == "spread"; }

double largest(const std::vector<double>& values) {
  double size = 0;
  for (const double value : values) size = std::max(size, std::abs(value));
  return size;
}

// size: of the numbers that the column's errors come from. Returns the share of the tolerance that was needed.
double expect_column_near(const std::string& what, const std::vector<double>& found,
                          const std::vector<std::vector<double>>& references, double size, bool counted) {
  const double difference = distance(found, references.front());
  double among_references = 0;
  for (const std::vector<double>& reference : references) {
    among_references = std::max(among_references, distance(reference, references.front()));
  }
  const double place = counted ? smallest_gap(references.front()) : 0;
  const double allowed = factor * among_references + units_in_last_place * ulp * size + place;
  for (const double value : found) EXPECT_TRUE(std::isfinite(value)) << what;
  EXPECT_GT(size, 0) << what << " is all zero and shows nothing";
  EXPECT_LE(difference, allowed) << what << ": the references differ by " << among_references;
  fmt::print("  {}: {:.2g} of at most {:.2g} (references: {:.2g}; largest number {:.3g})\n", what, difference, allowed,
             among_references, size);
  return difference / allowed;
}

}  // namespace

Table read_table(const std::filesystem::path& csv, std::size_t keys) {
  Table table;
  const auto cells = small_data::read_cells(csv);
  EXPECT_GT(cells.size(), 1u) << csv;
  for (std::size_t r = 0; r < cells.size(); ++r) {
    if (r == 0) {
      table.columns.assign(cells[0].begin() + static_cast<std::ptrdiff_t>(keys), cells[0].end());
      continue;
    }
    std::string key;
    std::vector<double> row;
    for (std::size_t c = 0; c < cells[r].size(); ++c) {
      const std::optional<double> value = c < keys ? std::nullopt : number_in(cells[r][c]);
      if (!value) key += cells[r][c] + "|";
      row.push_back(value.value_or(0));
    }
    row.erase(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(keys));
    EXPECT_TRUE(table.rows.emplace(key, row).second) << csv << ": two rows of " << key;
  }
  return table;
}

Table explanation(const nlohmann::json& json) {
  Table table;
  table.columns = {"value", "spread"};
  for (const nlohmann::json& element : json.at("attention")) {
    table.rows[element.at("element")] = {element.at("attention"), element.at("attention_std")};
  }
  table.rows["field"] = {json.at("probability"), json.at("probability_std")};
  if (json.at("accessibility").is_number()) {
    table.rows["accessibility"] = {json.at("accessibility"), json.at("accessibility_std")};
  }
  table.rows["reconstruction"] = {json.at("reconstruction_error"), 0};
  table.rows[json.at("nearest").dump()] = {0, 0};  // not an engine's
  return table;
}

void expect_near(const std::string& heading, const Tables& found, const std::vector<Tables>& references) {
  ASSERT_GE(references.size(), 2u);
  fmt::print("{}: largest differences\n", heading);
  double share = 0;
  for (const auto& [name, table] : found) {
    for (const Tables& reference : references) ASSERT_TRUE(same_keys(table, reference.at(name))) << name;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const std::vector<double> values = values_of(table, c);
      if (std::all_of(values.begin(), values.end(), [](double v) { return v == 0; }) &&
          values == values_of(references.front().at(name), c)) {
        continue;  // a column of words
      }
      std::vector<std::vector<double>> columns;
      for (const Tables& reference : references) columns.push_back(values_of(reference.at(name), c));
      const std::string what = name + ", " + table.columns[c];
      double size = largest(columns.front());
      if (deviates(table.columns[c])) size = std::max(size, largest(values_of(references.front().at(name), c - 1)));
      share = std::max(share, expect_column_near(what, values, columns, size, counts(table.columns[c])));
    }
  }
  fmt::print("{}: largest share of a tolerance {:.0f} %\n", heading, 100 * share);
}

double largest_difference(const Table& a, const Table& b, const std::string& column) {
  const auto place = std::find(a.columns.begin(), a.columns.end(), column) - a.columns.begin();
  EXPECT_TRUE(same_keys(a, b));
  return distance(values_of(a, static_cast<std::size_t>(place)), values_of(b, static_cast<std::size_t>(place)));
}

}  // namespace phaseselect::whole
