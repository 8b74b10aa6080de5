// A run of which one file is edited: the run says what it said before, or Error. With checksums made right it says
// something, or Error. The input's first byte chooses the file (lowest three bits) and whether checksums are made right
// (highest bit); each five bytes after it are an edit: a place of three bytes, what happens there, and to which value.
#include <algorithm>
#include <array>
#include <map>

#include "host/io/json_text.hpp"
#include "host/io/sealed_json.hpp"
#include "host/pipeline/commands.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/pipeline/small_data.hpp"

using namespace phaseselect;

namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 8> names{"run.json",
                                           "members.safetensors",
                                           "config.yaml",
                                           "fields.csv",
                                           "environment_fields.csv",
                                           "accessibility.safetensors",
                                           "members.safetensors",
                                           "run.json"};

class EditedRun {
 public:
  EditedRun() {
    small_data::write_tables(folder_);
    TrainRequest request;
    request.config = read_config(folder_ / "config.yaml", std::vector<std::string>{"ensemble.members=2"});
    request.config.accessibility.members = 2;
    request.config.accessibility.folds = 2;
    request.config.accessibility.epochs = 1;
    request.run = run();
    train(request, execution());
    for (const char* name : names) good_[name] = small_data::read_file(run() / name);
    right_ = opinion();
  }

  void judge(const std::string& input) {
    const auto choice = static_cast<std::uint8_t>(input.front());
    const std::string name = names[choice % names.size()];
    const bool repaired = (choice & 0x80u) != 0;
    std::string bytes = edited(good_.at(name), input);
    if (repaired) bytes = repair(name, bytes);
    small_data::write_file(run() / name, bytes);
    std::string now;
    const bool loaded = fuzz::done([&] { now = opinion(); });
    for (const auto& [file, good] : good_) small_data::write_file(run() / file, good);
    fuzz::require(repaired || !loaded || now == right_, "a damaged run says what it said before, or nothing");
  }

 private:
  fs::path run() const { return folder_ / "run"; }

  static Execution execution() {
    Execution result;
    result.device = Device::cpu;
    result.threads = 1;
    return result;
  }

  std::string opinion() const { return explain(run(), "Ba Li O", execution()).dump(); }

  static std::string edited(std::string bytes, const std::string& input) {
    for (std::size_t i = 1; i + 5 <= input.size() && !bytes.empty(); i += 5) {
      const auto byte = [&](std::size_t offset) { return static_cast<std::uint8_t>(input[i + offset]); };
      const std::size_t place =
          (byte(0) | static_cast<std::size_t>(byte(1)) << 8 | static_cast<std::size_t>(byte(2)) << 16) % bytes.size();
      const std::uint8_t value = byte(4);
      switch (byte(3) % 5) {
        case 0:
          bytes[place] = static_cast<char>(value);
          break;
        case 1:
          bytes[place] = static_cast<char>(bytes[place] ^ 1 << value % 8);
          break;
        case 2:
          bytes.insert(place, 1, static_cast<char>(value));
          break;
        case 3:
          bytes.erase(place, 1 + value % 8u);
          break;
        default:
          bytes[place] = "0123456789"[value % 10];
      }
    }
    return bytes;
  }

  // The bytes with their own checksum made right; run.json then has the new one of a safetensors file beside it.
  std::string repair(const std::string& name, const std::string& bytes) const {
    if (name == "run.json") {
      std::string sealed = bytes;
      fuzz::done([&] {
        const nlohmann::json object = parse_json(bytes);
        if (object.is_object()) sealed = sealed_text(object);
      });
      return sealed;
    }
    if (!name.ends_with(".safetensors")) return bytes;
    const std::string repaired = fuzz::repaired_safetensors(bytes);
    const std::string key = "\"sha256\":\"";
    const std::size_t at = repaired.find(key);
    if (at == std::string::npos || at + key.size() + 64 > repaired.size()) return repaired;
    nlohmann::json description = read_sealed(run() / "run.json", "");
    description["files"][name] = repaired.substr(at + key.size(), 64);
    small_data::write_file(run() / "run.json", sealed_text(description));
    return repaired;
  }

  small_data::Folder folder_;
  std::map<std::string, std::string> good_;
  std::string right_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static EditedRun run;
  if (size > 0) run.judge(fuzz::text_of(data, size));
  return 0;
}
