#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "simulator/reports/jsonl.h"

namespace entryproof::reports {
namespace {

using oracles::Level;
using oracles::Profile;
using oracles::Status;

runner::CheckRecord arbitrary_check() {
  runner::CheckRecord check;
  check.check = *rc::gen::element<std::string>("EXIST-01/a", "ATOM-23/never-torn", "UPGRADE-M8/no-litter");
  check.level = *rc::gen::element(Level::kMust, Level::kShould, Level::kMay);
  check.profile = *rc::gen::element(Profile::kCore, Profile::kDurable, Profile::kProduction);
  check.status =
      *rc::gen::element(Status::kPass, Status::kFail, Status::kWarn, Status::kKnown, Status::kNotTested, Status::kUnknown, Status::kError);
  check.expected = *rc::gen::arbitrary<std::string>();
  check.actual = *rc::gen::arbitrary<std::string>();
  check.replay = *rc::gen::arbitrary<std::string>();
  if (*rc::gen::arbitrary<bool>()) {
    check.at = oracles::Place{"fuse", *rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<std::string>(),
                              *rc::gen::arbitrary<std::uint64_t>()};
  }
  return check;
}

std::string text_of(const Run& run) {
  std::string text = jsonl_line(run.header);
  for (const auto& record : run.cases) text += jsonl_line(record);
  return text + (run.footer ? jsonl_line(*run.footer) : "");
}

// Whatever bytes records hold: what is written can be read, and writing what was read gives the same text.
RC_GTEST_PROP(Jsonl, RoundTrip, ()) {
  reports::Run run;
  run.header.seed = *rc::gen::arbitrary<std::uint64_t>();
  run.header.builds = {{"b", *rc::gen::arbitrary<std::string>(), ""}};
  const auto cases = *rc::gen::inRange(0, 4);
  for (int i = 0; i < cases; ++i) {
    runner::CaseRecord record{*rc::gen::arbitrary<std::string>(), "b", Status::kPass, *rc::gen::inRange(0, 1'000'000) / 7.0, {}};
    const auto checks = *rc::gen::inRange(0, 4);
    for (int j = 0; j < checks; ++j) record.checks.push_back(arbitrary_check());
    run.cases.push_back(std::move(record));
  }
  run.footer = runner::conclude(run.cases, {"b"}, false);

  const std::string text = text_of(run);
  const auto again = read_jsonl(text, "run.jsonl");
  if (!again) RC_FAIL(again.error().line());
  RC_ASSERT(text_of(*again) == text);
  RC_ASSERT(again->header.seed == run.header.seed);
  RC_ASSERT(again->cases.size() == run.cases.size());
}

// Whatever a reader is given, it answers; and whatever it accepts can be written and read again.
RC_GTEST_PROP(Jsonl, SpoiledTextIsRefusedOrRead, ()) {
  reports::Run run;
  run.header.builds = {{"b", "p", "h"}};
  run.cases.push_back({"x", "b", Status::kPass, 1, {arbitrary_check()}});
  run.footer = runner::conclude(run.cases, {"b"}, false);
  std::string text = text_of(run);
  const auto spoils = *rc::gen::inRange(1, 4);
  for (int i = 0; i < spoils; ++i) text[*rc::gen::inRange<std::size_t>(0, text.size())] = *rc::gen::arbitrary<char>();
  const auto read = read_jsonl(text, "run.jsonl");
  if (read) RC_ASSERT(read_jsonl(text_of(*read), "again").has_value());
}

}  // namespace
}  // namespace entryproof::reports
