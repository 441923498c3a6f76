#include "simulator/reports/sample_run.h"

#include <algorithm>

#include "simulator/runner/engine.h"

namespace entryproof::reports {
namespace {

using namespace std::string_literals;
using oracles::Level;
using oracles::Profile;
using oracles::Status;
using runner::CaseRecord;
using runner::CheckRecord;

CheckRecord passed(std::string check, Profile profile = Profile::kCore) {
  CheckRecord record;
  record.check = std::move(check);
  record.profile = profile;
  return record;
}

CheckRecord judged(std::string check, Level level, Profile profile, Status status, std::string expected, std::string actual) {
  CheckRecord record = passed(std::move(check), profile);
  record.level = level;
  record.status = status;
  record.expected = std::move(expected);
  record.actual = std::move(actual);
  return record;
}

CaseRecord case_of(std::string scenario, std::string build, double duration_ms, std::vector<CheckRecord> checks) {
  CaseRecord record{std::move(scenario), std::move(build), Status::kPass, duration_ms, std::move(checks)};
  for (const auto& check : record.checks) {
    if (oracles::severity(check.status) > oracles::severity(record.status)) record.status = check.status;
  }
  return record;
}

// No such file where a kubeconfig should be: the failure that the suite was made for.
CheckRecord missing_kubeconfig() {
  CheckRecord record = judged("EXIST-01/manual-fresh-node", Level::kMust, Profile::kCore, Status::kFail,
                              "a valid kubeconfig at /etc/cni/net.d/multus.d/multus.kubeconfig within 2 s", "no such file");
  record.at = oracles::Place{"fuse", 14, "/etc/cni/net.d/70-multus.conf", 52};
  record.replay = "entryproof run manual/fresh-node --build ./fork --world fuse --seed 18446744073709551615";
  return record;
}

// Escape sequences, a forged workflow command, markup, bytes that are no UTF-8, control characters, text that runs backwards.
CheckRecord nasty() {
  CheckRecord record =
      judged("PUBLISH-44/valid-json", Level::kMust, Profile::kDurable, Status::kFail, "line one\nline two\nline three",
             "line one\nl\xff\xfene \x1b[31mtwo\x1b[0m | `x` <b>&\"'\n::error::forged 100%\r\n]]>\x01\x00\x07 \xe2\x80\xae"s +
                 "abc \xc2\x9b \xef\xbf\xbe\n  ...\nnot ok 99 # SKIP");
  record.at = oracles::Place{"fuse", 0, "/etc/cni/net.d/a\nb,c:d%", 7};
  record.replay = "entryproof run 'odd/bytes#row \x1b[2J' --build ./fork";
  return record;
}

}  // namespace

Run sample_run() {
  Run run;
  run.header.tool = "entryproof 0.1.0";
  run.header.suite = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  run.header.seed = 18'446'744'073'709'551'615U;
  run.header.world = "fuse";
  run.header.builds = {{"reference", "reference", std::string(64, 'a')}, {"fork", "./fo\x1b]0;title\x07rk", std::string(64, 'b')}};

  const auto ordinary = passed("ATOM-23/never-torn");
  const auto no_clock =
      judged("FRESH-20/month", Level::kMust, Profile::kProduction, Status::kNotTested, "", "the fuse world has no virtual-time");
  const auto louder =
      judged("UPGRADE-M8/no-litter", Level::kShould, Profile::kCore, Status::kWarn, "no other file", "/etc/cni/net.d/.tmp #1");
  const auto bound = judged("ORDER-37/binary-first", Level::kMust, Profile::kCore, Status::kUnknown, "", "cut off at 1000 crash points");
  const auto broken =
      judged("LIFE-60/exit-code", Level::kMust, Profile::kProduction, Status::kError, "exit code 0", "the harness was 900 ms late");
  const auto known = judged("SECURE-30/mode", Level::kMust, Profile::kCore, Status::kKnown, "0600", "0644");

  run.cases.push_back(case_of("manual/fresh-node", "reference", 12.25, {passed("EXIST-01/manual-fresh-node"), ordinary, no_clock}));
  run.cases.push_back(case_of("manual/fresh-node", "fork", 2034.5, {missing_kubeconfig(), ordinary, no_clock}));
  run.cases.push_back(case_of("odd/bytes#row 1", "reference", 3, {passed("PUBLISH-44/valid-json", Profile::kDurable), ordinary}));
  run.cases.push_back(case_of("odd/bytes#row 1", "fork", 125'000, {nasty(), ordinary, known}));
  run.cases.push_back(case_of("restart/fifty", "reference", 40, {passed("UPGRADE-M8/no-litter"), passed("ORDER-37/binary-first")}));
  run.cases.push_back(case_of("restart/fifty", "fork", 41, {louder, bound, broken}));
  run.footer = runner::conclude(run.cases, {"reference", "fork"}, false);
  return run;
}

}  // namespace entryproof::reports
