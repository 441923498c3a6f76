// The suite proves itself: every check goes red for at least one mutant, every mutant turns red what it says, and nothing else of core.
//
// Played in memory, in process: a mutant plays the scenarios of the checks that it is to turn red, and all of core if one of those is core.
// What no memory world can stage (upgrades from an older program, a kernel that refuses something) is played in the fuse world.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "simulator/cli/program_for_test.h"
#include "simulator/explore/run.h"
#include "simulator/runner/access.h"
#include "simulator/runner/engine.h"
#include "simulator/subjects/mutants/mutants.h"

namespace entryproof::cli {
namespace {

using Checks = std::set<std::string>;
using oracles::Profile;
using oracles::Status;
using runner::Suite;
using subjects::MutantInfo;

const Suite& suite() {
  static const Suite loaded = [] {
    auto suite = Suite::load(std::string(ENTRYPROOF_SOURCE_DIR) + "/scenarios");
    EXPECT_TRUE(suite) << suite.error().line();
    return suite ? std::move(*suite) : Suite{};
  }();
  return loaded;
}

Checks of_profile(const Checks& checks, Profile profile) {
  Checks chosen;
  for (const auto& id : checks) {
    const auto* check = suite().catalogue.find_check(id);
    if (check != nullptr && check->profile == profile) chosen.insert(id);
  }
  return chosen;
}

// What one mutant was found guilty of in memory, and which checks could not be judged there.
struct Guilt : runner::Listener {
  Checks failed;
  Checks failed_in_core;  // in scenarios of core
  Checks judged;

  void on_case(const runner::CaseRecord& record) override {
    for (const auto& check : record.checks) {
      if (check.status == Status::kNotTested) continue;
      judged.insert(check.check);
      if (check.status != Status::kFail && check.status != Status::kWarn) continue;
      failed.insert(check.check);
      if (check.profile == Profile::kCore) failed_in_core.insert(check.check);
    }
  }
};

Guilt play_in_memory(const std::string& mutant, std::vector<const runner::Scenario*> scenarios) {
  runner::RunOptions options;
  options.world = runner::WorldKind::kMemory;
  options.profile = Profile::kProduction;
  options.take_apart = explore::taker_apart({});
  Guilt guilt;
  auto builds = runner::resolve_build("mutant:" + mutant);
  EXPECT_TRUE(builds) << builds.error().line();
  std::erase_if(scenarios, [](const auto* each) { return !each->worlds.empty() && !each->worlds.contains("memory"); });
  if (scenarios.empty()) return guilt;
  const std::atomic<bool> interrupted = false;
  const auto played = runner::play(suite(), scenarios, *builds, options, guilt, interrupted);
  EXPECT_TRUE(played) << played.error().line();
  return guilt;
}

// The scenarios that decide one of the checks; all of core if one of them is core, for the rest of core shall stay green. Live checks are
// judged everywhere: core trips most of them, restarts with another primary the rest.
std::vector<const runner::Scenario*> scenarios_for(const Checks& kills) {
  std::vector<const runner::Scenario*> chosen;
  const bool core = !of_profile(kills, Profile::kCore).empty();
  // What only a cluster can say is judged where there is one.
  const bool asks = std::ranges::any_of(kills, runner::Access::judges);
  const bool live = std::ranges::any_of(kills, [](const auto& id) {
    const auto* check = suite().catalogue.find_check(id);
    return check != nullptr && check->live;
  });
  for (const auto& scenario : suite().scenarios) {
    const auto checks = scenario.checks();
    const bool of_core = std::ranges::any_of(checks, [](const auto& id) {
      const auto* check = suite().catalogue.find_check(id);
      return check != nullptr && check->profile == Profile::kCore;
    });
    const bool meant = std::ranges::any_of(checks, [&](const auto& id) { return kills.contains(id); });
    const bool again = live && scenario.tags.contains("restart");
    const bool asked = asks && scenario.given.cluster && scenario.tags.contains("cluster");
    if (meant || asked || again || ((core || live) && of_core)) chosen.push_back(&scenario);
  }
  return chosen;
}

Checks as_set(const std::vector<std::string>& kills) { return {kills.begin(), kills.end()}; }

std::string listed(const Checks& checks) {
  std::string text;
  for (const auto& check : checks) text += (text.empty() ? "" : ", ") + check;
  return text;
}

Checks without(Checks from, const Checks& these) {
  std::erase_if(from, [&](const auto& check) { return these.contains(check); });
  return from;
}

// Mutants that no memory world convicts of all that they are to be convicted of: what is left, to be played as processes.
using Rest = std::map<std::string, Checks>;

TEST(KillMatrix, EveryMutantTurnsRedWhatItSaysAndNothingElseOfCore) {
  Rest rest;
  for (const MutantInfo& mutant : subjects::mutants()) {
    const Checks kills = as_set(mutant.kills);
    for (const auto& id : kills) EXPECT_NE(suite().catalogue.find_check(id), nullptr) << mutant.name << ": " << id;
    EXPECT_FALSE(kills.empty()) << mutant.name << " survives";
    const Guilt guilt = play_in_memory(mutant.name, scenarios_for(kills));
    const Checks unjudged = without(kills, guilt.judged);
    EXPECT_EQ(listed(without(without(kills, guilt.failed), unjudged)), "") << mutant.name << " does not turn red";
    if (!of_profile(kills, Profile::kCore).empty()) {
      EXPECT_EQ(listed(without(guilt.failed_in_core, kills)), "") << mutant.name << " turns red in core, too";
    }
    if (!unjudged.empty()) rest[mutant.name] = unjudged;
  }
  std::vector<std::vector<std::string>> runs;
  for (const auto& [mutant, checks] : rest) {
    auto& arguments = runs.emplace_back(std::vector<std::string>{"--world", "fuse", "--build", "mutant:" + mutant});
    for (const auto& check : checks) arguments.insert(arguments.end(), {"--clause", check});
    arguments.insert(arguments.end(), {"--profile", "production"});
  }
  const auto all = judge_side_by_side(runs);
  auto judged = all.begin();
  for (const auto& [mutant, checks] : rest) {
    const auto failed = judged->failed.find("mutant:" + mutant);
    EXPECT_EQ(listed(without(checks, failed == judged->failed.end() ? Checks{} : failed->second)), "")
        << mutant << " does not turn red as a process";
    ++judged;
  }
}

// Programs of another kind, and honest builds with one defect of their own: what no mutant of the reference can be. In the fuse world.
struct Odd {
  std::string program;  // below simulator/subjects
  std::string defect;   // ENTRYPROOF_TEST_DEFECT
  std::string scenario;
  Checks kills;
};

const std::vector<Odd>& odd_programs() {
  static const std::vector<Odd> kOdd = {
      {"odd/crash_loop", "", "manual/fresh-node#seventy", {"EXIST-01/manual-fresh-node"}},
      {"odd/floods", "", "auto/several-primaries", {"LIFE-60/within-limits"}},
      {"odd/forks", "", "auto/several-primaries", {"LIFE-60/within-limits"}},
      {"odd/hangs", "", "signals/stop#term-auto", {"LIFE-58/stops-in-time"}},
      {"odd/silent_success", "", "credentials/none#auto", {"EXIST-02/not-a-success"}},
      {"odd/spins", "", "auto/fresh-node#flannel", {"EXIST-01/auto-fresh-node"}},
      {"builds/event_entrypoint", "asks-the-network", "static-pod/without-network#auto", {"STATIC-52/without-network"}},
      {"builds/event_entrypoint", "events-or-nothing", "fresh/without-inotify#auto", {"FRESH-15/without-inotify"}},
  };
  return kOdd;
}

TEST(KillMatrix, OddProgramsTurnRedWhatTheyBreak) {
  std::vector<std::vector<std::string>> runs;
  for (const Odd& odd : odd_programs()) {
    runs.push_back({"--world", "fuse", "--build", std::string(ENTRYPROOF_SOURCE_DIR) + "/simulator/subjects/" + odd.program, "--env",
                    "ENTRYPROOF_TEST_DEFECT=" + odd.defect, "--profile", "production", odd.scenario});
  }
  const auto judged = judge_side_by_side(runs);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Odd& odd = odd_programs()[i];
    const std::string name = odd.program.substr(odd.program.find('/') + 1);
    const auto failed = judged[i].failed.find(name);
    EXPECT_EQ(listed(without(odd.kills, failed == judged[i].failed.end() ? Checks{} : failed->second)), "") << name << " does not turn red";
  }
}

TEST(KillMatrix, EveryCheckHasAMutant) {
  Checks open;
  for (const auto& clause : suite().catalogue.clauses()) {
    EXPECT_FALSE(clause.checks.empty()) << clause.id << " has no check";
    for (const auto& check : clause.checks) open.insert(check.id);
  }
  for (const MutantInfo& mutant : subjects::mutants()) {
    for (const auto& check : mutant.kills) open.erase(check);
  }
  for (const Odd& odd : odd_programs()) open = without(open, odd.kills);
  EXPECT_EQ(listed(open), "") << "checks that nothing turns red";
}

TEST(KillMatrix, EveryCheckHasAScenario) {
  Checks open;
  for (const auto& clause : suite().catalogue.clauses()) {
    for (const auto& check : clause.checks) {
      if (!check.live && check.id != "LIFE-60/within-limits") open.insert(check.id);
    }
  }
  for (const auto& scenario : suite().scenarios) {
    for (const auto& check : scenario.checks()) open.erase(check);
  }
  EXPECT_EQ(listed(open), "") << "checks that no scenario decides";
}

}  // namespace
}  // namespace entryproof::cli
