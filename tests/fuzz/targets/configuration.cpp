// Configurations, as a file and as the text of --set: what is read writes itself in a form that reads back the same.
#include <vector>

#include "phaseselect/config/config.hpp"
#include "tests/fuzz/target.hpp"

using namespace phaseselect;

namespace {

constexpr const char* least = "data: {properties: a.csv, threshold: 1}\nenvironments: {formulas: b.csv}\n";

void check(const fuzz::MemoryFile& file, const std::vector<std::string>& settings) {
  static const fuzz::MemoryFile resolved;
  std::string text;
  if (!fuzz::done([&] { text = to_yaml(read_config(file.path(), settings)); })) return;
  resolved.fill(text);
  std::string again;
  fuzz::require(fuzz::done([&] { again = to_yaml(read_config(resolved.path())); }), "a resolved configuration is read");
  fuzz::require(again == text, "a resolved configuration reads back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFile file;
  const std::string text = fuzz::text_of(data, size);
  file.fill(text);
  check(file, {});
  file.fill(least);
  check(file, {text});
  return 0;
}
