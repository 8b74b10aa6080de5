// A small folder with tables, runs and a validation, and the program to be disturbed in it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/pipeline/small_data.hpp"

namespace phaseselect {

struct Ended {
  int code = 0;
  std::string messages;
};

class Faults : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (std::filesystem::exists(folder() / "ranking.csv")) return;
    small_data::write_tables(folder());
    small_data::write_file(folder() / "list.csv", "id,phases\n1,Ba Li O\n2,K O S\n3,?\n");
    ASSERT_EQ(run("validate config.yaml -o cv " + settings()).code, 0);
    ASSERT_EQ(run("train config.yaml -o run --calibration cv " + settings()).code, 0);
    for (const char* half : {"0:1", "1:2"}) {
      const std::string part = fmt::format("part{}", half[0]);
      ASSERT_EQ(run(fmt::format("train config.yaml -o {} --member-range {} {}", part, half, settings())).code, 0);
    }
    ASSERT_EQ(run("screen run -o ranking.csv").code, 0);
  }

  static const small_data::Folder& folder() {
    static const small_data::Folder folder_;
    return folder_;
  }
  static std::string settings(int epochs = 2) {
    return fmt::format(
        "--set ensemble.members=2 --set training.epochs={} --set ranking.epochs=2 --set validation.folds=2 "
        "--set accessibility.members=2 --set accessibility.folds=2 --set accessibility.epochs=1",
        epochs);
  }

  // Runs the program with these words of a shell, and `tracer` in front.
  static Ended run(const std::string& words, const std::string& tracer = "") {
    const std::string line = fmt::format("cd {} && timeout 60 {} {} {} --quiet >printed 2>messages",
                                         folder().path().string(), tracer, PHASESELECT_BINARY, words);
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            small_data::read_file(folder() / "messages")};
  }

  static bool is_result(const std::filesystem::path& file) {
    const std::string name = file.filename().string();
    return name.find(".partial-") == std::string::npos && name != "checkpoint.safetensors";
  }

  // JSON counts by its seal, which leaves out when and how fast it was made.
  static std::string essence(const std::filesystem::path& file) {
    const std::string text = small_data::read_file(file);
    if (file.extension() != ".json") return text;
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    return json.is_object() ? json.value("sha256", text) : text;
  }

  // What is there under its last name, by file.
  static std::map<std::string, std::string> results(const std::filesystem::path& output) {
    std::map<std::string, std::string> found;
    if (std::filesystem::is_regular_file(output)) found["."] = essence(output);
    if (!std::filesystem::is_directory(output)) return found;
    for (const auto& entry : std::filesystem::directory_iterator(output)) {
      if (is_result(entry.path())) found[entry.path().filename()] = essence(entry.path());
    }
    return found;
  }

  static void remove_output(const std::string& name) {
    for (const auto& entry : std::filesystem::directory_iterator(folder().path())) {
      if (entry.path().filename().string().starts_with(name)) std::filesystem::remove_all(entry.path());
    }
  }

  static std::size_t left_over() {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder().path())) {
      const std::string name = entry.path().filename();
      count += name.find(".partial-") != std::string::npos || name == "checkpoint.safetensors" ? 1 : 0;
    }
    return count;
  }
};

}  // namespace phaseselect
