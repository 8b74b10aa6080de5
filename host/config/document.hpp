// One YAML document as plain values. What a configuration does not need is refused, so that no text can loop, grow or
// mean something else than it says: a second document, text after the value, aliases and anchors, tags, control
// characters, deep nesting.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "host/config/value.hpp"

namespace phaseselect {

inline constexpr std::size_t most_bytes = std::size_t{1} << 20;  // of a configuration
inline constexpr std::size_t most_values = 10'000;
inline constexpr std::size_t most_nested = 16;

// Where values come from: a file (places are lines) or one option (one place).
struct Source {
  std::string name;              // the file, or what was typed: "--set key=value"
  std::filesystem::path folder;  // what relative paths refer to
  bool has_lines = true;

  std::string place(int line) const;  // 1-based; 0: not known
};

// The text of a file that holds a configuration. Throws UsageError: unreadable, or larger than most_bytes.
std::string read_document_text(const std::filesystem::path& path);

// Throws UsageError with place and reason.
Value parse_document(std::string_view text, const Source& source);

}  // namespace phaseselect
