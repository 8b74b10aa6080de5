// Notes and progress on standard error: a bar redrawn in place on a terminal, otherwise a plain line now and then.
#pragma once

#include <chrono>
#include <string>

namespace phaseselect {

class Terminal {
 public:
  explicit Terminal(bool quiet);
  ~Terminal();  // removes the bar
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // One line each, safe to show whatever text of others is in it.
  void remark(const std::string& text);  // shown in any case
  void note(const std::string& text);    // unless quiet
  void progress(double fraction, const std::string& what);

 private:
  using Clock = std::chrono::steady_clock;
  void clear_bar();

  bool quiet_;
  bool interactive_;
  bool bar_shown_ = false;
  bool started_ = false;
  double first_fraction_ = 0;  // of this process: a resumed one starts above 0
  Clock::time_point start_;
  Clock::time_point last_;
};

}  // namespace phaseselect
