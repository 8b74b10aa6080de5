// What reading a table guessed, repaired or left out, said to the user: a remark each, shown whatever is silenced.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/pipeline/commands.hpp"
#include "host/pipeline/problem.hpp"
#include "phaseselect/data/environment_matrix.hpp"
#include "phaseselect/data/property_table.hpp"

namespace phaseselect {

// "property 'Tc': 5 values from 15 to 93", and that it was guessed.
std::string describe_property(const PropertyTable& table);

// One sentence each, the file in front: what was guessed and what is doubtful; then, where rows were not used, how
// many.
std::vector<std::string> table_remarks(const std::filesystem::path& file, const PropertyTable& table);
std::vector<std::string> table_remarks(const std::filesystem::path& file, const EnvironmentMatrix& matrix);
std::vector<std::string> table_remarks(const std::filesystem::path& file, const FieldList& list);

// "fields.csv:3: 'Xx O' was not used: unknown element 'Xx'".
std::string describe(const std::filesystem::path& file, const Reject& reject);

// The first 20 rows that were not used, a note each, and how many more there are.
void note_rejects(const std::filesystem::path& file, const std::vector<Reject>& rejects, const Execution& execution);

// Says all that prepare() found in both tables and what it set aside. The property is a note where it was named and a
// remark where it was guessed.
void say_data(const Config& config, const PreparedData& data, const Execution& execution);

// The property's name, whether it was guessed, the number of its values and their range.
nlohmann::json property_json(const PropertyTable& table);

}  // namespace phaseselect
