// The suite against builds whose worth is known: the reference, the released entrypoints, mutants, and honest strangers. What history knows
// must come out, check by check.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <ostream>

#include "simulator/cli/program_for_test.h"

namespace entryproof::cli {
namespace {

using Checks = std::set<std::string>;

void expect_conformant(const Judged& judged, const std::string& build) {
  EXPECT_EQ(judged.ended.exit_code, 0) << judged.ended.out;
  EXPECT_EQ(judged.failed.contains(build) ? judged.failed.at(build) : Checks{}, Checks{});
  ASSERT_TRUE(judged.run.footer);
  EXPECT_EQ(judged.run.footer->verdicts.at(build).at("core"), runner::Verdict::kConformant);
  EXPECT_GE(judged.run.cases.size(), 30U);
}

TEST(Reference, IsConformantInTheFuseWorldAndNothingIsLeftUntested) {
  const auto judged = judge({"--world", "fuse"});
  expect_conformant(judged, "reference");
  EXPECT_TRUE(judged.not_tested.empty());
}

TEST(Reference, IsConformantInTheMemoryWorldWhereOnlyUpgradesFromAProcessAreUntested) {
  const auto judged = judge({"--world", "memory"});
  expect_conformant(judged, "reference");
  for (const auto& check : judged.run.footer->not_tested) EXPECT_TRUE(check.starts_with("UPGRADE-M")) << check;
}

TEST(Reference, IsConformantInTheTmpfsWorldWhichSaysWhatItCannotSee) {
  const auto judged = judge({"--world", "tmpfs"});
  expect_conformant(judged, "reference");
  const auto& not_tested = judged.not_tested.at("reference");
  EXPECT_TRUE(not_tested.contains("ATOM-23/kubeconfig-never-missing"));
  EXPECT_TRUE(not_tested.contains("ORDER-37/kubeconfig-before-config"));
  const auto& seen = judged.judged.at("reference");
  EXPECT_TRUE(seen.contains("EXIST-01/manual-fresh-node"));
  EXPECT_TRUE(seen.contains("FRESH-18/url-form"));
}

TEST(Reference, IsNotChargedInTheTmpfsWorldWithWhatOthersDidOrWithHowItIsLookedAt) {
  const auto judged = judge({"--world", "tmpfs", "--profile", "production", "auto/foreign-files", "restart/killed-at-rest",
                             "restart/uninstall", "upgrade/m9-rollback"});
  EXPECT_EQ(judged.ended.exit_code, 0) << judged.ended.out;
  const auto& seen = judged.judged.at("reference");
  for (const char* check : {"ORDER-43/foreign-files", "ORDER-39/kept-after-kill", "UPGRADE-46/no-configuration"})
    EXPECT_TRUE(seen.contains(check)) << check;
}

TEST(Reference, IsConformantInProduction) {
  const auto judged = judge({"--world", "memory", "--profile", "production"});
  EXPECT_EQ(judged.ended.exit_code, 0) << judged.ended.out;
  EXPECT_EQ(judged.run.footer->verdicts.at("reference").at("production"), runner::Verdict::kConformant);
}

// The findings that the released builds must have in core, all of them and no others (clauses.md, "core").
struct Release {
  std::string version;
  Checks failed;

  friend void PrintTo(const Release& release, std::ostream* out) { *out << release.version; }
};

class History : public testing::TestWithParam<Release> {};

TEST_P(History, ComesOut) {
  const std::string build = "predecessor:" + GetParam().version;
  const auto judged = judge({"--world", "fuse", "--build", build});
  EXPECT_EQ(judged.failed.contains(build) ? judged.failed.at(build) : Checks{}, GetParam().failed);
  EXPECT_EQ(judged.ended.exit_code, GetParam().failed.empty() ? 0 : 1) << judged.ended.out;
}

INSTANTIATE_TEST_SUITE_P(
    Releases, History,
    testing::Values(
        // Moves across mounts: files partial on every install, missing on every restart; in manual mode the configuration comes first.
        Release{"3.9.3",
                {"ATOM-23/config-never-missing", "ATOM-23/config-never-partial", "ATOM-23/kubeconfig-never-missing",
                 "ATOM-23/kubeconfig-never-partial", "FRESH-18/dns", "FRESH-18/ipv4", "FRESH-18/url-form",
                 "ORDER-37/kubeconfig-before-config"}},
        // The regression this project is named for: no kubeconfig in manual mode; and delegation to itself.
        Release{"4.0.2",
                {"CONF-30/delegates-to-primary", "CONF-30/never-self-delegating", "EXIST-01/after-restart", "EXIST-01/manual-fresh-node",
                 "EXIST-01/static-pod", "FRESH-18/dns", "FRESH-18/ipv4", "FRESH-18/url-form", "UPGRADE-M1/current-kubeconfig",
                 "UPGRADE-M2/real-primary", "UPGRADE-M5/kubeconfig-created", "UPGRADE-M8/byte-identical"}},
        // Restored; what is left are the brackets.
        Release{"4.2.2", {"FRESH-18/dns", "FRESH-18/ipv4", "FRESH-18/url-form"}}, Release{"4.3.0", {}}),
    [](const auto& release) {
      std::string name = "v" + release.param.version;
      std::ranges::replace(name, '.', '_');
      return name;
    });

// 4.3.0 puts brackets around what has them already. Only production asks for that, and it is the form of the URL, not a missing file.
TEST(Charging, ABadUrlIsChargedToTheClauseOfUrls) {
  const std::string build = "predecessor:4.3.0";
  const auto judged = judge({"--world", "fuse", "--profile", "production", "--build", build, "hosts/reachable#ipv6-bracketed"});
  EXPECT_EQ(judged.failed.at(build), (Checks{"FRESH-18/odd-hosts"})) << judged.ended.out;
}

// That each mutant is red in what it says is the kill matrix' business; here, that it is so as a process, too.
TEST(Mutants, AreRedAsProcessesToo) {
  for (const auto& [mutant, failed] : std::map<std::string, Checks>{
           {"no-kubeconfig-in-manual", {"EXIST-01/after-restart", "EXIST-01/manual-fresh-node", "EXIST-01/static-pod"}},
           {"kubeconfig-in-place", {"ATOM-23/kubeconfig-never-partial"}},
           {"configuration-before-kubeconfig", {"ORDER-37/kubeconfig-before-config"}}}) {
    const auto build = "mutant:" + mutant;
    Checks core = judge({"--world", "fuse", "--build", build}).failed.at(build);
    std::erase_if(core, [](const auto& check) { return check.starts_with("UPGRADE-M"); });  // stages of other programs
    EXPECT_EQ(core, failed) << mutant;
  }
}

std::string stranger(const std::string& name) {
  if (name.starts_with("c_")) return program(name);
  return std::string(ENTRYPROOF_SOURCE_DIR) + "/simulator/subjects/builds/" + name;
}

class Stranger : public testing::TestWithParam<std::string> {};

TEST_P(Stranger, WhoIsHonestPasses) { expect_conformant(judge({"--world", "fuse", "--build", stranger(GetParam())}), GetParam()); }

class Forgetful : public testing::TestWithParam<std::string> {};

TEST_P(Forgetful, WhoSkipsTheKubeconfigInManualModeFailsThatAndNothingElse) {
  const auto judged = judge({"--world", "fuse", "--build", stranger(GetParam()), "--env", "ENTRYPROOF_TEST_DEFECT=no-kubeconfig-in-manual",
                             "--skip", "upgrade/"});
  EXPECT_EQ(judged.ended.exit_code, 1);
  EXPECT_EQ(judged.failed.at(GetParam()), (Checks{"EXIST-01/after-restart", "EXIST-01/manual-fresh-node", "EXIST-01/static-pod"}));
}

INSTANTIATE_TEST_SUITE_P(Builds, Stranger, testing::Values("bash_entrypoint", "c_entrypoint", "event_entrypoint", "python_entrypoint"));
INSTANTIATE_TEST_SUITE_P(Builds, Forgetful, testing::Values("bash_entrypoint", "python_entrypoint"));

}  // namespace
}  // namespace entryproof::cli
