// The external sort against std::sort, at sizes around its capacity.
#include "host/pipeline/external_sort.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <random>

#include "phaseselect/error.hpp"
#include "tests/pipeline/small_data.hpp"

namespace phaseselect {
namespace {

std::vector<Candidate> random_candidates(std::size_t count) {
  std::mt19937 random(static_cast<unsigned>(count));
  std::vector<Candidate> candidates(count);
  for (std::size_t i = 0; i < count; ++i) {
    // Few distinct values, so that ties are common.
    candidates[i] = {i, static_cast<float>(random() % 7) / 7, 0.25f, static_cast<float>(random() % 3), 5};
    candidates[i].score = 1 - candidates[i].probability;  // not what it is ranked by
  }
  std::shuffle(candidates.begin(), candidates.end(), random);
  return candidates;
}

std::vector<std::uint64_t> ranks(const std::vector<Candidate>& candidates) {
  std::vector<std::uint64_t> result;
  for (const Candidate& candidate : candidates) result.push_back(candidate.rank);
  return result;
}

std::vector<Candidate> drain(CandidateSorter& sorter) {
  std::vector<Candidate> result;
  for (Candidate candidate; sorter.next(candidate);) result.push_back(candidate);
  return result;
}

TEST(ExternalSort, EqualsStdSortAtEverySizeAndLimit) {
  const small_data::Folder folder;
  for (const std::size_t count : {0, 1, 7, 8, 9, 16, 17, 63, 64, 65, 1000}) {
    for (const std::size_t keep : {0, 1, 3, 4, 5, 8, 20, 64, 2000}) {
      const std::vector<Candidate> candidates = random_candidates(count);
      std::vector<Candidate> expected = candidates;
      std::sort(expected.begin(), expected.end(), better);
      if (keep != 0 && expected.size() > keep) expected.resize(keep);
      CandidateSorter sorter(folder.path(), 8, keep);
      for (const Candidate& candidate : candidates) sorter.add(candidate);
      sorter.finish();
      const std::vector<Candidate> sorted = drain(sorter);
      EXPECT_EQ(ranks(sorted), ranks(expected)) << count << " candidates, keep " << keep;
      for (const Candidate& candidate : sorted) EXPECT_EQ(candidate.known, 5u);
      EXPECT_EQ(sorter.spilled_runs() > 0, count > 8 && (keep == 0 || keep > 4));
      EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "the temporary file has a name";
    }
  }
}

TEST(ExternalSort, BestFirstRule) {
  const auto candidate = [](std::uint64_t rank, float score, float error) {
    return Candidate{.rank = rank, .error = error, .score = score};
  };
  const Candidate likely = candidate(3, 0.9f, 2);
  const Candidate accessible = candidate(4, 0.9f, 1);
  const Candidate later = candidate(5, 0.9f, 1);
  const Candidate unlikely = candidate(1, 0.1f, 0);
  const Candidate broken = candidate(0, std::nanf(""), std::nanf(""));
  EXPECT_TRUE(better(accessible, likely));
  EXPECT_TRUE(better(accessible, later));
  EXPECT_TRUE(better(likely, unlikely));
  EXPECT_TRUE(better(unlikely, broken));
  EXPECT_FALSE(better(broken, broken));
}

TEST(ExternalSort, FullDiskAndMissingFolderAreErrors) {
  CandidateSorter nowhere("/nonexistent-folder", 2, 0);
  nowhere.add({});
  nowhere.add({});
  EXPECT_THROW(nowhere.add({}), Error);

  const small_data::Folder folder;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &small);
  CandidateSorter sorter(folder.path(), 16, 0);
  std::string message;
  try {
    for (const Candidate& candidate : random_candidates(200)) sorter.add(candidate);
  } catch (const Error& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(message.find(folder.path().string()), std::string::npos) << message;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace phaseselect
