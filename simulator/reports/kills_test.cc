// The kill matrix: who is red in what, and what is wanting.
#include "simulator/reports/kills.h"

#include <gmock/gmock.h>

namespace entryproof::reports {
namespace {

using oracles::Status;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void add(Run& run, const std::string& build, const std::string& check, Status status) {
  runner::CheckRecord record;
  record.check = check;
  record.status = status;
  run.cases.push_back({"s" + std::to_string(run.cases.size()), build, status, 1, {record}});
}

Run a_run() {
  Run run;
  run.header.builds = {{"reference", "reference", ""}, {"mutant:torn", "mutant:torn", ""}, {"mutant:equal", "mutant:equal", ""}};
  add(run, "reference", "ATOM-23/never-torn", Status::kFail);  // no mutant: no kill
  add(run, "mutant:torn", "ATOM-23/never-torn", Status::kFail);
  add(run, "mutant:torn", "ATOM-23/never-torn", Status::kPass);
  add(run, "mutant:torn", "EXIST-01/a", Status::kPass);
  add(run, "mutant:equal", "ATOM-23/never-torn", Status::kPass);
  add(run, "mutant:equal", "EXIST-01/a", Status::kError);  // says nothing about the mutant
  add(run, "mutant:equal", "UPGRADE-M1/b", Status::kNotTested);
  return run;
}

TEST(Kills, SurvivorsAndChecksWithoutAKillAreNamed) {
  const auto kills = kills_of(a_run());
  EXPECT_THAT(kills.mutants, ElementsAre("torn", "equal"));
  EXPECT_THAT(kills.checks, ElementsAre("EXIST-01/a", "ATOM-23/never-torn", "UPGRADE-M1/b"));
  EXPECT_THAT(kills.survivors(), ElementsAre("equal"));
  EXPECT_THAT(kills.never_killed(), ElementsAre("EXIST-01/a"));
  EXPECT_THAT(kills.not_judged(), ElementsAre("UPGRADE-M1/b"));
}

TEST(Kills, TheTextHasARowForEachCheckAndAColumnForEachMutant) {
  const auto text = kill_text(kills_of(a_run()));
  EXPECT_THAT(text, HasSubstr("EXIST-01/a          .   0\n"));
  EXPECT_THAT(text, HasSubstr("ATOM-23/never-torn  x.  1\n"));
  EXPECT_THAT(text, HasSubstr("1 torn: red in 1 check\n2 equal: survived\n"));
  EXPECT_THAT(text, HasSubstr("survivors (1):\n  equal\n"));
}

TEST(Kills, ARunWithoutMutantsHasNone) {
  auto run = a_run();
  run.header.builds.resize(1);
  EXPECT_THAT(kills_of(run).mutants, IsEmpty());
}

}  // namespace
}  // namespace entryproof::reports
