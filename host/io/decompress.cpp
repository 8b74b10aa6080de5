// Compressed inputs. zlib itself reads gzip, because libarchive leaves its checksums out.
#include "host/io/decompress.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "host/io/archive.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t block = std::size_t{1} << 16;
constexpr std::size_t always_allowed = std::size_t{16} << 20;

// Inflates gzip members, one after another.
class Inflater {
 public:
  Inflater(std::string_view bytes, const std::string& name)
      : rest_(bytes), name_(name), unfolding_(bytes.size(), Unfolding::of_text, name) {
    constexpr int gzip_only = 16;
    if (inflateInit2(&stream_, MAX_WBITS + gzip_only) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  std::vector<char> run() {
    std::vector<char> text;
    while (!rest_.empty()) {
      while (step(text) != Z_STREAM_END) {
      }
      inflateReset(&stream_);
    }
    return text;
  }

 private:
  int step(std::vector<char>& text) {
    std::array<char, block> buffer;
    const std::size_t given = std::min<std::size_t>(rest_.size(), std::numeric_limits<uInt>::max());
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest_.data()));  // zlib only reads it
    stream_.avail_in = static_cast<uInt>(given);
    stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream_.avail_out = static_cast<uInt>(buffer.size());
    const int status = inflate(&stream_, Z_NO_FLUSH);
    rest_.remove_prefix(given - stream_.avail_in);
    const std::size_t got = buffer.size() - stream_.avail_out;
    unfolding_.add(got);
    text.insert(text.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got));
    if (status != Z_OK && status != Z_STREAM_END) fail(status);
    return status;
  }

  [[noreturn]] void fail(int status) const {
    throw Error(fmt::format("{}: the compressed file is truncated or damaged ({}); fetch or save it again", name_,
                            status == Z_BUF_ERROR || stream_.msg == nullptr ? "it ends too early" : stream_.msg));
  }

  std::string_view rest_;
  const std::string& name_;
  Unfolding unfolding_;
  z_stream stream_{};
};

std::vector<char> by_libarchive(std::string_view bytes, ArchiveReader::Kind kind, const std::string& name) {
  ArchiveReader reader(bytes, name, kind);
  std::vector<char> text;
  if (reader.next()) reader.append_data(text);
  reader.finish();
  return text;
}

}  // namespace

void Unfolding::add(std::size_t bytes) {
  unpacked_ += bytes;
  if (unpacked_ <= always_allowed || unpacked_ / most_ <= packed_) return;
  throw Error(
      fmt::format("{}: the compressed file unfolds to more than {} times its size, which no table does; "
                  "unpack it yourself if it is one",
                  name_, most_));
}

Compression compression_of(std::string_view bytes) {
  using namespace std::string_view_literals;
  const auto begins = [&](std::string_view magic) { return bytes.substr(0, magic.size()) == magic; };
  if (begins("\x1F\x8B"sv)) return Compression::gzip;
  if (begins("\x28\xB5\x2F\xFD"sv)) return Compression::zstd;
  if (begins("\xFD\x37zXZ\x00"sv)) return Compression::xz;
  constexpr std::size_t bzip2_header = 4;
  if (begins("BZh"sv) && bytes.size() > bzip2_header) {
    const std::string_view block = bytes.substr(bzip2_header);
    if (block.starts_with("1AY&SY"sv) || block.starts_with("\x17\x72\x45\x38\x50\x90"sv)) return Compression::bzip2;
  }
  return Compression::none;
}

void refuse_other_packing(std::string_view bytes, const std::string& name) {
  using namespace std::string_view_literals;
  constexpr std::pair<std::string_view, std::string_view> packings[] = {
      {"\x04\x22\x4D\x18"sv, "lz4"},     {"LZIP"sv, "lzip"}, {"\x1F\x9D"sv, "compress"},
      {"7z\xBC\xAF\x27\x1C"sv, "7-Zip"}, {"Rar!"sv, "RAR"},  {"PAR1"sv, "Parquet"}};
  for (const auto& [magic, packing] : packings) {
    if (!bytes.starts_with(magic)) continue;
    throw Error(fmt::format("{}: this is a file of {}: unpack it, or save the table as CSV", name, packing));
  }
  constexpr std::size_t tar_magic = 257;
  if (bytes.size() > tar_magic && bytes.substr(tar_magic).starts_with("ustar")) {
    throw Error(fmt::format("{}: this is an archive of files (tar): unpack it", name));
  }
}

std::vector<char> decompressed(std::string_view bytes, Compression compression, const std::string& name) {
  switch (compression) {
    case Compression::gzip:
      return Inflater(bytes, name).run();
    case Compression::zstd:
      return by_libarchive(bytes, ArchiveReader::Kind::zstd, name);
    case Compression::xz:
      return by_libarchive(bytes, ArchiveReader::Kind::xz, name);
    case Compression::bzip2:
      return by_libarchive(bytes, ArchiveReader::Kind::bzip2, name);
    case Compression::none:
      break;
  }
  return {bytes.begin(), bytes.end()};
}

}  // namespace phaseselect
