// Counts, verdicts and exit codes from records (clauses.md: MUST decides, SHOULD warns; what was not tested is left out and named).
#include "simulator/runner/record.h"

#include <gtest/gtest.h>

#include "simulator/runner/engine.h"

namespace entryproof::runner {
namespace {

using oracles::Level;
using oracles::Profile;
using oracles::Status;

CheckRecord check(std::string id, Status status, Level level = Level::kMust, Profile profile = Profile::kCore) {
  CheckRecord record;
  record.check = std::move(id);
  record.status = status;
  record.level = level;
  record.profile = profile;
  return record;
}

std::vector<CaseRecord> cases(std::vector<CheckRecord> checks) {
  CaseRecord record;
  record.scenario = "a/b";
  record.build = "x";
  record.checks = std::move(checks);
  return {record};
}

Verdict verdict(const std::vector<CheckRecord>& checks, const std::string& profile = "core", bool strict = false) {
  return conclude(cases(checks), {"x"}, strict).verdicts.at("x").at(profile);
}

TEST(Conclude, AllPassedIsConformant) { EXPECT_EQ(verdict({check("A-1/a", Status::kPass)}), Verdict::kConformant); }

TEST(Conclude, AFailedMustIsNotConformantWhateverElseIsUndecided) {
  EXPECT_EQ(verdict({check("A-1/a", Status::kFail), check("A-1/b", Status::kError)}), Verdict::kNotConformant);
}

TEST(Conclude, AnErrorOrAnUnknownIsIncomplete) {
  EXPECT_EQ(verdict({check("A-1/a", Status::kPass), check("A-1/b", Status::kError)}), Verdict::kIncomplete);
  EXPECT_EQ(verdict({check("A-1/a", Status::kPass), check("A-1/b", Status::kUnknown)}), Verdict::kIncomplete);
}

TEST(Conclude, AWarningDecidesUnderStrictOnly) {
  const auto warning = check("A-1/a", Status::kWarn, Level::kShould);
  EXPECT_EQ(verdict({warning}), Verdict::kConformant);
  EXPECT_EQ(verdict({warning}, "core", true), Verdict::kNotConformant);
  EXPECT_EQ(verdict({check("A-1/a", Status::kWarn, Level::kMay)}, "core", true), Verdict::kConformant);
}

TEST(Conclude, NothingJudgedIsNoVerdict) {
  EXPECT_EQ(verdict({}), Verdict::kIncomplete);
  EXPECT_EQ(verdict({check("A-1/a", Status::kNotTested)}), Verdict::kIncomplete);
}

TEST(Conclude, WhatWasNotTestedIsLeftOutAndNamedOnce) {
  const auto footer = conclude(cases({check("A-1/b", Status::kNotTested), check("A-1/a", Status::kNotTested),
                                      check("A-1/b", Status::kNotTested), check("A-1/c", Status::kPass)}),
                               {"x"}, false);
  EXPECT_EQ(footer.not_tested, (std::vector<std::string>{"A-1/a", "A-1/b"}));
  EXPECT_EQ(footer.verdicts.at("x").at("core"), Verdict::kConformant);
}

TEST(Conclude, AProfileIncludesTheOnesBeforeIt) {
  const std::vector<CheckRecord> records = {check("A-1/a", Status::kPass), check("A-1/b", Status::kPass, Level::kMust, Profile::kDurable),
                                            check("A-1/c", Status::kFail, Level::kMust, Profile::kProduction)};
  EXPECT_EQ(verdict(records, "core"), Verdict::kConformant);
  EXPECT_EQ(verdict(records, "durable"), Verdict::kConformant);
  EXPECT_EQ(verdict(records, "production"), Verdict::kNotConformant);
  EXPECT_EQ(verdict({check("A-1/a", Status::kFail), records[1]}, "production"), Verdict::kNotConformant);
}

TEST(Conclude, AProfileThatNothingWasJudgedForHasNoVerdict) {
  EXPECT_EQ(verdict({check("A-1/a", Status::kPass)}, "core"), Verdict::kConformant);
  EXPECT_EQ(verdict({check("A-1/a", Status::kPass)}, "durable"), Verdict::kIncomplete);
  EXPECT_EQ(verdict({check("A-1/b", Status::kPass, Level::kMust, Profile::kProduction)}, "core"), Verdict::kIncomplete);
}

TEST(Conclude, CountsCasesChecksAndEachStatus) {
  const auto footer =
      conclude(cases({check("A-1/a", Status::kPass), check("A-1/b", Status::kPass), check("A-1/c", Status::kFail)}), {"x"}, false);
  EXPECT_EQ(footer.totals, (std::map<std::string, std::uint64_t>{{"cases", 1}, {"checks", 3}, {"pass", 2}, {"fail", 1}}));
}

TEST(ExitCode, SpeaksOfTheProfileAndOfAllBuilds) {
  Footer footer;
  footer.verdicts["a"]["core"] = Verdict::kConformant;
  EXPECT_EQ(exit_code(footer, Profile::kCore), 0);
  EXPECT_EQ(exit_code(footer, Profile::kDurable), 2);
  footer.verdicts["b"]["core"] = Verdict::kIncomplete;
  EXPECT_EQ(exit_code(footer, Profile::kCore), 2);
  footer.verdicts["c"]["core"] = Verdict::kNotConformant;
  EXPECT_EQ(exit_code(footer, Profile::kCore), 1);
  EXPECT_EQ(exit_code(Footer{}, Profile::kCore), 2);
}

}  // namespace
}  // namespace entryproof::runner
