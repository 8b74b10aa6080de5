// SIGINT, SIGTERM and SIGHUP ask the work to stop.
#include "host/cli/signals.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <system_error>
#include <thread>

#include "host/io/folder_lock.hpp"
#include "host/io/partial_name.hpp"
#include "host/io/readable.hpp"

namespace phaseselect {
namespace {

constexpr std::chrono::seconds patience{4};

std::atomic<bool> stopping{false};
std::atomic<bool> asked{false};   // the work looks whether it is to stop
std::array<int, 2> wake{-1, -1};  // a pipe: a handler may do no more than write

std::mutex resumption_lock;
std::string resumption;

static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

extern "C" void on_stop_signal(int) {
  if (stopping.exchange(true)) _exit(130);
  const int saved = errno;
  [[maybe_unused]] const ssize_t woken = ::write(wake[1], "", 1);
  errno = saved;
}

// Waits for a signal, gives the work its time, and ends the program if it is still there.
void cut_off() {
  char byte = 0;
  while (::read(wake[0], &byte, 1) < 0 && errno == EINTR) continue;
  if (asked.load()) std::this_thread::sleep_for(patience);
  remove_own_partials();
  FolderLock::release_all();
  const std::lock_guard guard(resumption_lock);
  const std::string message =
      resumption.empty() ? "interrupted before the end"
                         : fmt::format("interrupted; what was saved before is kept: continue with {}", resumption);
  std::fputs(("phaseselect: " + one_line(message) + "\n").c_str(), stderr);
  _exit(130);
}

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

void install_signal_handlers() {
  try {
    if (::pipe2(wake.data(), O_CLOEXEC) == 0) std::thread(cut_off).detach();
  } catch (const std::system_error&) {  // no thread can be had: work that never asks is not cut off
  }
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  if (!is_ignored(SIGHUP)) sigaction(SIGHUP, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

bool stop_requested() {
  asked.store(true, std::memory_order_relaxed);
  return stopping.load();
}

void remember_resumption(const std::string& command) {
  const std::lock_guard guard(resumption_lock);
  resumption = command;
}

void occupy_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) != -1) continue;
    const int wrong_way = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    [[maybe_unused]] const int lowest_free = open("/dev/null", wrong_way);  // which is the stream
  }
}

void end_if_reader_left() {
  pollfd out{STDOUT_FILENO, 0, 0};
  if (poll(&out, 1, 0) != 1 || (out.revents & POLLERR) == 0) return;
  std::signal(SIGPIPE, SIG_DFL);
  std::raise(SIGPIPE);
}

}  // namespace phaseselect
