// Names of what is not complete, and what is left of it.
#include "host/io/partial_name.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "host/io/sha256.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view mark = ".partial-";
constexpr std::string_view hexadecimal = "0123456789abcdef";
constexpr std::size_t random_digits = 16;

// The names that were given, complete or not: no other process has one of them.
std::mutex own_lock;
std::vector<fs::path> own;

struct PartialName {
  std::string stem;                 // of the target
  std::optional<std::string> host;  // nothing in the former names
  pid_t process = 0;                // 0: none that can live
};

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

std::string random_text() {
  std::uint64_t number = 0;
  while (::getrandom(&number, sizeof number, 0) != sizeof number) {
    if (errno != EINTR) throw Error("the system gives no random numbers: check getrandom(2)");
  }
  return fmt::format("{:0{}x}", number, random_digits);
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

std::size_t longest_name(const fs::path& folder) {
  const long limit = ::pathconf(folder.c_str(), _PC_NAME_MAX);
  return limit > 0 ? static_cast<std::size_t>(limit) : NAME_MAX;
}

// The name of the target, or its digest where the longest suffix would leave no room. The same on every host, so that
// what is left is found again.
std::string stem_of(const fs::path& target) {
  constexpr std::size_t longest_suffix = mark.size() + HOST_NAME_MAX + 1 + 10 + 1 + random_digits;
  std::string name = target.filename().string();
  if (name.size() + longest_suffix <= longest_name(folder_of(target))) return name;
  Sha256 digest;
  digest.update(std::as_bytes(std::span(name)));
  return "~" + digest.finish().substr(0, 32);
}

pid_t process_of(std::string_view digits) {
  pid_t process = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), process);
  return error == std::errc() ? process : 0;
}

bool consists_of(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

std::optional<PartialName> parse(const std::string& name) {
  const std::size_t found = name.rfind(mark);
  if (found == std::string::npos) return std::nullopt;
  const std::string stem = name.substr(0, found);
  const std::string_view rest = std::string_view(name).substr(found + mark.size());
  constexpr std::string_view digits = hexadecimal.substr(0, 10);
  if (consists_of(rest, digits)) return PartialName{stem, std::nullopt, process_of(rest)};
  const std::size_t random = rest.rfind('-');
  if (random == std::string_view::npos || random == 0) return std::nullopt;
  const std::size_t process = rest.rfind('-', random - 1);
  if (process == std::string_view::npos || process == 0) return std::nullopt;
  const std::string_view process_digits = rest.substr(process + 1, random - process - 1);
  const std::string_view random_part = rest.substr(random + 1);
  if (!consists_of(process_digits, digits) || !consists_of(random_part, hexadecimal)) return std::nullopt;
  if (random_part.size() != random_digits) return std::nullopt;
  return PartialName{stem, std::string(rest.substr(0, process)), process_of(process_digits)};
}

// Of this host; what the former names do not say is believed.
bool is_left_behind(const PartialName& name) {
  if (name.host && *name.host != host_name()) return false;
  return name.process <= 0 || (::kill(name.process, 0) != 0 && errno == ESRCH);
}

bool is_held(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool held = ::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return held;
}

// Calls remove(entry, name) for what dead processes left in the folder. A folder that cannot be listed keeps it.
template <class Remove>
void for_each_left_behind(const fs::path& folder, Remove remove) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const auto name = parse(entry->path().filename().string());
    if (name && is_left_behind(*name) && !is_held(entry->path())) remove(*entry, *name);
  }
}

bool is_file(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.symlink_status(ignored).type() == fs::file_type::regular;
}

}  // namespace

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0 || buffer.front() == '\0') return "localhost";
  std::string name = buffer.data();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_plain(c); }, '_');
  return name;
}

fs::path partial_path(const fs::path& target) {
  const fs::path folder = folder_of(target);
  const std::size_t limit = longest_name(folder);
  if (target.filename().string().size() > limit) {
    throw Error(
        fmt::format("cannot write {}: its name has more than the {} bytes that the file system allows: choose a "
                    "shorter one",
                    target.string(), limit));
  }
  fs::path path =
      target.parent_path() / fmt::format("{}{}{}-{}-{}", stem_of(target), mark, host_name(), ::getpid(), random_text());
  const std::lock_guard guard(own_lock);
  own.push_back(fs::absolute(path));
  return path;
}

void remove_own_partials() {
  const std::lock_guard guard(own_lock);
  std::error_code ignored;  // most have been renamed
  for (const fs::path& path : own) fs::remove_all(path, ignored);
}

bool is_partial_file(const fs::path& path) { return parse(path.filename().string()).has_value(); }

void remove_partial_files(const fs::path& directory) {
  std::error_code ignored;
  for_each_left_behind(directory, [&](const fs::directory_entry& entry, const PartialName&) {
    if (is_file(entry)) fs::remove(entry.path(), ignored);
  });
}

void remove_partials_of(const fs::path& target) {
  std::error_code ignored;
  const std::string stem = stem_of(target);
  for_each_left_behind(folder_of(target), [&](const fs::directory_entry& entry, const PartialName& name) {
    if (name.stem != stem) return;
    if (is_file(entry)) fs::remove(entry.path(), ignored);
    // A year behind a folder's name looks like the former names: no folder goes on such a guess.
    if (name.host && entry.symlink_status(ignored).type() == fs::file_type::directory) {
      fs::remove_all(entry.path(), ignored);
    }
  });
}

void hold_partial(int descriptor) { ::flock(descriptor, LOCK_EX | LOCK_NB); }  // not every file system has locks

}  // namespace phaseselect
