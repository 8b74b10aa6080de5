// A small run, trained once for all tests of the commands that read one.
#pragma once

#include <gtest/gtest.h>

#include "host/pipeline/commands.hpp"
#include "tests/pipeline/small_data.hpp"

namespace phaseselect {

class SmallRun : public testing::Test {
 public:
  static const small_data::Folder& folder() {
    static const small_data::Folder folder_;
    return folder_;
  }
  static std::filesystem::path run() { return folder() / "run"; }

 protected:
  static void SetUpTestSuite() {
    if (std::filesystem::exists(run())) return;
    small_data::write_tables(folder());
    TrainRequest request;
    request.config = read_config(folder() / "config.yaml");
    request.run = run();
    train(request, Execution{});
  }
};

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// What a command throws, as text.
template <typename Exception, typename Function>
std::string message_of(Function&& function) {
  try {
    function();
  } catch (const Exception& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace phaseselect
