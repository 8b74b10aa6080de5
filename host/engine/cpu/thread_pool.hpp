// A fixed set of threads that run the iterations of a loop. Which thread runs which iteration is not determined;
// callers must not let results depend on it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace phaseselect::cpu {

// The processors that this process may run on (taskset, a batch system's share), at least 1.
int usable_processors();

class ThreadPool {
 public:
  explicit ThreadPool(int threads);  // at least 1; the calling thread is one of them; Error when they cannot be had
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  // Calls body(i, worker) for i = 0 .. count-1, worker < threads(); rethrows the first exception after all have ended.
  void for_each(std::size_t count, const std::function<void(std::size_t, int)>& body);

 private:
  void stop();
  void work(int worker);
  void run(int worker);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable start_, done_;
  const std::function<void(std::size_t, int)>* body_ = nullptr;
  std::size_t count_ = 0;
  std::atomic<std::size_t> next_{0};
  std::size_t generation_ = 0;
  int busy_ = 0;
  bool stopping_ = false;
  std::exception_ptr error_;
};

}  // namespace phaseselect::cpu
