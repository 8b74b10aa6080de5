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
  std::error_code ignored;
  if (path_ == "-") {
    direct_ = stdout;
  } else if (std::filesystem::exists(path_, ignored) && !std::filesystem::is_regular_file(path_, ignored) &&
             !std::filesystem::is_directory(path_, ignored)) {
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
  throw Error(
      fmt::format("cannot write {}: {}", path_ == "-" ? "to standard output" : path_.string(), std::strerror(error)));
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

void write_text(const std::filesystem::path& path, std::string_view text) {
  OutputFile file(path);
  file.write(text);
  file.commit();
}

std::string number(float value) { return std::isnan(value) ? std::string() : fmt::format("{}", value); }
std::string number(double value) { return std::isnan(value) ? std::string() : fmt::format("{}", value); }

}  // namespace phaseselect
