// safetensors files, as they are and with length and checksum made right: every tensor that is announced can be read.
#include "phaseselect/model/safetensors.hpp"

#include <vector>

#include "tests/fuzz/target.hpp"

using namespace phaseselect;

namespace {

void read_everything(const std::filesystem::path& path, SafetensorsReader::Verify verify) {
  const SafetensorsReader reader(path, verify);
  for (const TensorInfo& tensor : reader.tensors()) {
    std::vector<std::byte> bytes(tensor.bytes());
    reader.read(tensor.name, 0, bytes);
    fuzz::require(reader.info(tensor.name).bytes() == tensor.bytes(), "a tensor is found by its name");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFile file;
  const std::string bytes = fuzz::text_of(data, size);
  file.fill(bytes);
  fuzz::done([] { read_everything(file.path(), SafetensorsReader::Verify::structure); });
  fuzz::done([] { read_everything(file.path(), SafetensorsReader::Verify::checksum); });
  file.fill(fuzz::repaired_safetensors(bytes));
  fuzz::done([] { read_everything(file.path(), SafetensorsReader::Verify::checksum); });
  return 0;
}
