// Packed bytes in memory, unpacked by libarchive.
#include "host/io/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <array>
#include <new>
#include <utility>

#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t block = std::size_t{1} << 16;

// Filters by name: `all` would include some that run other programs.
int support(archive* reader, ArchiveReader::Kind kind) {
  switch (kind) {
    case ArchiveReader::Kind::bzip2:
      archive_read_support_filter_bzip2(reader);
      break;
    case ArchiveReader::Kind::xz:
      archive_read_support_filter_xz(reader);
      break;
    case ArchiveReader::Kind::zstd:
      archive_read_support_filter_zstd(reader);
      break;
    case ArchiveReader::Kind::zip:
      return archive_read_support_format_zip_seekable(reader);
  }
  archive_read_support_format_empty(reader);
  return archive_read_support_format_raw(reader);
}

}  // namespace

void ArchiveReader::Free::operator()(archive* reader) const { archive_read_free(reader); }

ArchiveReader::ArchiveReader(std::string_view bytes, std::string name, Kind kind)
    : name_(std::move(name)),
      size_(bytes.size()),
      unfolding_(bytes.size(), kind == Kind::zip ? Unfolding::of_workbook : Unfolding::of_text, name_),
      reader_(archive_read_new()) {
  if (!reader_) throw std::bad_alloc();
  check(support(reader_.get(), kind));
  check(archive_read_open_memory(reader_.get(), bytes.data(), bytes.size()));
}

void ArchiveReader::check(int status) const {
  if (status == ARCHIVE_OK) return;
  const char* reason = archive_error_string(reader_.get());
  throw Error(fmt::format("{}: the compressed file is truncated or damaged ({}); fetch or save it again", name_,
                          reason != nullptr ? reason : "it ends too early"));
}

bool ArchiveReader::next() {
  archive_entry* entry = nullptr;
  const int status = archive_read_next_header(reader_.get(), &entry);
  if (status == ARCHIVE_EOF) return false;
  check(status);
  const char* path = archive_entry_pathname_utf8(entry);
  entry_ = path != nullptr ? path : "";
  return true;
}

void ArchiveReader::append_data(std::vector<char>& data) {
  std::array<char, block> buffer;
  while (true) {
    const la_ssize_t got = archive_read_data(reader_.get(), buffer.data(), buffer.size());
    if (got == 0) return;
    if (got < 0) check(static_cast<int>(got));
    unfolding_.add(static_cast<std::size_t>(got));
    data.insert(data.end(), buffer.begin(), buffer.begin() + got);
  }
}

void ArchiveReader::finish() {
  check(archive_read_close(reader_.get()));
  if (archive_filter_bytes(reader_.get(), -1) != static_cast<la_int64_t>(size_)) {
    throw Error(fmt::format("{}: other bytes follow the compressed text; fetch or save the file again", name_));
  }
}

}  // namespace phaseselect
