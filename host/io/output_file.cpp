// Text results, complete or not at all.
#include "host/io/output_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <system_error>

#include "phaseselect/error.hpp"

namespace phaseselect {

OutputFile::OutputFile(std::filesystem::path path) : path_(std::move(path)) {
  if (is_standard_output(path_)) {
    direct_ = stdout;
  } else if (is_stream(path_)) {
    direct_ = std::fopen(path_.c_str(), "w");
    if (direct_ == nullptr) fail(errno);
  } else {
    file_ = std::make_unique<AtomicFile>(path_);
  }
}

OutputFile::~OutputFile() {
  if (direct_ != nullptr && direct_ != stdout) std::fclose(direct_);
}

void OutputFile::fail(int error) const {
  throw Error(fmt::format("cannot write {}: {}", direct_ == stdout ? "to standard output" : path_.string(),
                          std::strerror(error)));
}

void OutputFile::write(std::string_view text) {
  if (file_) {
    file_->append(std::as_bytes(std::span(text)));
  } else if (std::fwrite(text.data(), 1, text.size(), direct_) != text.size()) {
    fail(errno);
  }
}

void OutputFile::commit() {
  if (file_) {
    file_->commit();
  } else if (std::fflush(direct_) != 0) {
    fail(errno);
  }
}

// By name: /dev/stdout may lead to a regular file, of which only a part is ours.
bool is_standard_output(const std::filesystem::path& path) {
  return path == "-" || path == "/dev/stdout" || path == "/dev/fd/1" || path == "/proc/self/fd/1";
}

bool is_stream(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  return is_standard_output(path) || (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
                                      !std::filesystem::is_directory(status));
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  OutputFile file(path);
  file.write(text);
  file.commit();
}

std::string number(float value) { return std::isnan(value) ? std::string() : fmt::format("{}", value); }
std::string number(double value) { return std::isnan(value) ? std::string() : fmt::format("{}", value); }

}  // namespace phaseselect
