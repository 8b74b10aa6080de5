// Writing and reading safetensors files. The header is compact JSON, padded with blanks; every byte of the file is
// under the checksum except the eight of the header length, which the header itself proves.
#include "phaseselect/model/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "host/io/atomic_file.hpp"
#include "host/io/json_text.hpp"
#include "host/io/regular_file.hpp"
#include "host/io/sha256.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are written as they lie in memory");

constexpr std::size_t prefix_size = 8;
constexpr std::size_t alignment = 64;
constexpr std::size_t largest_header = 100'000'000;  // the limit of the format's own implementation

struct TypeName {
  TensorType type;
  const char* name;
  std::size_t size;
};
constexpr std::array<TypeName, 7> type_names{{{TensorType::f32, "F32", 4},
                                              {TensorType::f64, "F64", 8},
                                              {TensorType::i16, "I16", 2},
                                              {TensorType::i32, "I32", 4},
                                              {TensorType::u8, "U8", 1},
                                              {TensorType::u32, "U32", 4},
                                              {TensorType::u64, "U64", 8}}};

const TypeName& type_name(TensorType type) {
  return *std::find_if(type_names.begin(), type_names.end(), [&](const TypeName& t) { return t.type == type; });
}

const std::string no_digest(64, '0');

// Where the digest's 64 characters are in a header; npos when the header does not hold it. Quotes inside JSON strings
// are escaped, and metadata come first, so that the first match is the entry itself.
std::size_t digest_position(const std::string& header, const std::string& digest) {
  const std::string key = "\"sha256\":\"";
  const std::size_t found = header.find(key + digest + '"');
  return found == std::string::npos ? found : found + key.size();
}

std::string make_header(const std::vector<TensorInfo>& tensors, std::map<std::string, std::string> metadata) {
  if (!metadata.emplace("sha256", no_digest).second) throw std::logic_error("metadata 'sha256' belongs to the writer");
  std::string text = fmt::format("{{\"__metadata__\":{}", json_text(metadata, -1));
  std::set<std::string_view> names;
  std::size_t offset = 0;
  for (const TensorInfo& tensor : tensors) {
    if (!names.insert(tensor.name).second) throw std::logic_error("tensor '" + tensor.name + "' is declared twice");
    const nlohmann::json entry = {{"dtype", type_name(tensor.type).name},
                                  {"shape", tensor.shape},
                                  {"data_offsets", {offset, offset + tensor.bytes()}}};
    text += fmt::format(",{}:{}", json_text(tensor.name, -1), json_text(entry, -1));
    offset += tensor.bytes();
  }
  text += "}";
  if (text.size() > largest_header) {
    throw Error(fmt::format("{} tensors are more than one file can hold: train fewer members at once", tensors.size()));
  }
  text.resize((text.size() + prefix_size + alignment - 1) / alignment * alignment - prefix_size, ' ');
  return text;
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace

std::size_t TensorInfo::elements() const {
  std::size_t product = 1;
  for (const std::size_t extent : shape) product *= extent;
  return product;
}

std::size_t TensorInfo::bytes() const { return elements() * type_name(type).size; }

// --- writer ----------------------------------------------------------------------------------------------------------

struct SafetensorsWriter::State {
  State(std::filesystem::path path, const std::vector<TensorInfo>& tensors, std::map<std::string, std::string> metadata)
      : header(make_header(tensors, std::move(metadata))), file(std::move(path)) {
    for (const TensorInfo& tensor : tensors) missing += tensor.bytes();
  }
  std::string header;
  AtomicFile file;
  Sha256 digest;
  std::string sha256;       // once it is sealed
  std::size_t missing = 0;  // declared bytes not appended yet
};

SafetensorsWriter::SafetensorsWriter(std::filesystem::path path, const std::vector<TensorInfo>& tensors,
                                     std::map<std::string, std::string> metadata)
    : state_(std::make_unique<State>(std::move(path), tensors, std::move(metadata))) {
  const std::uint64_t length = state_->header.size();
  state_->file.append(std::as_bytes(std::span(&length, 1)));
  state_->file.append(bytes_of(state_->header));
  state_->digest.update(bytes_of(state_->header));
}

SafetensorsWriter::~SafetensorsWriter() = default;

void SafetensorsWriter::append(std::span<const std::byte> bytes) {
  if (bytes.size() > state_->missing) throw std::logic_error("more bytes appended than the tensors declare");
  state_->missing -= bytes.size();
  state_->digest.update(bytes);
  state_->file.append(bytes);
}

std::string SafetensorsWriter::seal() {
  if (state_->missing != 0) throw std::logic_error("fewer bytes appended than the tensors declare");
  if (state_->sha256.empty()) {
    state_->sha256 = state_->digest.finish();
    state_->file.overwrite(prefix_size + digest_position(state_->header, no_digest), bytes_of(state_->sha256));
  }
  return state_->sha256;
}

void SafetensorsWriter::commit() {
  seal();
  state_->file.commit();
}

// --- reader ----------------------------------------------------------------------------------------------------------

struct SafetensorsReader::State {
  explicit State(std::filesystem::path path) : file(std::move(path)), file_size(file.size()) {}

  [[noreturn]] void damaged(const std::string& reason) const {
    throw Error(
        fmt::format("{} is damaged ({}): restore it from a copy or create it again", file.path().string(), reason));
  }
  void read_bytes(std::size_t offset, std::span<std::byte> bytes) const;
  void parse_header();
  TensorInfo parse_tensor(const std::string& name, const nlohmann::json& entry);
  void check_layout();
  void check_digest() const;

  RegularFile file;
  std::size_t file_size = 0;
  std::size_t data_start = 0;
  std::string header;
  std::map<std::string, std::string> metadata;
  std::vector<TensorInfo> tensors;   // in file order
  std::vector<std::size_t> offsets;  // in the data section, beside tensors
  std::unordered_map<std::string, std::size_t> index;
};

void SafetensorsReader::State::read_bytes(std::size_t offset, std::span<std::byte> bytes) const {
  if (file.read(offset, bytes) != bytes.size()) damaged("it became shorter while it was read");
}

TensorInfo SafetensorsReader::State::parse_tensor(const std::string& name, const nlohmann::json& entry) {
  TensorInfo tensor;
  tensor.name = name;
  const std::string type = entry.at("dtype").get<std::string>();
  const auto known =
      std::find_if(type_names.begin(), type_names.end(), [&](const TypeName& t) { return t.name == type; });
  if (known == type_names.end()) damaged(fmt::format("tensor '{}' has the unknown type '{}'", name, type));
  tensor.type = known->type;
  std::size_t bytes = known->size;
  const nlohmann::json& shape = entry.at("shape");
  if (!shape.is_array()) damaged(fmt::format("tensor '{}' has no valid shape", name));
  for (const nlohmann::json& extent : shape) {
    if (!extent.is_number_unsigned()) damaged(fmt::format("tensor '{}' has no valid shape", name));
    tensor.shape.push_back(extent.get<std::size_t>());
    if (__builtin_mul_overflow(bytes, tensor.shape.back(), &bytes))
      damaged(fmt::format("tensor '{}' is too large", name));
  }
  const nlohmann::json& range = entry.at("data_offsets");
  if (!range.is_array() || range.size() != 2 || !range[0].is_number_unsigned() || !range[1].is_number_unsigned()) {
    damaged(fmt::format("tensor '{}' has no valid offsets", name));
  }
  const auto first = range[0].get<std::size_t>();
  const auto last = range[1].get<std::size_t>();
  if (first > last || last > file_size - data_start) damaged(fmt::format("tensor '{}' lies outside the file", name));
  if (last - first != bytes) damaged(fmt::format("tensor '{}' has another size than its shape", name));
  offsets.push_back(first);
  return tensor;
}

void SafetensorsReader::State::parse_header() {
  std::uint64_t length = 0;
  if (file_size < prefix_size) damaged("it is shorter than its first field");
  read_bytes(0, std::as_writable_bytes(std::span(&length, 1)));
  if (length > largest_header || length > file_size - prefix_size) damaged("its header reaches beyond its end");
  header.resize(length);
  read_bytes(prefix_size, std::as_writable_bytes(std::span(header)));
  data_start = prefix_size + header.size();
  nlohmann::json json;
  try {
    json = parse_json(header);
  } catch (const Error& error) {
    damaged(fmt::format("its header is malformed: {}", error.what()));
  }
  try {
    if (!json.is_object()) damaged("its header is no JSON object");
    for (const auto& [name, entry] : json.items()) {
      if (name == "__metadata__") {
        metadata = entry.get<std::map<std::string, std::string>>();
      } else {
        tensors.push_back(parse_tensor(name, entry));
      }
    }
  } catch (const nlohmann::json::exception& error) {
    damaged(fmt::format("its header is malformed: {}", error.what()));
  }
}

// Tensors must tile the data section: no hole, no overlap, nothing behind the last.
void SafetensorsReader::State::check_layout() {
  std::vector<std::size_t> order(tensors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(offsets[a], offsets[a] + tensors[a].bytes()) <
           std::pair(offsets[b], offsets[b] + tensors[b].bytes());
  });
  std::vector<TensorInfo> sorted;
  std::vector<std::size_t> sorted_offsets;
  std::size_t end = 0;
  for (const std::size_t i : order) {
    if (offsets[i] != end) damaged(fmt::format("tensor '{}' overlaps another or leaves a hole", tensors[i].name));
    end += tensors[i].bytes();
    index[tensors[i].name] = sorted.size();
    sorted_offsets.push_back(offsets[i]);
    sorted.push_back(std::move(tensors[i]));
  }
  if (end != file_size - data_start) damaged("it has bytes behind its last tensor, or its end is missing");
  tensors = std::move(sorted);
  offsets = std::move(sorted_offsets);
}

void SafetensorsReader::State::check_digest() const {
  const auto entry = metadata.find("sha256");
  if (entry == metadata.end() || entry->second.size() != no_digest.size()) damaged("it has no checksum");
  const std::size_t position = digest_position(header, entry->second);
  if (position == std::string::npos) damaged("its checksum is not where it was written");
  std::string without = header;
  without.replace(position, no_digest.size(), no_digest);
  Sha256 digest;
  digest.update(bytes_of(without));
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  for (std::size_t offset = data_start; offset < file_size; offset += buffer.size()) {
    const std::span<std::byte> part = std::span(buffer).first(std::min(buffer.size(), file_size - offset));
    read_bytes(offset, part);
    digest.update(part);
  }
  if (digest.finish() != entry->second) damaged("its checksum does not match its contents");
}

SafetensorsReader::SafetensorsReader(std::filesystem::path path, Verify verify)
    : state_(std::make_unique<State>(std::move(path))) {
  state_->parse_header();
  state_->check_layout();
  if (verify == Verify::checksum) state_->check_digest();
}

SafetensorsReader::~SafetensorsReader() = default;
SafetensorsReader::SafetensorsReader(SafetensorsReader&&) noexcept = default;
SafetensorsReader& SafetensorsReader::operator=(SafetensorsReader&&) noexcept = default;

const std::filesystem::path& SafetensorsReader::path() const { return state_->file.path(); }
const std::map<std::string, std::string>& SafetensorsReader::metadata() const { return state_->metadata; }
std::span<const TensorInfo> SafetensorsReader::tensors() const { return state_->tensors; }
bool SafetensorsReader::contains(const std::string& name) const { return state_->index.count(name) != 0; }

const TensorInfo& SafetensorsReader::info(const std::string& name) const {
  const auto found = state_->index.find(name);
  if (found == state_->index.end()) state_->damaged(fmt::format("it has no tensor '{}'", name));
  return state_->tensors[found->second];
}

void SafetensorsReader::read(const std::string& name, std::size_t byte_offset, std::span<std::byte> bytes) const {
  const std::size_t size = info(name).bytes();
  if (byte_offset > size || bytes.size() > size - byte_offset) {
    state_->damaged(fmt::format("tensor '{}' is smaller than it should be", name));
  }
  state_->read_bytes(state_->data_start + state_->offsets[state_->index.at(name)] + byte_offset, bytes);
}

}  // namespace phaseselect
