// Known failures: the file, and what a run makes of it.
#include <gmock/gmock.h>

#include "simulator/cli/baseline.h"
#include "simulator/cli/program_for_test.h"

namespace entryproof::cli {
namespace {

using oracles::Profile;
using oracles::Status;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kText = R"({
  "baseline": 1,
  "known": [
    {
      "build": "fork",
      "scenario": "manual/fresh-node#seventy",
      "check": "EXIST-01/manual-fresh-node",
      "reason": "waits for multus#1302"
    },
    {
      "build": "other",
      "scenario": "manual/fresh-node#seventy",
      "check": "EXIST-01/manual-fresh-node",
      "reason": ""
    }
  ]
}
)";

const Known kFork{"fork", "manual/fresh-node#seventy", "EXIST-01/manual-fresh-node"};

std::string refusal(const std::string& text) {
  const auto baseline = Baseline::parse(text, "b.json");
  return baseline ? "accepted" : baseline.error().line();
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  text.replace(text.find(what), what.size(), with);
  return text;
}

TEST(Baseline, IsWrittenAsItWasRead) {
  const auto baseline = Baseline::parse(kText, "b.json");
  ASSERT_TRUE(baseline) << baseline.error().line();
  EXPECT_EQ(baseline->reason(kFork), "waits for multus#1302");
  EXPECT_EQ(baseline->reason({"fork", "x", "EXIST-01/manual-fresh-node"}), std::nullopt);
  EXPECT_EQ(baseline->text(), kText);
}

TEST(Baseline, IsSortedWhateverTheOrderOfItsMaking) {
  Baseline baseline;
  baseline.add({"other", kFork.scenario, kFork.check}, "");
  baseline.add(kFork, "waits for multus#1302");
  EXPECT_EQ(baseline.text(), kText);
}

TEST(Baseline, MistakesAreNamedWithTheirLine) {
  EXPECT_THAT(refusal("{"), HasSubstr("b.json:1"));
  EXPECT_THAT(refusal(replaced(kText, "\"reason\": \"\"", "\"why\": \"\"")), HasSubstr("\"reason\" is missing"));
  EXPECT_THAT(refusal(replaced(kText, "\"other\"", "\"other\", \"note\": 1")), HasSubstr("b.json:11 (/known/1/note): unknown key"));
  EXPECT_THAT(refusal(replaced(kText, "\"other\"", "\"fork\"")), HasSubstr("listed twice"));
  EXPECT_THAT(refusal(replaced(kText, "EXIST-01/", "EXIST/")), HasSubstr("no id of a check"));
  EXPECT_THAT(refusal(replaced(kText, "\"baseline\": 1", "\"baseline\": 2")), HasSubstr("the only version"));
  EXPECT_THAT(refusal(replaced(kText, "\"fork\"", "\"\"")), HasSubstr("says nothing"));
  EXPECT_EQ(refusal(R"({"baseline": 1, "known": []})"), "accepted");
}

// --- against a run ---

class Compared : public testing::Test {
 protected:
  Compared() {
    auto suite = runner::Suite::load(std::string(ENTRYPROOF_SOURCE_DIR) + "/scenarios");
    EXPECT_TRUE(suite);
    if (suite) suite_ = std::move(*suite);
    baseline_.add(kFork, "why");
  }
  static runner::CaseRecord played(const std::string& check, Status status) {
    runner::CheckRecord record;
    record.check = check;
    record.status = status;
    return {kFork.scenario, kFork.build, status, 1, {record}};
  }
  std::vector<std::string> stale(const std::vector<runner::CaseRecord>& cases, Profile profile = Profile::kCore) {
    std::vector<std::string> texts;
    for (const auto& each : Comparison(baseline_, suite_, profile).stale(cases, {"fork"})) texts.push_back(each.text());
    return texts;
  }

  runner::Suite suite_;
  Baseline baseline_;
};

TEST_F(Compared, WhatPassesIsStaleAndWhatIsKnownOrUndecidedIsNot) {
  EXPECT_THAT(stale({played(kFork.check, Status::kPass)}),
              ElementsAre("EXIST-01/manual-fresh-node in manual/fresh-node#seventy on fork: it passes"));
  for (const auto status : {Status::kKnown, Status::kError, Status::kUnknown, Status::kNotTested}) {
    EXPECT_THAT(stale({played(kFork.check, status)}), ElementsAre()) << to_string(status);
  }
}

TEST_F(Compared, WhatWasNotPlayedIsNotJudged) {
  EXPECT_THAT(stale({}), ElementsAre());
  baseline_.add({"fork", kFork.scenario, "EXIST-01/after-kill"}, "durable, and only core was played");
  EXPECT_THAT(stale({played(kFork.check, Status::kKnown)}), ElementsAre());
  EXPECT_THAT(stale({played(kFork.check, Status::kKnown)}, Profile::kDurable), ElementsAre(HasSubstr("not found any more")));
}

TEST_F(Compared, AnErrorElsewhereInTheCaseDecidesNothing) {
  EXPECT_THAT(stale({played("EXIST-01/after-restart", Status::kError)}), ElementsAre());
  EXPECT_THAT(stale({played("EXIST-01/after-restart", Status::kPass)}), ElementsAre(HasSubstr("not found any more")));
}

TEST_F(Compared, WhatTheSuiteHasNoMoreIsStaleEvenIfNothingWasPlayed) {
  baseline_ = {};
  baseline_.add({"fork", "no/such", kFork.check}, "");
  baseline_.add({"fork", kFork.scenario, "EXIST-01/no-such"}, "");
  baseline_.add({"not-in-this-run", "no/such", "EXIST-01/no-such"}, "");
  EXPECT_THAT(stale({}), ElementsAre(HasSubstr("no such check"), HasSubstr("no such scenario")));
}

TEST_F(Compared, TheUpdatedOneKeepsReasonsDropsTheStaleAndAddsTheKnown) {
  baseline_.add({"fork", kFork.scenario, "EXIST-01/after-restart"}, "passes now");
  baseline_.add({"elsewhere", "x", "EXIST-01/after-restart"}, "not played");
  auto record = played(kFork.check, Status::kKnown);
  record.checks.push_back(played("EXIST-01/after-restart", Status::kPass).checks[0]);
  record.checks.push_back(played("FRESH-18/dns", Status::kKnown).checks[0]);
  const auto updated = Comparison(baseline_, suite_, Profile::kCore).updated({record}, {"fork"});
  EXPECT_EQ(updated.entries(), (std::map<Known, std::string>{{{"elsewhere", "x", "EXIST-01/after-restart"}, "not played"},
                                                             {kFork, "why"},
                                                             {{"fork", kFork.scenario, "FRESH-18/dns"}, ""}}));
}

// --- through the program ---

Ended mutant_run(const std::string& baseline, std::vector<std::string> more = {}) {
  std::vector<std::string> argv = {program("entryproof"), "run",    "--world", "memory", "--build", "mutant:no-kubeconfig-in-manual", "-q",
                                   "--baseline",          baseline, "manual/*"};
  argv.insert(argv.end(), more.begin(), more.end());
  return run_program(argv);
}

TEST(BaselineOfARun, IsWrittenThenGreenThenStaleWhenTheBuildIsRepaired) {
  const ScratchDirectory scratch;
  const std::string file = scratch.path() + "/known.json";
  EXPECT_EQ(mutant_run(file).exit_code, 2) << "a baseline that is not there is no empty one";
  const auto written = mutant_run(file, {"--baseline-write"});
  EXPECT_EQ(written.exit_code, 0) << written.out << written.err;
  EXPECT_THAT(written.err, HasSubstr("added, 0 removed"));
  const auto green = mutant_run(file);
  EXPECT_EQ(green.exit_code, 0) << green.out;
  EXPECT_THAT(green.err, HasSubstr("without a reason"));

  auto baseline = Baseline::load(file);
  ASSERT_TRUE(baseline) << baseline.error().line();
  Baseline of_the_reference;
  for (const auto& [known, reason] : baseline->entries()) of_the_reference.add({"reference", known.scenario, known.check}, "repaired");
  ASSERT_TRUE(of_the_reference.save(file));
  const auto stale = run_program({program("entryproof"), "run", "--world", "memory", "-q", "--baseline", file, "manual/*", "--report",
                                  "junit:" + scratch.path() + "/stale.xml"});
  EXPECT_EQ(stale.exit_code, 1) << stale.out;
  EXPECT_THAT(stale.out, HasSubstr("stale EXIST-01/manual-fresh-node in manual/"));

  EXPECT_EQ(mutant_run(file).exit_code, 1) << "the entries of another build excuse nothing";
}

}  // namespace
}  // namespace entryproof::cli
