// The bytes of an input, read once.
#include "host/io/input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include "host/io/decompress.hpp"
#include "host/io/sha256.hpp"
#include "host/io/text_encoding.hpp"
#include "host/io/xlsx.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t beginning = std::size_t{1} << 16;
constexpr std::size_t most_bytes = std::size_t{64} << 30;
constexpr std::size_t most_stream_bytes = std::size_t{2} << 30;  // a stream may have no end

struct Close {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, Close>;

File open(const std::filesystem::path& path) {
  if (path == "-") return File(stdin);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw Error(fmt::format("{}: this is a folder, a table is needed", path.string()));
  }
  File file(std::fopen(path.c_str(), "rb"));
  if (!file) throw Error(fmt::format("{}: cannot be opened: {}", path.string(), std::strerror(errno)));
  return file;
}

// The size of a file; empty for what has none, a pipe or a device.
std::optional<std::size_t> known_size(const std::filesystem::path& path) {
  std::error_code status;
  const auto size = std::filesystem::file_size(path == "-" ? "/dev/stdin" : path, status);
  if (status) return std::nullopt;
  return static_cast<std::size_t>(size);
}

void refuse_no_table(std::string_view bytes, const std::string& name) {
  refuse_other_packing(bytes, name);
  if (compression_of(bytes) == Compression::none && !is_spreadsheet(bytes)) refuse_binary(bytes, name);
}

}  // namespace

std::string input_name(const std::filesystem::path& path) { return path == "-" ? "standard input" : path.string(); }

Input read_input(const std::filesystem::path& path) {
  const File file = open(path);
  const std::string name = input_name(path);
  const std::optional<std::size_t> expected = known_size(path);
  const std::size_t most = expected ? most_bytes : most_stream_bytes;
  Input input;
  input.bytes.resize(std::min(expected.value_or(beginning), most) + 1);  // the end is met without another buffer
  std::size_t size = 0;
  for (std::size_t wanted = beginning;; wanted = most) {
    const std::size_t room = input.bytes.size() - size;
    const std::size_t got = std::fread(input.bytes.data() + size, 1, std::min(room, wanted), file.get());
    if (size == 0) refuse_no_table({input.bytes.data(), got}, name);
    size += got;
    if (got == 0) break;
    if (size > most) throw Error(fmt::format("{}: there are more than {} GiB; divide the table", name, most >> 30));
    if (size == input.bytes.size()) input.bytes.resize(std::min(2 * size, most + 1));
  }
  if (std::ferror(file.get()) != 0) throw Error(fmt::format("{}: cannot be read: {}", name, std::strerror(errno)));
  input.bytes.resize(size);
  input.sha256 = sha256(std::as_bytes(std::span(input.bytes)));
  return input;
}

}  // namespace phaseselect
