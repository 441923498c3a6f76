// JUnit and TAP are read back here, by parsers that are not ours or not shared, and must be red exactly where the exit code is.
#include "simulator/reports/junit.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <pugixml.hpp>

#include "simulator/reports/sample_run.h"
#include "simulator/reports/tap.h"
#include "simulator/reports/text.h"
#include "simulator/runner/engine.h"

namespace entryproof::reports {
namespace {

using oracles::Level;
using oracles::Profile;
using oracles::Status;

pugi::xml_document parsed(const std::string& text) {
  pugi::xml_document document;
  const auto result = document.load_buffer(text.data(), text.size());
  EXPECT_TRUE(result) << result.description() << " at " << result.offset;
  return document;
}

std::size_t count(const pugi::xml_document& document, const char* query) { return document.select_nodes(query).size(); }

TEST(Junit, CountsAreWhatIsThere) {
  const auto document = parsed(junit(sample_run(), {}));
  const auto suites = document.child("testsuites");
  EXPECT_EQ(suites.attribute("tests").as_uint(), count(document, "//testcase"));
  EXPECT_EQ(suites.attribute("failures").as_uint(), count(document, "//failure"));
  EXPECT_EQ(suites.attribute("errors").as_uint(), count(document, "//error"));
  EXPECT_EQ(suites.attribute("skipped").as_uint(), count(document, "//skipped"));
  EXPECT_EQ(count(document, "//testsuite"), 2U);
  EXPECT_EQ(count(document, "//testsuite[@name='fork']//failure"), 1U) << "what is above core does not decide";
  EXPECT_EQ(count(document, "//testsuite[@name='fork']//error"), 1U);
  EXPECT_EQ(count(document, "//testcase[@file='scenarios/odd/bytes.json']"), 5U);
  EXPECT_EQ(count(document, "//property[@name='level' and @value='SHOULD']"), 1U);
}

TEST(Junit, HostileTextArrivesAsText) {
  const auto document = parsed(junit(sample_run(), {Profile::kDurable, false}));
  const auto failure = document.select_node("//testcase[@name='PUBLISH-44/valid-json']/failure").node();
  ASSERT_TRUE(failure);
  const std::string body = failure.child_value();
  EXPECT_NE(body.find("two | `x` <b>&\"'"), std::string::npos) << body;
  EXPECT_NE(body.find("]]>"), std::string::npos);
  EXPECT_EQ(body.find('\x1b'), std::string::npos);
  EXPECT_EQ(valid_utf8(body), body);
}

runner::CheckRecord arbitrary_check() {
  runner::CheckRecord check;
  check.check = "EXIST-01/a";
  check.level = *rc::gen::element(Level::kMust, Level::kShould, Level::kMay);
  check.profile = *rc::gen::element(Profile::kCore, Profile::kDurable, Profile::kProduction);
  check.status =
      *rc::gen::element(Status::kPass, Status::kFail, Status::kWarn, Status::kKnown, Status::kNotTested, Status::kUnknown, Status::kError);
  check.actual = *rc::gen::arbitrary<std::string>();
  return check;
}

// Whether a consumer of TAP calls the document failed: a test point that is not ok and no TODO, or a plan that does not fit.
bool tap_is_red(const std::string& text) {
  std::size_t planned = 0;
  std::size_t points = 0;
  bool red = false;
  for (const auto line : lines_of(text)) {
    if (line.starts_with("1..")) planned = std::stoul(std::string(line.substr(3)));
    const bool failed = line.starts_with("not ok ");
    if (failed || line.starts_with("ok ")) ++points;
    red = red || (failed && line.find(" # TODO") == std::string_view::npos);
  }
  return red || planned != points;
}

RC_GTEST_PROP(Junit, IsRedWhereTheExitCodeIs, ()) {
  reports::Run run;
  run.header.builds = {{"b", *rc::gen::arbitrary<std::string>(), ""}};
  runner::CaseRecord record{*rc::gen::arbitrary<std::string>(), "b", Status::kPass, 1, {}};
  const auto checks = *rc::gen::inRange(0, 5);
  for (int i = 0; i < checks; ++i) record.checks.push_back(arbitrary_check());
  run.cases.push_back(std::move(record));
  const Asked asked{*rc::gen::element(Profile::kCore, Profile::kDurable, Profile::kProduction), *rc::gen::arbitrary<bool>()};
  run.footer = runner::conclude(run.cases, {"b"}, asked.strict);
  const bool green = runner::exit_code(*run.footer, asked.profile) == 0;

  pugi::xml_document document;
  const std::string text = junit(run, asked);
  RC_ASSERT(document.load_buffer(text.data(), text.size()));
  RC_ASSERT(green == (count(document, "//failure") + count(document, "//error") == 0));
  RC_ASSERT(green == !tap_is_red(tap(run, asked)));
}

TEST(Tap, PlanCountsThePoints) {
  const std::string text = tap(sample_run(), {});
  std::size_t points = 0;
  for (const auto line : lines_of(text)) points += line.starts_with("ok ") || line.starts_with("not ok ") ? 1U : 0U;
  EXPECT_NE(text.find("\n1.." + std::to_string(points) + "\n"), std::string::npos) << "nothing that a build printed is taken for a point";
}

}  // namespace
}  // namespace entryproof::reports
