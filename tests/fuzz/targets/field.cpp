// Phase fields: what is read is canonical, and reads back from every notation.
#include "phaseselect/chemistry/phase_field.hpp"
#include "tests/fuzz/target.hpp"

using namespace phaseselect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::text_of(data, size);
  fuzz::done([&] {
    const PhaseField field = parse_phase_field(text);
    fuzz::require(!field.empty(), "a field has an element");
    for (const char separator : {' ', '-', ',', ';', '/'}) {
      std::string other = to_string(field);
      for (char& c : other) c = c == ' ' ? separator : c;
      fuzz::require(parse_phase_field(other) == field, "a field reads back");
    }
  });
  element_group(text);
  return 0;
}
