// The ablations of bench/paper: of each table's configuration every one is valid, and another than the rest.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "phaseselect/config/config.hpp"

namespace phaseselect {
namespace {

TEST(Ablations, EachIsAValidConfigurationOfItsOwn) {
  const std::filesystem::path source = PHASESELECT_SOURCE_DIR;
  std::ifstream file(source / "bench/paper/ablations.json");
  const auto ablations = nlohmann::json::parse(file);
  EXPECT_EQ(ablations.at("unchanged").size(), 0u);
  for (const char* table : {"superconductors", "magnets", "band_gap"}) {
    std::map<std::string, std::string> name_of;  // resolved configuration -> what it is called
    for (const auto& [name, changes] : ablations.items()) {
      const auto set = changes.get<std::vector<std::string>>();
      const Config config = read_config(source / "configs" / (std::string(table) + ".yaml"), set);
      const auto [same, is_new] = name_of.emplace(to_yaml(config), name);
      EXPECT_TRUE(is_new) << table << ": '" << name << "' is '" << same->second << "'";
    }
  }
}

}  // namespace
}  // namespace phaseselect
