// A configuration file of a test, read with and without options.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "phaseselect/config/config.hpp"
#include "phaseselect/error.hpp"
#include "tests/temporary_folder.hpp"
#include "tests/unit/temporary_file.hpp"

namespace phaseselect {

inline const std::string required_keys =
    "data:\n"
    "  properties: tables/fields.csv\n"
    "  threshold: 10\n"
    "environments: {formulas: formulas.csv}\n";

class ConfigTest : public ::testing::Test {
 protected:
  Config read(const std::string& text, const std::vector<std::string>& overrides = {}) {
    write_bytes(path(), text);
    return read_config(path(), overrides);
  }
  // Empty: it was read.
  std::string error(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return message_of<UsageError>([&] { read(text, overrides); });
  }
  std::filesystem::path path() const { return folder_ / "test.yaml"; }
  // How a message about a line of the file begins.
  std::string line(int number) const { return path().string() + ":" + std::to_string(number) + ": "; }

  TemporaryFolder folder_;
};

}  // namespace phaseselect
