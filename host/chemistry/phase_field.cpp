// Phase fields: canonical form, text and hash.
#include "phaseselect/chemistry/phase_field.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "host/chemistry/byte_hash.hpp"
#include "host/io/unicode.hpp"
#include "phaseselect/chemistry/composition.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

bool separates(char32_t c) {
  return is_blank(c) || is_dash(c) ||
         (c < 0x80 && std::string_view(",;/{}[]()'\"|").find(static_cast<char>(c)) != std::string_view::npos);
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::optional<Character> character = character_at(text, at);
    const std::size_t bytes = character ? character->bytes : 1;
    if (character && separates(character->value)) {
      if (at > begin) words.push_back(text.substr(begin, at - begin));
      begin = at + bytes;
    }
    at += bytes;
  }
  if (text.size() > begin) words.push_back(text.substr(begin));
  return words;
}

// What tables write where they have nothing, and what would be read as a formula.
bool is_missing(std::string_view text) {
  constexpr std::array<std::string_view, 5> words{"NaN", "NAN", "Inf", "INF", "UNKNOWN"};
  return std::find(words.begin(), words.end(), text) != words.end();
}

std::optional<PhaseField> try_formula(std::string_view text) {
  try {
    return phase_field(parse_composition(text));
  } catch (const CompositionError&) {
    return std::nullopt;
  }
}

// The field of text that is one formula, or whose words are formulas.
PhaseField formula_field(std::string_view text, const std::vector<std::string_view>& words) {
  if (words.size() == 1 && is_missing(words.front())) {
    throw Error(fmt::format("'{}' is a word for a missing value: write blanks between symbols", words.front()));
  }
  if (std::optional<PhaseField> field = try_formula(text)) return *std::move(field);
  if (words.size() == 1) phase_field(parse_composition(text));  // throws the reason
  std::vector<Element> elements;
  for (const std::string_view word : words) {
    const std::optional<PhaseField> field = try_formula(word);
    if (!field) throw Error(fmt::format("unknown element '{}'", shown(word)));
    elements.insert(elements.end(), field->elements().begin(), field->elements().end());
  }
  return PhaseField(std::move(elements));
}

}  // namespace

PhaseField::PhaseField(std::vector<Element> elements) : elements_(std::move(elements)) {
  std::sort(elements_.begin(), elements_.end());
  elements_.erase(std::unique(elements_.begin(), elements_.end()), elements_.end());
}

std::string to_string(const PhaseField& field) {
  std::string text;
  for (const Element element : field.elements()) {
    if (!text.empty()) text += ' ';
    text += symbol(element);
  }
  return text;
}

NamedField read_phase_field(std::string_view text) {
  const std::vector<std::string_view> words = split(text);
  if (words.empty()) throw Error("no element is named");
  std::vector<Element> elements;
  elements.reserve(words.size());
  for (const std::string_view word : words) {
    const std::optional<Element> element = find_element(word);
    if (!element) return {formula_field(text, words), false, true};
    elements.push_back(*element);
  }
  PhaseField field(std::move(elements));
  const bool named_twice = field.elements().size() < words.size();
  return {std::move(field), named_twice, false};
}

PhaseField parse_phase_field(std::string_view text) { return read_phase_field(text).field; }

std::size_t PhaseFieldHash::operator()(const PhaseField& field) const {
  const std::vector<Element>& elements = field.elements();
  return byte_hash({reinterpret_cast<const char*>(elements.data()), elements.size()});
}

}  // namespace phaseselect
