#include "simulator/reports/merge.h"

#include <gmock/gmock.h>

#include "simulator/runner/engine.h"

namespace entryproof::reports {
namespace {

using oracles::Status;
using testing::HasSubstr;

NamedRun part(const std::string& name, std::optional<std::string> shard, const std::vector<std::string>& scenarios,
              const std::string& build = "b", Status status = Status::kPass) {
  reports::Run run;
  run.header.suite = "s";
  run.header.world = "fuse";
  run.header.shard = std::move(shard);
  run.header.builds = {{build, "./" + build, "sha of " + build}};
  for (const auto& scenario : scenarios) {
    runner::CheckRecord check;
    check.check = "EXIST-01/a";
    check.status = status;
    run.cases.push_back({scenario, build, status, 1, {check}});
  }
  run.footer = runner::conclude(run.cases, {build}, false);
  return {name, run};
}

std::string refusal(std::vector<NamedRun> runs) {
  const auto merged = merge(std::move(runs), false);
  return merged ? "accepted" : merged.error().line();
}

TEST(Merge, ShardsBecomeOneRun) {
  const auto run = merge({part("1", "1/2", {"b", "d"}), part("0", "0/2", {"a", "c"}, "b", Status::kFail)}, false);
  ASSERT_TRUE(run) << run.error().line();
  ASSERT_EQ(run->cases.size(), 4U);
  EXPECT_EQ(run->cases[0].scenario, "a");
  EXPECT_EQ(run->cases[3].scenario, "d");
  EXPECT_EQ(run->header.shard, std::nullopt);
  EXPECT_EQ(run->header.builds.size(), 1U);
  EXPECT_EQ(run->footer->totals.at("cases"), 4U);
  EXPECT_EQ(runner::exit_code(*run->footer, oracles::Profile::kCore), 1);
}

TEST(Merge, AnEmptyShardIsNoMistake) {
  const auto run = merge({part("0", "0/2", {}), part("1", "1/2", {"a"})}, false);
  ASSERT_TRUE(run);
  EXPECT_EQ(runner::exit_code(*run->footer, oracles::Profile::kCore), 0);
}

TEST(Merge, DifferentBuildsAreCompared) {
  const auto run = merge({part("x", std::nullopt, {"a"}, "x"), part("y", std::nullopt, {"a"}, "y", Status::kFail)}, false);
  ASSERT_TRUE(run) << run.error().line();
  EXPECT_EQ(run->header.builds.size(), 2U);
  EXPECT_EQ(run->footer->verdicts.at("x").at("core"), runner::Verdict::kConformant);
  EXPECT_EQ(run->footer->verdicts.at("y").at("core"), runner::Verdict::kNotConformant);
}

TEST(Merge, RefusesWhatDoesNotFit) {
  EXPECT_THAT(refusal({part("0", "0/3", {"a"}), part("2", "2/3", {"b"})}), HasSubstr("shard 1/3 of b is missing"));
  EXPECT_THAT(refusal({part("0", "0/2", {"a"})}), HasSubstr("shard 1/2 of b is missing"));
  EXPECT_THAT(refusal({part("0", "0/2", {"a"}), part("again", "0/2", {"b"})}), HasSubstr("again: holds the same part as 0"));
  EXPECT_THAT(refusal({part("0", "0/2", {"a"}), part("1", "1/3", {"b"})}), HasSubstr("1: is one of 3 shards, others of 2"));
  EXPECT_THAT(refusal({part("0", "2/2", {"a"})}), HasSubstr("I/N"));
  EXPECT_THAT(refusal({part("0", "0/0", {"a"})}), HasSubstr("I/N"));
  EXPECT_THAT(refusal({part("0", "0/4294967295", {"a"})}), HasSubstr("shard 1/4294967295 of b is missing"));
  EXPECT_THAT(refusal({part("0", "0/2", {"a"}), part("1", "1/2", {"a"})}), HasSubstr("a on b occurs twice"));
  EXPECT_EQ(refusal({}), "no run to report");

  auto other_suite = part("1", "1/2", {"b"});
  other_suite.run.header.suite = "another";
  EXPECT_THAT(refusal({part("0", "0/2", {"a"}), other_suite}), HasSubstr("1: cannot be merged with 0: another suite"));
  auto same_name = part("1", std::nullopt, {"a"});
  same_name.run.header.builds[0].sha256 = "of another file";
  EXPECT_THAT(refusal({part("0", std::nullopt, {"a"}), same_name}), HasSubstr("two builds are called b"));
  auto torn = part("1", "1/2", {"b"});
  torn.run.footer.reset();
  EXPECT_THAT(refusal({part("0", "0/2", {"a"}), torn}), HasSubstr("1: no footer"));
}

TEST(Merge, ASingleRunWithoutFooterIsIncomplete) {
  auto torn = part("1", std::nullopt, {"a"});
  torn.run.footer.reset();
  const auto run = merge({torn}, false);
  ASSERT_TRUE(run);
  EXPECT_EQ(runner::exit_code(*run->footer, oracles::Profile::kCore), 2);
}

}  // namespace
}  // namespace entryproof::reports
