// Runs the phaseselect binary as a child process.
#include "tests/cli/program.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace phaseselect {
namespace {

std::string contents(std::FILE* file) {
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  return text;
}

// Only calls that are safe between fork and exec.
[[noreturn]] void become(const char* directory, std::vector<char*>& arguments, int out, int err, rlim_t limit) {
  if (limit > 0) {
    const rlimit sizes{limit, limit};
    setrlimit(RLIMIT_FSIZE, &sizes);
  }
  if (chdir(directory) != 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0) _exit(99);
  execv(arguments.front(), arguments.data());
  _exit(99);
}

}  // namespace

Program::Program(const std::filesystem::path& directory, const std::vector<std::string>& arguments,
                 std::size_t file_size_limit)
    : out_(std::tmpfile()), err_(std::tmpfile()) {
  if (out_ == nullptr || err_ == nullptr) throw std::runtime_error("no temporary files for the output of the child");
  std::vector<std::string> words{PHASESELECT_BINARY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  child_ = fork();
  if (child_ < 0) throw std::runtime_error("cannot start a child process");
  if (child_ == 0) become(directory.c_str(), pointers, fileno(out_), fileno(err_), file_size_limit);
}

Program::~Program() {
  if (child_ > 0) {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  std::fclose(out_);
  std::fclose(err_);
}

bool Program::running() const {
  siginfo_t state{};
  return waitid(P_PID, static_cast<id_t>(child_), &state, WEXITED | WNOHANG | WNOWAIT) == 0 && state.si_pid == 0;
}

void Program::send(int signal) const { kill(child_, signal); }

Outcome Program::finish() {
  int status = 0;
  waitpid(child_, &status, 0);
  child_ = -1;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), contents(out_), contents(err_)};
}

}  // namespace phaseselect
