// A screening that is interrupted and goes on writes the same bytes; what it keeps is checked before it is believed.
#include <nlohmann/json.hpp>

#include "host/pipeline/external_sort.hpp"
#include "phaseselect/error.hpp"
#include "tests/pipeline/commands_fixture.hpp"

namespace phaseselect {
namespace {

using small_data::read_file;
using small_data::write_file;

class ScreenResume : public SmallRun {
 protected:
  static ScreenRequest request(const std::string& output, bool resume = true) {
    ScreenRequest result;
    result.run = run();
    result.output = folder() / output;
    result.resume = resume;
    result.checkpoint_seconds = 0;
    return result;
  }
  static std::filesystem::path state(const std::string& output) { return folder() / (output + ".screening"); }

  // Asked to stop when the screening has asked so often.
  static Execution stopping_after(int times) {
    Execution execution;
    execution.stop_requested = [times, asked = 0]() mutable { return asked++ >= times; };
    return execution;
  }
  static std::string interrupt(const ScreenRequest& request, int chunks) {
    return message_of<Interrupted>([&] { screen(request, stopping_after(chunks)); });
  }
  static std::string reference() {
    const ScreenRequest whole = request("reference.csv", false);
    if (!std::filesystem::exists(whole.output)) screen(whole, Execution{});
    return read_file(whole.output);
  }
};

TEST_F(ScreenResume, BeginsContinuesAndSaysThatItIsFinished) {
  const ScreenRequest wanted = request("resumed.csv");
  EXPECT_PRED2(contains, interrupt(wanted, 0), "repeat the command");
  EXPECT_FALSE(std::filesystem::exists(wanted.output));
  const nlohmann::json first = screen(wanted, Execution{});
  EXPECT_EQ(read_file(wanted.output), reference());
  EXPECT_FALSE(std::filesystem::exists(state("resumed.csv") / "candidates.bin"));

  std::string noted;
  Execution listening;
  listening.note = [&](const std::string& text) { noted += text; };
  listening.stop_requested = [] { return true; };  // nothing is left to be done
  EXPECT_EQ(screen(wanted, listening), first);
  EXPECT_PRED2(contains, noted, "already finished");

  write_file(wanted.output, "edited\n");
  screen(wanted, Execution{});
  EXPECT_EQ(read_file(wanted.output), reference());
}

// The same list read in another column is another list.
TEST_F(ScreenResume, TheColumnOfTheKnownFieldsCounts) {
  write_file(folder() / "two_columns.csv", "phases,other\nBa Li O,K O S\n");
  ScreenRequest wanted = request("known.csv");
  wanted.known = {folder() / "two_columns.csv"};
  screen(wanted, Execution{});
  screen(wanted, Execution{});
  wanted.format.column = "other";
  EXPECT_PRED2(contains, message_of<Error>([&] { screen(wanted, Execution{}); }), "its known fields differs");
}

// Two chunks of candidates: the first is judged by one process, the second by another.
TEST(ScreenResumeInTheMiddle, WritesTheSameBytes) {
  const small_data::Folder wide;
  small_data::write_wide_tables(wide);
  TrainRequest training;
  training.config = read_config(wide / "config.yaml");
  training.run = wide / "run";
  train(training, Execution{});
  for (const std::size_t top : {0, 5, 3000}) {
    for (const RankBy order : {RankBy::automatic, RankBy::probability}) {
      ScreenRequest whole;
      whole.run = training.run;
      whole.output = wide / "whole.csv";
      whole.top = top;
      whole.order = order;
      screen(whole, Execution{});
      ScreenRequest parts = whole;
      parts.output = wide / "parts.csv";
      parts.resume = true;
      Execution stopping;
      stopping.stop_requested = [asked = 0]() mutable { return ++asked > 1; };
      EXPECT_PRED2(contains, message_of<Interrupted>([&] { screen(parts, stopping); }), "8192 of 10660");
      EXPECT_EQ(screen(parts, Execution{})["screened"], 10660);
      EXPECT_EQ(read_file(parts.output), read_file(whole.output)) << top;
      std::filesystem::remove_all(wide / "parts.csv.screening");
    }
  }
}

TEST_F(ScreenResume, RefusesTheStateOfAnotherScreening) {
  const ScreenRequest wanted = request("other.csv");
  interrupt(wanted, 0);
  ScreenRequest other = wanted;
  other.arity = 2;
  EXPECT_PRED2(contains, message_of<Error>([&] { screen(other, Execution{}); }), "its arity differs");
  other = wanted;
  other.exclude = {"O"};
  EXPECT_PRED2(contains, message_of<Error>([&] { screen(other, Execution{}); }), "its elements differs");
  other = wanted;
  other.top = 3;
  EXPECT_PRED2(contains, message_of<Error>([&] { screen(other, Execution{}); }), "its top differs");
  screen(wanted, Execution{});
  EXPECT_EQ(read_file(wanted.output), reference());
}

TEST_F(ScreenResume, EveryFlippedBitOfItsStateIsDetectedOrHarmless) {
  const ScreenRequest wanted = request("flipped.csv");
  interrupt(wanted, 0);
  const std::filesystem::path file = state("flipped.csv") / "state.json";
  const std::string good = read_file(file);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 7)));
    write_file(file, bad);
    const std::string message = message_of<Error>([&] { screen(wanted, stopping_after(0)); });
    const bool harmless = contains(message, "repeat the command");  // white space
    const bool blank = std::isspace(static_cast<unsigned char>(good[i])) != 0;
    EXPECT_TRUE(contains(message, "damaged") || (harmless && blank)) << i << ": " << message;
  }
}

TEST_F(ScreenResume, NothingStaysOfAScreeningThatCannotBegin) {
  ScreenRequest wanted = request("impossible.csv");
  wanted.unknown_only = true;
  wanted.elements = {"Ba", "Ca", "O"};
  EXPECT_PRED2(contains, message_of<UsageError>([&] { screen(wanted, Execution{}); }), "no candidate");
  EXPECT_FALSE(std::filesystem::exists(state("impossible.csv")));
  wanted = request("-");
  wanted.output = "-";
  EXPECT_PRED2(contains, message_of<UsageError>([&] { screen(wanted, Execution{}); }), "--resume");
}

// The sorter alone, in more steps than a small run has chunks.
TEST(ResumableSort, GoesOnFromWhatWasSaved) {
  const small_data::Folder folder;
  const std::filesystem::path file = folder / "candidates.bin";
  for (const std::size_t keep : {0, 3, 50}) {
    std::filesystem::remove(file);
    std::vector<Candidate> all(200);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = {.rank = i, .score = static_cast<float>(i * 7919 % 101)};
    std::vector<SpilledRun> saved;
    for (std::size_t first = 0; first < all.size(); first += 40) {
      CandidateSorter sorter(file, saved, 16, keep);
      for (std::size_t i = first; i < first + 40; ++i) sorter.add(all[i]);
      saved = sorter.save();
      if (first % 80 == 0) sorter.add(all[0]);  // added after the save: forgotten
    }
    CandidateSorter sorter(file, saved, 16, keep);
    sorter.finish();
    std::sort(all.begin(), all.end(), better);
    if (keep != 0) all.resize(keep);
    std::vector<std::uint64_t> expected, found;
    for (const Candidate& candidate : all) expected.push_back(candidate.rank);
    for (Candidate candidate; sorter.next(candidate);) found.push_back(candidate.rank);
    EXPECT_EQ(found, expected) << keep;
  }
}

TEST(ResumableSort, RefusesWhatWasNotSaved) {
  const small_data::Folder folder;
  const std::filesystem::path file = folder / "candidates.bin";
  std::vector<SpilledRun> saved;
  {
    CandidateSorter sorter(file, {}, 16, 0);
    for (std::uint64_t rank = 0; rank < 20; ++rank) sorter.add({.rank = rank});
    saved = sorter.save();
  }
  const std::string good = read_file(file);
  for (std::size_t byte = 0; byte < good.size(); byte += 13) {
    std::string bad = good;
    bad[byte] = static_cast<char>(bad[byte] ^ 4);
    write_file(file, bad);
    EXPECT_THROW(CandidateSorter(file, saved, 16, 0), Error) << byte;
  }
  write_file(file, good.substr(0, good.size() - 1));
  EXPECT_THROW(CandidateSorter(file, saved, 16, 0), Error);
}

}  // namespace
}  // namespace phaseselect
