// Tables of numbers from two engines, and how far they may be apart: as far as references from the CPU engine are among
// themselves, times a small factor, plus a few units in the last place of the column's largest number (of a deviation:
// of the column before it, whose deviation it is).
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace phaseselect::whole {

// Rows by key: the first cells, and whatever is no number.
struct Table {
  std::vector<std::string> columns;
  std::map<std::string, std::vector<double>> rows;
};

// `keys`: how many first cells name the row.
Table read_table(const std::filesystem::path& csv, std::size_t keys);
// Of `explain --json`: one row an element, one for the field.
Table explanation(const nlohmann::json& json);

using Tables = std::map<std::string, Table>;  // by name

// `references`: tables of the same content, at least two, which differ by roundings. `found` is held to the first.
// Prints the largest differences.
void expect_near(const std::string& heading, const Tables& found, const std::vector<Tables>& references);
// The largest difference in a column that both tables have.
double largest_difference(const Table& a, const Table& b, const std::string& column);

}  // namespace phaseselect::whole
