#include "simulator/runner/suite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace entryproof::runner {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A suite of five cases in a directory of its own.
class SuiteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        fs::path(::testing::TempDir()) / ("suite_test_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(directory_);
    write("clauses.json", R"({"clauses": [
      {"id": "EXIST-01", "title": "t", "text": "x", "checks": [
        {"id": "EXIST-01/auto", "sentence": "s", "level": "MUST", "profile": "core"},
        {"id": "EXIST-01/manual", "sentence": "s", "level": "MUST", "profile": "production"}]},
      {"id": "EXIST-011", "title": "t", "text": "x", "checks": [
        {"id": "EXIST-011/other", "sentence": "s", "level": "MUST", "profile": "core"}]}]})");
    write("fixtures/flannel/10-flannel.conf", "{}");
    write("scenario.schema.json", "no scenario");
    write("testdata/bad.json", "no scenario");
    write("auto/fresh.json", scenario("EXIST-01/auto", R"("tags": ["fresh"], )"));
    write(
        "auto/hosts.json",
        scenario("EXIST-011/other", R"("vary": {"rows": {"b": {"p": "flannel"}, "a": {"p": "flannel"}}}, "given": {"primary": "${p}"}, )"));
    write("manual/fresh.json", scenario("EXIST-01/manual", R"("tags": ["fresh", "manual"], )"));
    write("manual/deep/er.json", scenario("EXIST-01/auto", R"("tags": ["manual"], )"));
  }
  void TearDown() override { fs::remove_all(directory_); }

  static std::string scenario(const std::string& check, const std::string& more = "") {
    return R"({"scenario": 1, "title": "t", "why": "w", )" + more + R"("steps": [{"start": "build"}, {"expect": {"check": ")" + check +
           R"(", "attach": true}}]})";
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name) << text;
  }
  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  Suite load() const {
    auto suite = Suite::load(directory_.string());
    EXPECT_TRUE(suite) << suite.error().line();
    return suite ? std::move(*suite) : Suite{};
  }
  static std::vector<std::string> ids(const Result<std::vector<const Scenario*>>& selected) {
    std::vector<std::string> found;
    if (!selected) return {selected.error().line()};
    for (const Scenario* scenario : *selected) found.push_back(scenario->id);
    return found;
  }
  std::vector<std::string> chosen(const Selection& selection) const {
    const Suite suite = load();
    return ids(select(suite, selection));
  }

  fs::path directory_;
};

TEST_F(SuiteTest, LoadsScenariosSortedAndFixtures) {
  const Suite suite = load();
  std::vector<std::string> found;
  for (const Scenario& scenario : suite.scenarios) found.push_back(scenario.id);
  EXPECT_THAT(found, ElementsAre("auto/fresh", "auto/hosts#a", "auto/hosts#b", "manual/deep/er", "manual/fresh"));
  ASSERT_TRUE(suite.fixtures.contains("flannel"));
  EXPECT_EQ(suite.fixtures.at("flannel").filename, "10-flannel.conf");
  EXPECT_EQ(suite.fixtures.at("flannel").bytes, "{}");
}

TEST_F(SuiteTest, TheFirstProblemEndsIt) {
  write("auto/odd.json", scenario("EXIST-01/nonsense"));
  EXPECT_THAT(Suite::load(directory_.string()).error().line(),
              HasSubstr("auto/odd.json:1 (/steps/1/expect/check): there is no check EXIST-01/nonsense"));
  write("auto/odd.json", "{");
  EXPECT_THAT(Suite::load(directory_.string()).error().line(), HasSubstr("auto/odd.json:1"));
}

TEST_F(SuiteTest, AFixtureHasOneFile) {
  write("fixtures/flannel/20-flannel.conf", "{}");
  EXPECT_THAT(Suite::load(directory_.string()).error().line(), HasSubstr("a fixture has one file"));
  fs::remove_all(directory_ / "fixtures/flannel");
  write("fixtures/loose.conf", "{}");
  EXPECT_THAT(Suite::load(directory_.string()).error().line(), HasSubstr("a fixture is a directory"));
}

TEST_F(SuiteTest, TheDigestFollowsEveryByteThatIsJudgedBy) {
  const std::string before = load().digest;
  EXPECT_EQ(before.size(), 64U);
  EXPECT_EQ(load().digest, before);
  write("testdata/bad.json", "other");
  EXPECT_EQ(load().digest, before) << "test data judges nothing";
  write("fixtures/flannel/10-flannel.conf", "{ }");
  const std::string fixture = load().digest;
  EXPECT_NE(fixture, before);
  write("auto/fresh.json", scenario("EXIST-01/auto"));
  EXPECT_NE(load().digest, fixture);
}

TEST_F(SuiteTest, ANamedFileFromElsewhereJoinsTheSuite) {
  const fs::path elsewhere = fs::path(::testing::TempDir()) / "suite_test_elsewhere.json";
  std::ofstream(elsewhere) << scenario("EXIST-01/manual");
  auto suite = Suite::load(directory_.string(), {elsewhere.string(), path("auto/fresh.json")});
  ASSERT_TRUE(suite) << suite.error().line();
  EXPECT_EQ(suite->scenarios.size(), 6U);
  EXPECT_THAT(ids(select(*suite, {.patterns = {elsewhere.string()}})), ElementsAre("suite_test_elsewhere"));
  EXPECT_THAT(ids(select(*suite, {.patterns = {path("auto/hosts.json")}})), ElementsAre("auto/hosts#a", "auto/hosts#b"));
  fs::remove(elsewhere);
  EXPECT_THAT(Suite::load(directory_.string(), {elsewhere.string()}).error().line(), HasSubstr("no such file"));
}

TEST_F(SuiteTest, SelectsByIdGlobAndProfile) {
  EXPECT_THAT(chosen({}), ElementsAre("auto/fresh", "auto/hosts#a", "auto/hosts#b", "manual/deep/er")) << "core only";
  EXPECT_THAT(chosen({.profile = oracles::Profile::kProduction}), Contains("manual/fresh"));
  EXPECT_THAT(chosen({.patterns = {"auto/hosts"}}), ElementsAre("auto/hosts#a", "auto/hosts#b"));
  EXPECT_THAT(chosen({.patterns = {"auto/hosts#b", "auto/fresh"}}), ElementsAre("auto/fresh", "auto/hosts#b"));
  EXPECT_THAT(chosen({.patterns = {"manual/*"}}), ElementsAre("manual/deep/er")) << "a glob does not name what lies above the profile";
  EXPECT_THAT(chosen({.patterns = {"manual/fresh"}}), ElementsAre("manual/fresh")) << "an id does";
  EXPECT_THAT(chosen({.patterns = {"manual/*"}, .profile = oracles::Profile::kProduction}), ElementsAre("manual/deep/er", "manual/fresh"));
}

TEST_F(SuiteTest, SelectsByExpressionTagAndClause) {
  EXPECT_THAT(chosen({.filter = "fresh$"}), ElementsAre("auto/fresh"));
  EXPECT_THAT(chosen({.skip = "hosts|deep"}), ElementsAre("auto/fresh"));
  EXPECT_THAT(chosen({.tags = {"fresh", "manual"}}), ElementsAre("auto/fresh", "manual/deep/er"));
  EXPECT_THAT(chosen({.tags = {"fresh"}, .clauses = {"EXIST-01"}}), ElementsAre("auto/fresh", "manual/fresh"))
      << "a clause names, whatever the profile";
  EXPECT_THAT(chosen({.clauses = {"EXIST-01/auto"}}), ElementsAre("auto/fresh", "manual/deep/er"));
  EXPECT_THAT(chosen({.clauses = {"EXIST-01"}}), Not(Contains("auto/hosts#a"))) << "EXIST-011 is another clause";
}

TEST_F(SuiteTest, WhatMatchesNothingIsAnErrorThatSuggests) {
  EXPECT_THAT(chosen({.patterns = {"auto/frehs"}}), ElementsAre(HasSubstr("scenario \"auto/frehs\" matches nothing; near: auto/fresh")));
  EXPECT_THAT(chosen({.patterns = {"hosts"}}), ElementsAre(HasSubstr("near: auto/hosts")));
  EXPECT_THAT(chosen({.tags = {"manul"}}), ElementsAre(HasSubstr("tag \"manul\" matches nothing; near: manual")));
  EXPECT_THAT(chosen({.clauses = {"EXIST-01/atuo"}}), ElementsAre(HasSubstr("near: EXIST-01/auto")));
  EXPECT_THAT(chosen({.patterns = {"nothing-like-it-anywhere*"}}), ElementsAre(HasSubstr("matches nothing")));
  EXPECT_THAT(chosen({.patterns = {path("none.json")}}), ElementsAre(HasSubstr("matches nothing")));
  EXPECT_THAT(chosen({.filter = "["}), ElementsAre(HasSubstr("--filter [: not a regular expression")));
  EXPECT_THAT(chosen({.skip = "."}), ElementsAre(HasSubstr("nothing is selected")));
  EXPECT_THAT(chosen({.patterns = {"manual/f*"}}), ElementsAre(HasSubstr("1 scenarios lie above profile core; say --profile production")));
}

}  // namespace
}  // namespace entryproof::runner
