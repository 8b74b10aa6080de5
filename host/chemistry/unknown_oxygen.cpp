// Oxygen of unknown amount at the end of a formula.
#include "host/chemistry/unknown_oxygen.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <string>

#include "host/chemistry/ascii.hpp"
#include "phaseselect/chemistry/composition.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t most_alphabetical = 3;

// Takes one of the words from the end of the text; false where it ends with none.
template <std::size_t Count>
bool take(std::string_view& text, const std::string_view (&words)[Count]) {
  for (const std::string_view word : words) {
    if (!text.ends_with(word)) continue;
    text.remove_suffix(word.size());
    return true;
  }
  return false;
}

bool take_sign(std::string_view& text) {
  constexpr std::string_view signs[] = {"+/-", "+-", "-", "+", "=", "±", "−", "–", "—", "∓"};
  return take(text, signs);
}

bool take_variable(std::string_view& text) {
  constexpr std::string_view variables[] = {"x", "y", "z", "X", "Y", "Z", "δ", "Δ"};
  return take(text, variables);
}

// The last bytes of variables: few formulas end with one.
constexpr auto may_be_variable = [] {
  std::array<bool, 256> last{};
  for (const char c : std::string_view("xyzXYZdnδΔ")) last[static_cast<unsigned char>(c)] = true;
  return last;
}();

void take_number(std::string_view& text) {
  const std::size_t last = text.find_last_not_of("0123456789.");
  text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// Whether the symbols, amounts left out, stand in alphabetical order, each once, and are few.
bool is_alphabetical(std::string_view formula) {
  std::string_view last;
  std::size_t symbols = 0;
  for (std::size_t at = 0; at < formula.size();) {
    if (!is_upper(formula[at])) {
      ++at;
      continue;
    }
    std::size_t end = at + 1;
    while (end < formula.size() && is_lower(formula[end])) ++end;
    const std::string_view symbol = formula.substr(at, end - at);
    if (symbol <= last) return false;
    last = symbol;
    at = end;
    ++symbols;
  }
  return symbols <= most_alphabetical;
}

}  // namespace

void refuse_unknown_oxygen(std::string_view formula) {
  std::string_view text = formula;
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.empty() || !may_be_variable[static_cast<unsigned char>(text.back())]) return;
  const std::string_view whole = text;
  if (text.ends_with('d') || text.ends_with('n')) {  // a variable behind a sign alone: Od and On are none
    text.remove_suffix(1);
    if (!take_sign(text)) return;
  } else if (!take_variable(text)) {
    return;
  } else if (!take_sign(text)) {
    if (!text.ends_with('O') || (whole.ends_with('Y') && is_alphabetical(whole))) return;
    throw CompositionError(fmt::format("oxygen of unknown amount ('{}'): write the amount{}",
                                       whole.substr(text.size() - 1),
                                       whole.ends_with('Y') ? ", or a blank before the symbol of yttrium" : ""));
  }
  take_number(text);
  if (!text.ends_with('O')) return;
  throw CompositionError(
      fmt::format("oxygen of unknown amount ('{}'): write the amount", whole.substr(text.size() - 1)));
}

}  // namespace phaseselect
