// SIGINT and SIGTERM ask the work to stop.
#include "host/cli/signals.hpp"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

namespace phaseselect {
namespace {

std::atomic<bool> stopping{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

extern "C" void on_stop_signal(int) {
  if (stopping.exchange(true)) _exit(130);
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool stop_requested() { return stopping.load(); }

void end_if_reader_left() {
  pollfd out{STDOUT_FILENO, 0, 0};
  if (poll(&out, 1, 0) != 1 || (out.revents & POLLERR) == 0) return;
  std::signal(SIGPIPE, SIG_DFL);
  std::raise(SIGPIPE);
}

}  // namespace phaseselect
