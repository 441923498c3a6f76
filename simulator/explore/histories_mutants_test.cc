// The search proves itself: what it found of each mutant is recorded, and found again here; what it cannot find is named with the reason.
//
// ENTRYPROOF_RECORD_HISTORIES=SECONDS (60) searches anew for every mutant whose record in histories_mutants.json does not hold (any more),
// so long for each, but for those that it names as not found, and writes what was found. A new mutant makes that necessary, and so does a
// change of the alphabet, since every number then makes another history.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "simulator/base/file.h"
#include "simulator/explore/alphabet.h"
#include "simulator/explore/trial.h"
#include "simulator/runner/case_test_support.h"
#include "simulator/subjects/mutants/mutants.h"

namespace entryproof::explore {
namespace {

using nlohmann::json;
using runner::WorldKind;

constexpr const char* kBook = ENTRYPROOF_SOURCE_DIR "/simulator/explore/histories_mutants.json";

json read_book() {
  const auto text = read_file(kBook, std::size_t{1} << 20U);
  EXPECT_TRUE(text) << text.error().line();
  return text ? json::parse(*text) : json::object();
}

// One build that histories are played against.
class Suspect {
 public:
  explicit Suspect(const std::string& spec) {
    auto builds = runner::resolve_build(spec);
    EXPECT_TRUE(builds) << builds.error().line();
    if (builds) build_ = builds->front();
  }

  Trial live(const History& history) const {
    Bench bench{runner::suite(), build_, WorldKind::kMemory, runner::make_memory_world, {}, nullptr};
    bench.options.strict = true;
    return try_history(bench, history);
  }

 private:
  runner::Build build_;
};

std::string told(const Trial& trial) {
  std::string text = trial.trouble;
  for (const auto& finding : trial.findings) text += "\n" + finding.check + ": " + finding.actual;
  return text;
}

History history_of(const json& book, std::uint64_t index) {
  return random_history(book.at("seed"), index, book.at("commands"), WorldKind::kMemory);
}

// The first history that shows something of the mutant and nothing of the reference; null if there is none within that time. What is
// recorded already is tried first.
json find(const std::string& mutant, const json& book, std::chrono::seconds most) {
  const Suspect suspect("mutant:" + mutant);
  const Suspect reference("reference");
  const auto show = [&](std::uint64_t index) -> json {
    const auto trial = suspect.live(history_of(book, index));
    if (trial.findings.empty() || !reference.live(history_of(book, index)).findings.empty()) return nullptr;
    return {{"history", index}, {"check", trial.findings.front().check}};
  };
  if (const auto before = book.at("found").find(mutant); before != book.at("found").end()) {
    if (auto found = show(before->at("history")); !found.is_null()) return found;
  }
  const auto deadline = std::chrono::steady_clock::now() + most;
  for (std::uint64_t index = 0; std::chrono::steady_clock::now() < deadline; ++index) {
    if (auto found = show(index); !found.is_null()) return found;
  }
  return nullptr;
}

void record(json book, std::chrono::seconds most) {
  std::vector<std::string> names;
  for (const auto& mutant : subjects::mutants()) {
    if (!book.at("not_found").contains(mutant.name)) names.push_back(mutant.name);
  }
  json found = json::object();
  std::mutex mutex;
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t at = next++; at < names.size(); at = next++) {
      json one = find(names[at], book, most);
      const std::lock_guard lock(mutex);
      if (one.is_null()) ADD_FAILURE() << names[at] << " was not found; name it with the reason, or give the histories what they lack";
      if (!one.is_null()) found[names[at]] = std::move(one);
    }
  };
  {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) workers.emplace_back(work);
  }
  book["found"] = std::move(found);
  std::ofstream(kBook) << book.dump(2) << "\n";
}

TEST(HistoriesOfMutants, AreFoundAgain) {
  const json book = read_book();
  if (const char* most = std::getenv("ENTRYPROOF_RECORD_HISTORIES"); most != nullptr) {
    return record(book, std::chrono::seconds(std::max(1, std::atoi(most))));
  }
  std::set<std::uint64_t> played;
  for (const auto& [name, where] : book.at("found").items()) {
    const auto trial = Suspect("mutant:" + name).live(history_of(book, where.at("history")));
    EXPECT_NE(trial.find(where.at("check").get<std::string>()), nullptr) << name << told(trial);
    played.insert(where.at("history").get<std::uint64_t>());
  }
  // What shows in them is the mutant's: the reference goes through the same without a word.
  const Suspect reference("reference");
  for (const auto index : played) {
    const auto trial = reference.live(history_of(book, index));
    EXPECT_TRUE(trial.findings.empty() && trial.trouble.empty()) << "history " << index << told(trial);
  }
}

TEST(HistoriesOfMutants, KnowEveryMutantAndOddProgram) {
  const json book = read_book();
  std::set<std::string> named;
  for (const auto& [name, where] : book.at("found").items()) named.insert(name);
  for (const auto& [name, reason] : book.at("not_found").items()) {
    EXPECT_TRUE(named.insert(name).second) << name << " is in both lists";
    EXPECT_GT(reason.get<std::string>().size(), 20U) << name << " has no reason";
  }
  std::set<std::string> existing;
  for (const auto& mutant : subjects::mutants()) existing.insert(mutant.name);
  for (const auto& odd : std::filesystem::directory_iterator(ENTRYPROOF_SOURCE_DIR "/simulator/subjects/odd"))
    existing.insert("odd/" + odd.path().filename().string());
  EXPECT_EQ(named, existing);
}

}  // namespace
}  // namespace entryproof::explore
