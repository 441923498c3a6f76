#include "simulator/runner/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include "simulator/oracles/live.h"
#include "simulator/oracles/net_dir_watch.h"
#include "simulator/runner/access.h"

namespace entryproof::runner {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kSuite = ENTRYPROOF_SOURCE_DIR "/scenarios";

std::vector<std::string> lines(const std::vector<Error>& problems) {
  std::vector<std::string> found;
  for (const Error& problem : problems) found.push_back(problem.line());
  return found;
}

TEST(Lint, ShippedScenariosAreClean) {
  const auto report = lint(kSuite, {});
  ASSERT_TRUE(report) << report.error().line();
  EXPECT_THAT(lines(report->problems), IsEmpty());
  EXPECT_GE(report->files, 70U);
  EXPECT_GE(report->cases, report->files);
}

// A check that no scenario names could never fail. Live checks are judged in every scenario; the harness judges its own caps.
TEST(Lint, EveryCheckHasAScenario) {
  const auto suite = Suite::load(kSuite);
  ASSERT_TRUE(suite) << suite.error().line();
  std::set<std::string> named;
  for (const Scenario& scenario : suite->scenarios) {
    const auto checks = scenario.checks();
    named.insert(checks.begin(), checks.end());
  }
  for (const auto& clause : suite->catalogue.clauses()) {
    for (const auto& check : clause.checks) {
      if (check.live || check.id == "LIFE-60/within-limits") continue;
      EXPECT_TRUE(named.contains(check.id)) << check.id << " is in no scenario";
    }
  }
}

TEST(Lint, TheCatalogueKnowsTheLiveOraclesChecks) {
  const auto suite = Suite::load(kSuite);
  ASSERT_TRUE(suite) << suite.error().line();
  std::set<std::string> live;
  for (const auto* check : suite->catalogue.live_checks()) live.insert(check->id);
  const auto& judged = oracles::LiveOracle::checks();
  std::set<std::string> expected(judged.begin(), judged.end());
  expected.insert(oracles::NetDirWatch::checks().begin(), oracles::NetDirWatch::checks().end());
  expected.insert({std::string(Access::kRefused), std::string(Access::kDead)});
  EXPECT_EQ(live, expected);
}

// What clauses.md calls core inputs: scenarios that judge core checks stay within them, so that history comes out of the verdict.
TEST(Lint, CoreScenariosUseCoreInputs) {
  const auto suite = Suite::load(kSuite);
  ASSERT_TRUE(suite) << suite.error().line();
  for (const Scenario& scenario : suite->scenarios) {
    const auto checks = scenario.checks();
    const bool core = std::ranges::any_of(
        checks, [&](const std::string& id) { return suite->catalogue.find_check(id)->profile == oracles::Profile::kCore; });
    if (!core) continue;
    SCOPED_TRACE(scenario.id);
    EXPECT_EQ(scenario.given.umask, 022U);
    EXPECT_NE(scenario.given.credentials, "none");
    EXPECT_NE(scenario.given.primary, "flannel-1-1");
    EXPECT_FALSE(scenario.given.disk_bytes);
    EXPECT_EQ(scenario.given.token_suffix, "");
    for (const Step& step : scenario.steps) {
      EXPECT_FALSE(std::holds_alternative<KillStep>(step.action));
      const auto* start = std::get_if<StartStep>(&step.action);
      if (start == nullptr) continue;
      for (const std::string& arg : start->args) {
        EXPECT_TRUE(arg.starts_with("--multus-conf-file=") || arg.starts_with("--cni-version=")) << arg;
      }
      EXPECT_TRUE(std::ranges::any_of(start->args, [](const std::string& arg) { return arg.starts_with("--multus-conf-file="); }));
    }
  }
}

// Files that have the right form and mean nothing. Each names in its "why" what must be said about it.
TEST(Lint, RefusesWhatHasNoMeaning) {
  const std::string directory = kSuite + "/testdata/bad-lint";
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    ++files;
    const auto report = lint(kSuite, {entry.path().string()});
    ASSERT_TRUE(report) << report.error().line();
    EXPECT_FALSE(report->problems.empty()) << entry.path();
    EXPECT_THAT(lines(report->problems), Contains(HasSubstr(entry.path().filename().string()))) << "the file is named";
  }
  EXPECT_GE(files, 10U);
}

TEST(Lint, SaysWhereAndWhatThereIs) {
  const auto report = lint(kSuite, {kSuite + "/testdata/bad-lint/unknown-check.json"});
  ASSERT_TRUE(report) << report.error().line();
  ASSERT_EQ(report->problems.size(), 1U);
  EXPECT_THAT(report->problems[0].line(), HasSubstr("unknown-check.json:7 (/steps/1/expect/check): there is no check EXIST-01/nonsense"));
  EXPECT_THAT(report->problems[0].line(), HasSubstr("EXIST-01/manual-fresh-node"));
}

TEST(Lint, APathThatLeadsNowhereIsAnError) {
  EXPECT_THAT(lint(kSuite, {kSuite + "/none.json"}).error().line(), HasSubstr("no such file"));
  EXPECT_THAT(lint(kSuite + "/none", {}).error().line(), HasSubstr("clauses.json"));
  EXPECT_THAT(lint(kSuite, {ENTRYPROOF_SOURCE_DIR "/LICENSE"}).error().line(), HasSubstr(".json"));
}

}  // namespace
}  // namespace entryproof::runner
