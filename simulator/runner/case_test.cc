// Single cases, played in memory worlds: what each verb does to a node, seen through the reference and its mutants.
#include "simulator/runner/case.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/oracles/kubeconfig.h"
#include "simulator/runner/access.h"
#include "simulator/runner/case_test_support.h"

namespace entryproof::runner {
namespace {

TEST(Case, AfterARebootThereAreNewCredentialsAndVolatileDirectoriesAreEmpty) {
  const std::string boot = kStart + R"(, {"remember": "before"}, {"reboot": true, "volatile": ["/host/etc/cni/net.d/multus.d"]})";
  auto seen =
      play(boot + expect("EXIST-05/lost-directory", R"("kubeconfig": "absent")") +
           expect("ORDER-39/kept-after-kill",
                  R"("runtime": {"containerd": "00-multus.conf"}, "tree": {"/host/opt/cni/bin/multus": {"unchanged_since": "before"}})"));
  EXPECT_EQ(seen["EXIST-05/lost-directory"], "pass");
  EXPECT_EQ(seen["ORDER-39/kept-after-kill"], "pass");

  seen = play(kStart + R"(, {"reboot": true})" + expect("FRESH-06/current-after-start", R"("kubeconfig": "current")"));
  EXPECT_THAT(seen["FRESH-06/current-after-start"], testing::HasSubstr("an older token")) << "kubelet has projected a new one";
  seen = play(boot + ", " + kStart + expect("EXIST-05/lost-directory", R"("kubeconfig": "current", "exit": {"running": true})"));
  EXPECT_EQ(seen["EXIST-05/lost-directory"], "pass");
}

// What a disk keeps, in a whole case: a power cut as a step, and one that a rule makes at a call.
TEST(Case, AfterAPowerCutThereIsWhatWasMadeDurable) {
  const std::string there = expect("EXIST-05/lost-directory", R"("kubeconfig": "valid", "runtime": {"containerd": "00-multus.conf"})");
  for (const std::string model : {"ext4", "xfs", "btrfs", "posix"}) {
    const std::string cut = kStart + R"(, {"power-cut": ")" + model + "\"}";
    EXPECT_EQ(play(cut + there)["EXIST-05/lost-directory"], "pass") << model;
    EXPECT_THAT(play(cut + there, "mutant:no-directory-sync")["EXIST-05/lost-directory"], testing::StartsWith("fail")) << model;
    const std::string again = cut + ", " + kStart + expect("FRESH-06/current-after-start", R"("kubeconfig": "current")");
    EXPECT_EQ(play(again)["FRESH-06/current-after-start"], "pass") << model;
    EXPECT_EQ(play(again + R"(, {"power-cut": ")" + model + "\"}" + there)["EXIST-05/lost-directory"], "pass")
        << "the second one, " << model;
  }
}

TEST(Case, ARuleCutsThePowerAtACall) {
  const auto played = [](const std::string& rule, const std::string& build = "reference") {
    return play(R"({"fault": [")" + rule + R"("]}, )" + kStart + expect("EXIST-05/lost-directory", R"("kubeconfig": "absent")") +
                    expect("EXIST-01/after-kill", R"("exit": {"running": true})") +
                    expect("ORDER-39/kept-after-kill", R"("tree": {"/host/etc/cni/net.d/multus.d": {"type": "absent"}})") +
                    R"(, {"fault": []}, )" + kStart + expect("FRESH-06/current-after-start", R"("kubeconfig": "current")"),
                build);
  };
  auto seen = played("rename to=**/multus.kubeconfig powercut model=posix");
  EXPECT_EQ(seen["EXIST-05/lost-directory"], "pass");
  EXPECT_THAT(seen["EXIST-01/after-kill"], testing::HasSubstr("killed"));
  EXPECT_THAT(seen["ORDER-39/kept-after-kill"], testing::StartsWith("fail")) << "its directory was durable before anything went into it";
  EXPECT_EQ(seen["FRESH-06/current-after-start"], "pass");
  seen = played("rename to=**/multus.kubeconfig powercut model=posix", "mutant:parent-not-synced");
  EXPECT_EQ(seen["ORDER-39/kept-after-kill"], "pass") << "and this one's was not";
  seen = played("any ** nth=1 powercut model=posix omit=999999");
  EXPECT_THAT(seen["EXIST-05/lost-directory"], testing::HasSubstr("cannot be lost")) << "nothing has such a number";
}

TEST(Case, AVolatileDirectoryThatAVolumeNeedsIsMadeAgain) {
  const auto seen = play(kStart + R"(, {"reboot": true, "volatile": ["node:/etc/cni"]})" +
                         expect("EXIST-05/lost-directory", R"("tree": {"/host/etc/cni/net.d": {"type": "directory", "closed": true}})"));
  EXPECT_EQ(seen.at("EXIST-05/lost-directory"), "pass");
}

TEST(Case, LitterIsWhatWasNotThereAfterTheFirstStart) {
  const std::string twice = kStart + R"(, {"stop": "build"}, {"remember": "first"}, )" + kStart +
                            expect("UPGRADE-M8/no-litter", R"("tree": {"/host/etc/cni/net.d": {"same_names_since": "first"}})");
  EXPECT_EQ(play(twice)["UPGRADE-M8/no-litter"], "pass");
  EXPECT_THAT(play(twice, "mutant:litter")["UPGRADE-M8/no-litter"], testing::StartsWith("fail"));
}

TEST(Case, WithAReadOnlyRootTheVolumesCanBeWrittenStill) {
  const auto seen = play(kStart + expect("ATOM-26/quiet-when-idle", R"("kubeconfig": "current")"), "reference",
                         R"({"primary": "flannel", "read_only_root": true})");
  EXPECT_EQ(seen.at("ATOM-26/quiet-when-idle"), "pass");
}

TEST(Case, WhatOnlyAKernelCanDenyIsNotTestedInMemory) {
  const auto seen = play(R"({"start": "build", "deny": ["inotify"]})" + expect("FRESH-06/rotation", R"("kubeconfig": "valid")"));
  EXPECT_THAT(seen.at("FRESH-06/rotation"), testing::HasSubstr("not-tested"));
}

TEST(Case, KillingOneOfTwoLeavesTheOther) {
  const auto seen = play(R"({"start": "build", "args": ["--multus-conf-file=auto"], "as": "old"}, {"rest": true},
              {"start": "build", "args": ["--multus-conf-file=auto"], "as": "new"}, {"rest": true}, {"kill": "old"}, {"rotate": "token"})" +
                         expect("FRESH-06/rotation", R"("within": "5s", "kubeconfig": "current", "exit": {"running": true, "of": "new"})") +
                         expect("EXIST-01/after-kill", R"("exit": {"running": true, "of": "old"})"));
  EXPECT_EQ(seen.at("FRESH-06/rotation"), "pass");
  EXPECT_THAT(seen.at("EXIST-01/after-kill"), testing::HasSubstr("killed by signal 9"));
}

TEST(Case, TheBuildSaysNoSecret) {
  const auto seen =
      play(kStart + R"(, {"stop": "build"}, )" + kStart + expect("SECURE-53/directory-mode", R"("no_secret": ["output", "files"])"));
  EXPECT_EQ(seen.at("SECURE-53/directory-mode"), "pass");
}

TEST(Case, WhatIsPublishedIsLetInByTheCluster) {
  const auto seen = play(kStart + expect("FRESH-06/one-hour", R"("kubeconfig": "authenticates", "attach": true)"), "reference", kCluster);
  EXPECT_EQ(seen.at("FRESH-06/one-hour"), "pass");
  EXPECT_EQ(seen.at("FRESH-06/never-refused"), "pass");
  EXPECT_FALSE(play(kStart).contains("FRESH-06/never-refused")) << "without a cluster nobody can be asked";
}

TEST(Case, WhatTheClusterRefusesIsToldApart) {
  auto rows = kSaidByTheCluster;
  rows.insert(rows.end(), kSaidLater.begin(), kSaidLater.end());
  for (const auto& row : rows) {
    const auto seen = play(after(row), "reference", row.given);
    EXPECT_EQ(seen.at("FRESH-06/one-hour"), "pass") << row.steps;
  }
  EXPECT_THAT(play(after({R"({"rotate": "pod"})", "authenticates"}), "reference", kCluster).at("FRESH-06/one-hour"),
              testing::HasSubstr("unauthorized"));
}

TEST(Case, AClientAsksForTheNameThatTheKubeconfigGives) {
  oracles::KubeconfigFacts facts;
  facts.url.scheme = "https";
  facts.url.host = "fd00::1";
  facts.url.port = "6443";
  facts.tls_server_name = "kubernetes.default";
  facts.ca_pem = "bundle";
  const auto client = client_of(facts);
  EXPECT_EQ(client.tls_server_name, "kubernetes.default");
  EXPECT_EQ(client.host, "fd00::1");
  EXPECT_EQ(client.port, 6443);
  EXPECT_EQ(client.ca_pem, "bundle");
}

TEST(Case, AnHourPassesAndOnlyWhoRefreshesLives) {
  const std::string hour = kStart + R"(, {"advance": "2h"})" +
                           expect("FRESH-06/one-hour", R"("kubeconfig": {"state": "authenticates", "margin": "11m"}, "attach": true)");
  auto seen = play(hour, "reference", kCluster);
  EXPECT_EQ(seen["FRESH-06/one-hour"], "pass");
  EXPECT_EQ(seen["FRESH-06/never-dead"], "pass");
  seen = play(hour, "mutant:kubeconfig-written-once", kCluster);
  EXPECT_THAT(seen["FRESH-06/one-hour"], testing::HasSubstr("unauthorized"));
  EXPECT_THAT(seen["FRESH-06/never-dead"], testing::HasSubstr("its successor had been projected for"));
  EXPECT_EQ(seen["FRESH-06/never-refused"], "pass") << "charged once";
}

TEST(Case, ATokenThatNobodyRefreshedIsNotTheBuildsFault) {
  const auto seen = play(kStart + R"(, {"advance": "2h"})" + expect("FRESH-06/one-hour", R"("kubeconfig": "unauthorized")"), "reference",
                         R"({"primary": "flannel", "cluster": {"refresh": false}})");
  EXPECT_EQ(seen.at("FRESH-06/one-hour"), "pass");
  EXPECT_EQ(seen.at("FRESH-06/never-dead"), "pass");
}

TEST(Case, ASwapBetweenTwoReadsIsNoMixture) {
  const auto seen =
      play(kStart + R"(, {"rotate": "both", "torn": true})" + expect("FRESH-14/survives", R"("within": "5s", "kubeconfig": "current")"),
           "reference", kCluster);
  EXPECT_EQ(seen.at("FRESH-14/survives"), "pass");
  EXPECT_EQ(seen.at("FRESH-06/never-refused"), "pass");
}

TEST(Case, AConfigMapIsUpdatedByKubelet) {
  const std::string manual =
      R"({"cniVersion": "0.3.1", "name": "NAME", "type": "multus", "kubeconfig": "/etc/cni/net.d/multus.d/multus.kubeconfig", "delegates": [{"cniVersion": "0.3.1", "name": "n", "type": "flannel"}]})";
  const auto named = [&](const std::string& name) {
    auto text = manual;
    return R"({"70-multus.conf": {"json": )" + text.replace(text.find("NAME"), 4, name) + "}}";
  };
  const auto seen = play(
      R"({"start": "build", "args": ["--multus-conf-file=/tmp/multus-conf/70-multus.conf"]}, {"rest": true},
         {"project": "/tmp/multus-conf", "files": )" +
          named("second") + "}" + expect("MANUAL-50/edits-followed", R"("within": "5s", "configuration": {"name": "second"},
                 "tree": {"/tmp/multus-conf/..data": {"type": "symlink"}, "/tmp/multus-conf/70-multus.conf": {"type": "symlink"}})"),
      "reference", R"({"primary": "flannel", "projected": {"/tmp/multus-conf": )" + named("first") + "}}");
  EXPECT_EQ(seen.at("MANUAL-50/edits-followed"), "pass");
}

TEST(Case, ASubPathNeverChanges) {
  const auto seen =
      play(kStart + R"(, {"remember": "then"}, {"rotate": "token"}, {"advance": "3s"})" +
               expect("FRESH-06/rotation", R"("tree": {"/var/run/secrets/kubernetes.io/serviceaccount": {"same_names_since": "then"},
                                    "/var/run/secrets/kubernetes.io/serviceaccount/token": {"unchanged_since": "then"}})"),
           "reference", R"({"primary": "flannel", "credentials": "subpath"})");
  EXPECT_EQ(seen.at("FRESH-06/rotation"), "pass");
}

TEST(Case, ANodesClockJumpsAndTheClustersDoesNot) {
  for (const char* jump : {R"({"forward": "48h"})", R"({"back": "48h"})"}) {
    const auto seen = play(kStart + R"(, {"clock": )" + jump + "}" + expect("FRESH-06/one-hour", R"("kubeconfig": "authenticates")") +
                               R"(, {"rotate": "token"})" + expect("FRESH-06/rotation", R"("within": "5s", "kubeconfig": "current")") +
                               R"(, {"advance": "61m"})" + expect("FRESH-06/rotations", R"("kubeconfig": "authenticates")"),
                           "reference", kCluster);
    EXPECT_EQ(seen.at("FRESH-06/one-hour"), "pass") << jump;
    EXPECT_EQ(seen.at("FRESH-06/rotation"), "pass") << jump;
    EXPECT_EQ(seen.at("FRESH-06/rotations"), "pass") << jump;
  }
}

TEST(Case, ATokenMayDieBeforeTheOneItReplaced) {
  const auto seen = play(kStart + R"(, {"rotate": "token", "expires": "earlier"}, {"advance": "59m"})" +
                             expect("FRESH-06/one-hour", R"("kubeconfig": "unauthorized")"),
                         "reference", R"({"primary": "flannel", "cluster": {"refresh": false}})");
  EXPECT_EQ(seen.at("FRESH-06/one-hour"), "pass");
}

}  // namespace
}  // namespace entryproof::runner
