// Notes and progress on standard error.
#include "host/cli/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "host/io/readable.hpp"

namespace phaseselect {
namespace {

constexpr std::chrono::milliseconds redraw_interval{100};
constexpr std::chrono::seconds line_interval{10};
constexpr int bar_width = 24;

std::size_t terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// At most so many bytes, and no character in part.
std::string shortened(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0u) == 0x80u) --bytes;
  return text.substr(0, bytes);
}

}  // namespace

Terminal::Terminal(bool quiet) : quiet_(quiet), interactive_(isatty(STDERR_FILENO) == 1) {}

Terminal::~Terminal() { clear_bar(); }

void Terminal::clear_bar() {
  if (bar_shown_) std::fputs("\r\033[K", stderr);
  bar_shown_ = false;
}

void Terminal::note(const std::string& text) {
  if (!quiet_) remark(text);
}

void Terminal::remark(const std::string& text) {
  clear_bar();
  std::fputs((one_line(text) + "\n").c_str(), stderr);
}

void Terminal::progress(double fraction, const std::string& what) {
  if (quiet_) return;
  const Clock::time_point now = Clock::now();
  if (!started_) {
    started_ = true;
    first_fraction_ = fraction;
    start_ = now;
    last_ = interactive_ ? now - redraw_interval : now;
  }
  if (now - last_ < (interactive_ ? std::chrono::milliseconds(redraw_interval) : line_interval)) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  std::string line = progress_text(fraction, fraction - first_fraction_, seconds, one_line(what));
  if (interactive_) {
    const int filled = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * bar_width);
    line = fmt::format("[{:#<{}}{:.<{}}] {}", "", filled, "", bar_width - filled, line);
    line = fmt::format("\r\033[K{}", shortened(line, terminal_columns() - 1));
    bar_shown_ = true;
  } else {
    line += '\n';
  }
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace phaseselect
