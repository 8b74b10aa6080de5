// Elements by name, formula and group.
#include "host/pipeline/element_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "host/io/unicode.hpp"
#include "phaseselect/chemistry/phase_field.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

// "Fe, @lanthanides" -> "Fe " and "@lanthanides".
std::pair<std::string, std::vector<std::string>> without_groups(std::string_view text) {
  std::string rest;
  std::vector<std::string> groups;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \t,;", begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (word.starts_with('@')) {
      groups.emplace_back(word);
    } else {
      (rest += word) += ' ';
    }
    begin = end + 1;
  }
  return {rest, groups};
}

// Only blanks and what separates.
bool is_empty(std::string_view text) { return text.find_first_not_of(" \t,;") == std::string_view::npos; }

class ElementReader {
 public:
  ElementReader(const ElementRows& rows, const std::string& option, Unmodelled unmodelled, const Execution& execution)
      : rows_(rows), option_(option), unmodelled_(unmodelled), execution_(execution) {}

  void read(const std::string& text) {
    if (is_empty(text)) throw UsageError(fmt::format("{}: no element is named", option_));
    const auto [symbols, groups] = without_groups(text);
    for (const std::string& group : groups) add_group(group);
    if (!is_empty(symbols)) add_named(text, symbols);
  }

  std::vector<Element> finish() && { return PhaseField(std::move(elements_)).elements(); }

 private:
  void add_group(const std::string& name) {
    const std::vector<Element> group = element_group(name);
    if (group.empty()) {
      throw UsageError(
          fmt::format("{}: there is no group '{}': the groups are {}", option_, shown(name), element_group_names()));
    }
    std::vector<Element> missing;
    for (const Element element : group) (rows_.row(element) < 0 ? missing : elements_).push_back(element);
    if (!missing.empty()) {
      execution_.note(fmt::format("{}: of {} this run does not model {}", option_, name,
                                  to_string(PhaseField(std::move(missing)))));
    }
  }

  void add_named(const std::string& text, const std::string& symbols) {
    NamedField named;
    try {
      named = read_phase_field(symbols);
    } catch (const Error& error) {
      throw UsageError(fmt::format("{}: '{}' cannot be read: {}", option_, shown(text), error.what()));
    }
    if (named.from_formula) {
      execution_.remark(
          fmt::format("{}: '{}' is a formula and read as {}", option_, shown(text), to_string(named.field)));
    }
    for (const Element element : named.field.elements()) {
      if (rows_.row(element) >= 0) {
        elements_.push_back(element);
        continue;
      }
      const std::string problem =
          fmt::format("{}: {} is not modelled by this run, since no formula of its environment matrix contains it",
                      option_, symbol(element));
      if (unmodelled_ == Unmodelled::refused) throw UsageError(problem);
      execution_.remark(problem);
    }
  }

  const ElementRows& rows_;
  const std::string& option_;
  Unmodelled unmodelled_;
  const Execution& execution_;
  std::vector<Element> elements_;
};

}  // namespace

std::vector<Element> chosen_elements(const std::vector<std::string>& texts, const ElementRows& rows,
                                     const std::string& option, Unmodelled unmodelled, const Execution& execution) {
  ElementReader reader(rows, option, unmodelled, execution);
  for (const std::string& text : texts) reader.read(text);
  return std::move(reader).finish();
}

}  // namespace phaseselect
