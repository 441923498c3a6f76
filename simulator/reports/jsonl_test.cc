#include "simulator/reports/jsonl.h"

#include <gmock/gmock.h>

#include "simulator/reports/github.h"
#include "simulator/reports/junit.h"
#include "simulator/reports/sample_run.h"
#include "simulator/reports/tap.h"
#include "simulator/runner/engine.h"

namespace entryproof::reports {
namespace {

using testing::HasSubstr;

std::string text_of(const Run& run) {
  std::string text = jsonl_line(run.header);
  for (const auto& record : run.cases) text += jsonl_line(record);
  if (run.footer) text += jsonl_line(*run.footer);
  return text;
}

// A small result, line by line, for tests that spoil one of them.
constexpr std::string_view kHeader =
    R"({"kind":"header","format":1,"tool":"t","suite":"s","seed":"7","shard":"0/2","world":"fuse","builds":[{"name":"b","path":"p","sha256":"h"}]})";
constexpr std::string_view kCase =
    R"({"kind":"case","scenario":"x","build":"b","status":"pass","duration_ms":1.5,"checks":[{"check":"EXIST-01/a","level":"MUST","profile":"core","status":"pass","expected":"","actual":"","at":null,"replay":""}]})";
constexpr std::string_view kFooter = R"({"kind":"footer","totals":{"cases":1},"not_tested":[],"verdicts":{"b":{"core":"conformant"}}})";

std::string lines(std::initializer_list<std::string_view> all) {
  std::string text;
  for (const auto line : all) text += std::string(line) + "\n";
  return text;
}

std::string refusal(std::string_view text) {
  const auto run = read_jsonl(text, "run.jsonl");
  return run ? "accepted" : run.error().line();
}

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string out(text);
  out.replace(out.find(what), what.size(), with);
  return out;
}

TEST(Jsonl, ReadsWhatItWrites) {
  const reports::Run run = sample_run();
  const auto again = read_jsonl(text_of(run), "run.jsonl");
  ASSERT_TRUE(again) << again.error().line();
  EXPECT_EQ(text_of(*again), text_of(run));
  EXPECT_EQ(again->header.seed, 18'446'744'073'709'551'615U);
  ASSERT_TRUE(again->footer);
  EXPECT_EQ(again->footer->verdicts.at("fork").at("core"), runner::Verdict::kNotConformant);
  ASSERT_TRUE(again->cases[1].checks[0].at);
  EXPECT_EQ(again->cases[1].checks[0].at->op, 14U);
}

TEST(Jsonl, SmallResultIsRead) {
  const auto run = read_jsonl(lines({kHeader, kCase, kFooter}), "run.jsonl");
  ASSERT_TRUE(run) << run.error().line();
  EXPECT_EQ(run->header.shard, "0/2");
  EXPECT_EQ(run->cases.size(), 1U);
}

TEST(Jsonl, WithoutFooterTheRunIsIncomplete) {
  const auto run = read_jsonl(lines({kHeader, kCase}), "run.jsonl");
  ASSERT_TRUE(run);
  EXPECT_FALSE(run->footer);
}

TEST(Jsonl, ATornLastLineIsThatOfAKilledRun) {
  const std::string torn = lines({kHeader, kCase}) + std::string(kCase.substr(0, 40));
  const auto run = read_jsonl(torn, "run.jsonl");
  ASSERT_TRUE(run) << run.error().line();
  EXPECT_EQ(run->cases.size(), 1U);
  EXPECT_FALSE(run->footer);
  EXPECT_THAT(refusal(torn + "\n"), HasSubstr("run.jsonl:3: ")) << "but a whole line that is no JSON is an error";
}

TEST(Jsonl, UnknownKeysAndKindsAreIgnored) {
  const std::string more = replaced(kCase, "\"scenario\"", R"("later":{"a":[1]},"scenario")");
  EXPECT_TRUE(read_jsonl(lines({kHeader, more, R"({"kind":"later"})", kFooter}), "run.jsonl"));
}

TEST(Jsonl, RefusalsNameFileAndLine) {
  EXPECT_THAT(refusal(""), HasSubstr("run.jsonl: holds no run"));
  EXPECT_THAT(refusal(lines({kCase})), HasSubstr("run.jsonl:1: the first line must be"));
  EXPECT_THAT(refusal(lines({kHeader, kHeader})), HasSubstr("run.jsonl:2: a second header"));
  EXPECT_THAT(refusal(lines({kHeader, kCase, kFooter, kCase})), HasSubstr("run.jsonl:4: nothing may follow"));
  EXPECT_THAT(refusal(lines({kHeader, kFooter})), HasSubstr("counts 1 cases, the file has 0"));
  EXPECT_THAT(refusal(lines({kHeader, "[]"})), HasSubstr("run.jsonl:2: a line must be an object"));
}

TEST(Jsonl, RefusesValuesOfTheWrongForm) {
  EXPECT_THAT(refusal(lines({replaced(kHeader, "\"format\":1", "\"format\":2")})), HasSubstr("reads format 1"));
  EXPECT_THAT(refusal(lines({replaced(kHeader, "\"7\"", "7")})), HasSubstr("\"seed\" must be a string"));
  EXPECT_THAT(refusal(lines({replaced(kHeader, "\"7\"", "\"7x\"")})), HasSubstr("\"seed\" must be a decimal"));
  EXPECT_THAT(refusal(lines({replaced(kHeader, "\"7\"", "\"99999999999999999999\"")})), HasSubstr("\"seed\" must be a decimal"));
  EXPECT_THAT(refusal(lines({kHeader, replaced(kCase, "EXIST-01/a", "exist")})), HasSubstr("\"exist\" is no id of a check"));
  EXPECT_THAT(refusal(lines({kHeader, replaced(kCase, "\"MUST\"", "\"PERHAPS\"")})), HasSubstr("\"level\": unknown word"));
  EXPECT_THAT(refusal(lines({kHeader, replaced(kCase, "\"build\":\"b\"", "\"build\":\"c\"")})), HasSubstr("not in the header"));
  EXPECT_THAT(refusal(lines({kHeader, replaced(kCase, "1.5", "-1")})), HasSubstr("\"duration_ms\""));
  EXPECT_THAT(refusal(lines({kHeader, replaced(kCase, ",\"replay\":\"\"", "")})), HasSubstr("\"replay\" is missing"));
  EXPECT_THAT(refusal(lines({kHeader, kCase, replaced(kFooter, "conformant", "fine")})), HasSubstr("unknown word \"fine\""));
}

TEST(Jsonl, CapsAreHeld) {
  std::string deep = "{\"kind\":\"later\",\"x\":";
  deep += std::string(100, '[') + std::string(100, ']') + "}";
  EXPECT_NE(refusal(lines({kHeader, deep})), "accepted");
  EXPECT_THAT(refusal(lines({kHeader, replaced(kCase, "\"expected\":\"\"", "\"expected\":\"" + std::string(20'000, 'x') + "\"")})),
              HasSubstr("\"expected\" has 20000 bytes"));
  EXPECT_THAT(refusal(lines({kHeader, std::string(kMaxLineBytes + 1, ' ')})), HasSubstr("the line is longer"));
}

TEST(Jsonl, LongAndIllFormedStringsAreWrittenSafely) {
  runner::CaseRecord record;
  record.scenario = std::string(100'000, 'x');
  record.build = "b\xff";
  record.checks.emplace_back().check = "EXIST-01/a";
  record.checks[0].actual = std::string(50'000, '\xff');
  const std::string line = jsonl_line(record);
  EXPECT_LT(line.size(), 20'000U);
  EXPECT_EQ(line.find('\xff'), std::string::npos);
  EXPECT_THAT(line, HasSubstr("bytes more)"));
}

TEST(Jsonl, AMissingFileIsNamed) {
  const auto run = load_jsonl("/nonexistent/run.jsonl");
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().line(), HasSubstr("/nonexistent/run.jsonl"));
}

TEST(Jsonl, WhereAScenarioStandsAndWhatIsStaleAreReadBackAndReachTheReaderOfAnnotations) {
  runner::Header header{.tool = "t", .suite = "s", .seed = 1, .shard = {}, .world = "fuse", .builds = {{"b", "./b", ""}}};
  runner::CheckRecord check;
  check.check = "EXIST-01/a";
  check.status = oracles::Status::kFail;
  check.line = 12;
  runner::CaseRecord record{"x#row", "b", oracles::Status::kFail, 1, {check}, "sub/x.json"};
  auto footer = runner::conclude({record}, {"b"}, false);
  footer.stale = {"EXIST-01/b in x on b: it passes"};
  const auto run = read_jsonl(jsonl_line(header) + jsonl_line(record) + jsonl_line(footer), "run");
  ASSERT_TRUE(run) << run.error().line();
  EXPECT_EQ(run->cases[0].file, "sub/x.json");
  EXPECT_EQ(run->cases[0].checks[0].line, 12);
  EXPECT_EQ(run->footer->stale, footer.stale);
  EXPECT_THAT(github(*run, {}), HasSubstr("::error file=sub/x.json,line=12,title="));
  EXPECT_THAT(github(*run, {}), HasSubstr("stale in the baseline: EXIST-01/b in x on b: it passes"));
  EXPECT_THAT(junit(*run, {}), HasSubstr("file=\"sub/x.json\""));
  EXPECT_THAT(junit(*run, {}), HasSubstr("tests=\"2\" failures=\"2\""));
  EXPECT_THAT(tap(*run, {}), HasSubstr("not ok 2 - baseline stale: EXIST-01/b in x on b: it passes"));
}

}  // namespace
}  // namespace entryproof::reports
