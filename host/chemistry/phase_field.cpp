// Phase fields: canonical form, text and hash.
#include "phaseselect/chemistry/phase_field.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "host/chemistry/byte_hash.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {

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

PhaseField parse_phase_field(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  std::vector<Element> elements;
  for (std::size_t begin = text.find_first_not_of(blanks); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(blanks, begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const std::optional<Element> element = find_element(word);
    if (!element) throw Error(fmt::format("unknown element '{}'", word));
    if (std::find(elements.begin(), elements.end(), *element) != elements.end()) {
      throw Error(fmt::format("element '{}' is named twice", symbol(*element)));
    }
    elements.push_back(*element);
    begin = text.find_first_not_of(blanks, end);
  }
  if (elements.empty()) throw Error("no element is named");
  return PhaseField(std::move(elements));
}

std::size_t PhaseFieldHash::operator()(const PhaseField& field) const {
  const std::vector<Element>& elements = field.elements();
  return byte_hash({reinterpret_cast<const char*>(elements.data()), elements.size()});
}

}  // namespace phaseselect
