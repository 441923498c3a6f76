// Single cases in worlds of real processes, with a real API server in their network: what memory worlds compute is experienced here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/doors/fuse_door.h"
#include "simulator/runner/case_test_support.h"
#include "simulator/runner/process_world.h"
#include "simulator/subjects/sandbox_test_support.h"

namespace entryproof::runner {
namespace {

using testing::HasSubstr;

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new subjects::HarnessEnvironment);

class ProcessWorldTest : public subjects::SandboxFixture {
 protected:
  void SetUp() override {
    SandboxFixture::SetUp();
    if (IsSkipped()) return;
    if (auto available = doors::fuse_available(); !available) GTEST_SKIP() << available.error().line();
  }

  static std::map<std::string, std::string> play_in(WorldKind kind, const std::string& steps, const std::string& build,
                                                    const std::string& given) {
    Machine machine(harness());  // not static: its API server must end before OpenSSL does
    const auto ground = kind == WorldKind::kFuse ? GroundKind::kFuse : GroundKind::kTmpfs;
    return play(steps, build, given, kind, [&](WorldRequest request) { return make_process_world(machine, ground, std::move(request)); });
  }
  static std::map<std::string, std::string> fuse(const std::string& steps, const std::string& given = kCluster,
                                                 const std::string& build = "reference") {
    return play_in(WorldKind::kFuse, steps, build, given);
  }
};

// What our client meets on the wire is what the cluster's own judgement says: the same rows as in the memory world.
TEST_F(ProcessWorldTest, WhatTheClusterRefusesIsToldApart) {
  for (const auto& row : kSaidByTheCluster) {
    const auto seen = fuse(after(row), row.given);
    EXPECT_EQ(seen.at("FRESH-06/one-hour"), "pass") << row.steps;
  }
}

TEST_F(ProcessWorldTest, ATmpfsWorldAsksToo) {
  const auto seen = play_in(WorldKind::kTmpfs,
                            kStart + expect("FRESH-06/one-hour", R"("kubeconfig": "authenticates", "attach": true)") +
                                R"(, {"rotate": "pod"}, {"rest": true})" +
                                expect("FRESH-06/rotation", R"("within": "5s", "kubeconfig": "authenticates")"),
                            "reference", kCluster);
  EXPECT_EQ(seen.at("FRESH-06/one-hour"), "pass");
  EXPECT_EQ(seen.at("FRESH-06/rotation"), "pass");
  EXPECT_THAT(seen.at("FRESH-06/never-refused"), HasSubstr("not-tested"));
}

// Tokens of six seconds, refreshed after five: the hour, six hundred times as fast.
TEST_F(ProcessWorldTest, AnHourPassesInSeconds) {
  const std::string short_lives = R"({"primary": "flannel", "cluster": {"token_life": "6s"}})";
  const std::string hour =
      kStart + R"(, {"advance": "8s"})" + expect("FRESH-06/one-hour", R"("kubeconfig": {"state": "authenticates", "margin": "0s"})");
  auto seen = fuse(hour, short_lives);
  EXPECT_EQ(seen["FRESH-06/one-hour"], "pass");
  EXPECT_EQ(seen["FRESH-06/never-refused"], "pass");
  seen = fuse(hour, short_lives, "mutant:kubeconfig-written-once");
  EXPECT_THAT(seen["FRESH-06/one-hour"], HasSubstr("unauthorized"));
}

TEST_F(ProcessWorldTest, TheServersIpv6AddressIsServed) {
  const auto seen =
      fuse(kStart + expect("FRESH-06/one-hour", R"("kubeconfig": {"state": "authenticates", "server": "https://[fd00:10:96::1]:443"})"),
           R"({"primary": "flannel", "cluster": {}, "environment": {"KUBERNETES_SERVICE_HOST": "fd00:10:96::1"}})");
  EXPECT_EQ(seen.at("FRESH-06/one-hour"), "pass");
}

TEST_F(ProcessWorldTest, ASwapBetweenTwoReadsIsNoMixture) {
  const auto seen =
      fuse(kStart + R"(, {"rotate": "both", "torn": true})" + expect("FRESH-14/survives", R"("within": "5s", "kubeconfig": "current")"));
  EXPECT_EQ(seen.at("FRESH-14/survives"), "pass");
  EXPECT_EQ(seen.at("FRESH-06/never-refused"), "pass");
}

TEST_F(ProcessWorldTest, OfTwoBuildsEachIsChargedWithItsOwn) {
  const auto seen = fuse(R"({"start": "build", "args": ["--multus-conf-file=auto"], "as": "old"}, {"rest": true},
              {"start": "build", "args": ["--multus-conf-file=auto"], "as": "new"}, {"rest": true}, {"kill": "old"}, {"rotate": "token"})" +
                         expect("FRESH-06/rotation", R"("within": "5s", "kubeconfig": "current", "exit": {"running": true, "of": "new"})"));
  EXPECT_EQ(seen.at("FRESH-06/rotation"), "pass");
}

TEST_F(ProcessWorldTest, WithoutInotifyOrNetworkTheReferenceRefreshes) {
  const auto seen = fuse(
      R"({"start": "build", "args": ["--multus-conf-file=auto"], "deny": ["inotify", "network"]}, {"rest": true}, {"rotate": "both"})" +
      expect("FRESH-06/rotation", R"("within": "5s", "kubeconfig": "current")"));
  EXPECT_EQ(seen.at("FRESH-06/rotation"), "pass");
}

}  // namespace
}  // namespace entryproof::runner
