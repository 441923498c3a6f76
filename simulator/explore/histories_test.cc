// Histories: that a number makes one and only one, that they shrink, that they become files which say the same, and that the search finds
// what is wrong and nothing else.
#include "simulator/explore/histories.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <ranges>
#include <set>

#include "simulator/explore/scenario_text.h"
#include "simulator/explore/shrink.h"
#include "simulator/explore/tale.h"
#include "simulator/node/view.h"
#include "simulator/runner/case_test_support.h"
#include "simulator/runner/features.h"
#include "simulator/runner/lint.h"

namespace entryproof::explore {
namespace {

using runner::WorldKind;

const std::atomic<bool> kNever{false};
constexpr auto kSilent = [](std::uint64_t, std::size_t) {};

runner::Build build_of(const std::string& spec) {
  auto builds = runner::resolve_build(spec);
  EXPECT_TRUE(builds) << builds.error().line();
  return builds ? builds->front() : runner::Build{};
}

Bench bench_of(const runner::Build& build) {
  Bench bench{runner::suite(), build, WorldKind::kMemory, runner::make_memory_world, {}, nullptr};
  bench.options.strict = true;
  return bench;
}

TEST(Histories, ANumberMakesAHistory) {
  EXPECT_EQ(random_history(7, 11, 30, WorldKind::kMemory), random_history(7, 11, 30, WorldKind::kMemory));
  EXPECT_NE(random_history(7, 11, 30, WorldKind::kMemory), random_history(7, 12, 30, WorldKind::kMemory));
  EXPECT_NE(random_history(7, 11, 30, WorldKind::kMemory), random_history(8, 11, 30, WorldKind::kMemory));
  const auto longer = random_history(7, 11, 30, WorldKind::kMemory).commands;
  const auto shorter = random_history(7, 11, 10, WorldKind::kMemory).commands;
  EXPECT_TRUE(std::ranges::equal(shorter, longer | std::views::take(10)));
}

TEST(Histories, EveryLetterIsDrawnAndKnownByName) {
  std::set<Letter> drawn;
  std::set<std::string_view> names;
  for (std::uint64_t index = 0; index < 100; ++index) {
    for (const auto& command : random_history(1, index, 30, WorldKind::kMemory).commands) drawn.insert(command.letter);
  }
  const auto letters = letters_of(WorldKind::kMemory);
  EXPECT_EQ(drawn, std::set<Letter>(letters.begin(), letters.end()));
  for (const auto letter : letters) names.insert(to_string(letter));
  EXPECT_EQ(names.size(), letters.size());
}

TEST(Histories, AllSmallOnesAreDifferent) {
  const auto all = exhaustive_histories(3);
  std::set<std::string> seen;
  for (std::uint64_t index = 0; index < all; ++index) seen.insert(describe(exhaustive_history(index)));
  EXPECT_EQ(seen.size(), all);
  EXPECT_EQ(exhaustive_history(all - 1).commands.size(), 3);
  EXPECT_EQ(exhaustive_history(all).commands.size(), 4);
}

RC_GTEST_PROP(Histories, ShrinkToWhatMatters, ()) {
  const auto index = *rc::gen::inRange<std::uint64_t>(0, 100'000);
  const auto history = random_history(1, index, 30, WorldKind::kMemory);
  const auto still = [](const History& candidate) {
    return std::ranges::count_if(candidate.commands,
                                 [](const Command& command) { return command.letter == Letter::kRotate && command.a >= 1; }) >= 2;
  };
  RC_PRE(still(history));
  const auto smallest = shrink(history, still);
  RC_ASSERT(describe(smallest) == "rotate(1,0) rotate(1,0)");
}

// Candidates that are asked about at once lead to the same end as one after the other.
RC_GTEST_PROP(Histories, ShrinkTheSameSideBySide, ()) {
  const History history = random_history(5, *rc::gen::inRange<std::uint64_t>(0, 10'000), 24, WorldKind::kMemory);
  const auto modulus = *rc::gen::inRange<std::uint32_t>(2, 5);
  const auto still = [&](const History& each) {
    return std::ranges::count_if(each.commands, [&](const Command& command) {
             return (static_cast<std::uint32_t>(command.letter) + command.a) % modulus == 1;
           }) >= 3;
  };
  RC_PRE(still(history));
  const FirstThatShows first = [&](const std::vector<History>& candidates) -> std::optional<std::size_t> {
    const auto shows = std::ranges::find_if(candidates, still);
    if (shows == candidates.end()) return std::nullopt;
    return static_cast<std::size_t>(shows - candidates.begin());
  };
  ShrinkBounds bounds;
  bounds.side_by_side = *rc::gen::inRange<std::size_t>(2, 40);
  RC_ASSERT(shrink(history, first, bounds) == shrink(history, still));
}

// Whatever is drawn is a scenario that lint accepts, and its file says the same as it does.
RC_GTEST_PROP(Histories, BecomeScenarioFiles, ()) {
  const auto index = *rc::gen::inRange<std::uint64_t>(0, 100'000);
  const auto world = *rc::gen::element(WorldKind::kMemory, WorldKind::kFuse);
  Known known{*rc::gen::arbitrary<bool>(), {}};
  if (*rc::gen::arbitrary<bool>()) known.features = runner::all_features();
  const auto scenario = tell(random_history(2, index, 6, world), known);
  const auto text = scenario_text(scenario);
  RC_ASSERT(text.has_value());
  const auto loaded = runner::parse_scenario(*text, "history.json", "history");
  if (!loaded) RC_FAIL(loaded.error().line());
  for (const auto& problem : runner::lint_scenario(loaded->front(), runner::suite())) RC_FAIL(problem.line());
  RC_ASSERT(loaded->front().steps.size() == scenario.steps.size());
  RC_ASSERT(scenario_text(loaded->front()).value_or("") == *text);
}

TEST(Histories, OfTheReferenceAreFlawless) {
  const auto build = build_of("reference");
  Search wanted;
  wanted.seed = 20260101;
  wanted.histories = 25;
  const auto searched = search(bench_of(build), wanted, kNever, kSilent);
  EXPECT_TRUE(searched.complete);
  EXPECT_TRUE(searched.troubles.empty()) << searched.troubles.begin()->first;
  for (const auto& [check, found] : searched.found)
    ADD_FAILURE() << check << " in " << describe(found.history) << ": " << found.finding.actual;
}

TEST(Histories, AllSmallOnesOfTheReferenceAreFlawless) {
  const auto build = build_of("reference");
  Search wanted;
  wanted.exhaustive = 2;
  const auto searched = search(bench_of(build), wanted, kNever, kSilent);
  EXPECT_EQ(searched.histories, exhaustive_histories(2));
  EXPECT_TRUE(searched.complete && searched.troubles.empty());
  for (const auto& [check, found] : searched.found)
    ADD_FAILURE() << check << " in " << describe(found.history) << ": " << found.finding.actual;
}

TEST(Histories, FindAMutantAndShrinkIt) {
  const auto build = build_of("mutant:kubeconfig-in-place");
  const auto bench = bench_of(build);
  Search wanted;
  wanted.histories = 40;
  wanted.first_only = true;
  const auto searched = search(bench, wanted, kNever, kSilent);
  ASSERT_TRUE(searched.found.contains("ATOM-23/kubeconfig-never-partial"));
  const auto& found = searched.found.at("ATOM-23/kubeconfig-never-partial");
  const auto smallest =
      shrink(found.history, [&](const History& history) { return try_history(bench, history).find(found.finding.check) != nullptr; });
  EXPECT_LE(smallest.commands.size(), 2) << describe(smallest);
}

// The way of a world in real time, with a world that takes none: what shows once is played again before it is told.
TEST(Histories, BelieveWhatShowsAgain) {
  const auto build = build_of("mutant:kubeconfig-in-place");
  auto bench = bench_of(build);
  bench.world = WorldKind::kFuse;
  Search wanted;
  wanted.histories = 8;
  wanted.jobs = 2;
  const auto all = search(bench, wanted, kNever, kSilent);
  EXPECT_EQ(all.histories, 8U);
  EXPECT_TRUE(all.found.contains("ATOM-23/kubeconfig-never-partial"));

  // Once, and never again: nobody is blamed.
  std::atomic<unsigned> worlds{0};
  const auto reference = build_of("reference");
  bench.make_world = [&](runner::WorldRequest request) -> Result<std::unique_ptr<runner::World>> {
    if (worlds++ == 0) {  // a node without a service account
      const auto volume = node::View().resolve(request.image, {}, "/pods/multus/kube-api-access");
      EXPECT_TRUE(volume && request.image.unlink({}, *volume, "..data", 0));
    }
    return runner::make_memory_world(std::move(request));
  };
  const Bench once{bench.suite, reference, WorldKind::kFuse, bench.make_world, bench.options, nullptr};
  wanted.jobs = 1;
  const auto none = search(once, wanted, kNever, kSilent);
  EXPECT_EQ(none.histories, 8U);
  EXPECT_GT(worlds.load(), 8U);
  for (const auto& [check, found] : none.found) ADD_FAILURE() << check << ": " << found.finding.actual;
}

}  // namespace
}  // namespace entryproof::explore
