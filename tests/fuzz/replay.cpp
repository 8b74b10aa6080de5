// Runs a fuzz target without a fuzzer: replay CORPUS... tries every file of these folders as it is, cut off at up to 64
// places, and with up to 64 flipped bits. Prints the number of inputs.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" __attribute__((weak)) int LLVMFuzzerInitialize(int* argc, char*** argv);

namespace {

namespace fs = std::filesystem;

constexpr std::size_t variants = 64;
constexpr double most_seconds = 5;  // usual are milliseconds; the machine may be busy, the program slowed by sanitizers

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Replay {
 public:
  void file(const fs::path& path) {
    path_ = path;
    const std::string whole = read(path);
    input(whole);
    const std::size_t places = std::min(whole.size(), variants);
    for (std::size_t i = 0; i < places; ++i) {
      const std::size_t at = i * whole.size() / places;
      input(whole.substr(0, at));
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ 1 << i % 8);
      input(flipped);
    }
  }
  std::size_t inputs() const { return inputs_; }
  double slowest() const { return slowest_; }

 private:
  void input(const std::string& bytes) {
    const auto start = std::chrono::steady_clock::now();
    try {
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    } catch (const std::exception& error) {
      std::fprintf(stderr, "replay: %s, input %zu: %s\n", path_.c_str(), inputs_, error.what());
      throw;
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    slowest_ = std::max(slowest_, taken.count());
    ++inputs_;
  }

  fs::path path_;
  std::size_t inputs_ = 0;
  double slowest_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&argc, &argv);
  Replay replay;
  for (int i = 1; i < argc; ++i) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(argv[i])) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) replay.file(file);
  }
  std::printf("%zu inputs, the slowest took %.3f s\n", replay.inputs(), replay.slowest());
  return replay.inputs() > 0 && replay.slowest() < most_seconds ? 0 : 1;
}
