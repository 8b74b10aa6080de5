// Runs the phaseselect binary as a child process.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace phaseselect {

struct Outcome {
  int code = 0;  // exit code, or 128 + signal
  std::string out;
  std::string err;
};

class Program {
 public:
  // Starts the binary in `directory`. file_size_limit > 0: no file can grow beyond it, as on a full disk.
  Program(const std::filesystem::path& directory, const std::vector<std::string>& arguments,
          std::size_t file_size_limit = 0);
  ~Program();  // kills a child that still runs
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  bool running() const;
  void send(int signal) const;
  Outcome finish();

 private:
  std::FILE* out_;
  std::FILE* err_;
  pid_t child_ = -1;
};

}  // namespace phaseselect
