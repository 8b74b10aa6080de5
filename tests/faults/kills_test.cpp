// Commands killed outright at random moments, again and again, and then left in peace: the bits of an undisturbed run.
#include <chrono>
#include <random>

#include "tests/faults/fixture.hpp"

namespace phaseselect {
namespace {

class Kills : public Faults {
 protected:
  // `words` goes on with what is there. Where PHASESELECT_THOROUGH is set, ten times as often.
  static void kill_again_and_again(const std::string& output, const std::string& words) {
    remove_output("broken");
    const auto start = std::chrono::steady_clock::now();
    const Ended first = run(words);
    const double whole = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    ASSERT_EQ(first.code, 0) << first.messages;
    const auto right = results(folder() / output);
    std::mt19937 random(19);
    // Shares of the time that an undisturbed run takes here, so that kills come amid the work on any machine.
    std::uniform_real_distribution<double> seconds(0.1 * whole, 0.8 * whole);
    const int rounds = std::getenv("PHASESELECT_THOROUGH") != nullptr ? 100 : 10;
    int kills = 0;
    for (int round = 0; round < rounds; ++round) {
      remove_output("broken");
      for (int attempt = 0; attempt < 3; ++attempt) {
        const Ended ended = run(words, fmt::format("timeout --foreground -s KILL {:.3f}", seconds(random)));
        kills += ended.code == 137 ? 1 : 0;
        // 124: it ended just when its time was up.
        EXPECT_TRUE(ended.code == 0 || ended.code == 124 || ended.code == 137) << ended.code << ended.messages;
        for (const auto& [file, contents] : results(folder() / output)) {
          const auto same = right.find(file);
          EXPECT_TRUE(same != right.end() && same->second == contents) << file << " is half-written";
        }
      }
      const Ended undisturbed = run(words);
      EXPECT_EQ(undisturbed.code, 0) << undisturbed.messages;
      EXPECT_TRUE(results(folder() / output) == right) << "other bits in round " << round;
      EXPECT_EQ(left_over(), 0u);
    }
    fmt::print("{} kills in {} rounds\n", kills, rounds);
    EXPECT_GT(kills, rounds / 2);
  }
};

TEST_F(Kills, Train) {
  kill_again_and_again("broken", "train config.yaml -o broken --resume --checkpoint-seconds 0 " + settings(60));
}

TEST_F(Kills, Validate) {
  kill_again_and_again("broken", "validate config.yaml -o broken --resume --checkpoint-seconds 0 " + settings(60));
}

TEST_F(Kills, Screen) {
  kill_again_and_again("broken.csv", "screen run -o broken.csv --resume --checkpoint-seconds 0");
}

}  // namespace
}  // namespace phaseselect
