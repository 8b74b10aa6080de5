// Lists of phase fields that users give to a command with a run: what is left out of them is said, and all of them
// unread is an error.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/pipeline/commands.hpp"
#include "host/pipeline/known_fields.hpp"
#include "phaseselect/data/property_table.hpp"

namespace phaseselect {

// The same for read_field_list, which names `--formula-column` in its messages.
FieldListRequest list_request(const ListFormat& format);

// Notes the first rows that were not used; remarks how many they are and what was guessed.
void say_list(const std::filesystem::path& path, const FieldList& list, const Execution& execution);

// What a run knows, and what the lists of reported fields add to it.
struct KnownLists {
  KnownFields fields;
  std::size_t reported = 0;  // rows of the lists that were used
  std::size_t rejects = 0;   // and that were not
  std::string identity;      // of the lists one after another: their bytes, which columns were read and how
};
// Throws Error for a list without a usable row.
KnownLists read_known_lists(const RunContents& contents, const std::vector<std::filesystem::path>& lists,
                            const ListFormat& format, const Execution& execution);

// "reported_rows" and "rejects".
void add_counts(nlohmann::json& result, const KnownLists& lists);

}  // namespace phaseselect
