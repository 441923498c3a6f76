// `entryproof upgrade` and `entryproof run --manifest`, as somebody types them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/cli/program_for_test.h"

namespace entryproof::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kManual = R"(kind: DaemonSet
metadata: {name: multus, namespace: kube-system}
spec:
  template:
    spec:
      serviceAccountName: multus
      containers:
      - name: multus
        image: example.org/multus-cni:v3.9.3
        args: ["--multus-conf-file=/conf/00-multus.conf", "--cni-conf-dir=/host/etc/cni/net.d"]
        volumeMounts: [{name: net, mountPath: /host/etc/cni/net.d}, {name: bin, mountPath: /host/opt/cni/bin}, {name: c, mountPath: /conf}]
      volumes:
      - {name: net, hostPath: {path: /etc/cni/net.d}}
      - {name: bin, hostPath: {path: /opt/cni/bin}}
      - {name: c, configMap: {name: conf}}
---
kind: ConfigMap
metadata: {name: conf, namespace: kube-system}
data:
  00-multus.conf: |
    {"cniVersion": "0.3.1", "name": "multus-cni-network", "type": "multus", "kubeconfig": "/etc/cni/net.d/multus.d/multus.kubeconfig",
     "delegates": [{"cniVersion": "0.3.1", "name": "cbr0", "plugins": [{"type": "flannel"}]}]}
)";

Ended entryproof(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program("entryproof"));
  return run_program(arguments);
}

TEST(UpgradeCommand, TellsTheStoryOfTheLostKubeconfig) {
  const ScratchDirectory scratch;
  const auto file = scratch.write("m.yaml", kManual);
  const auto ended = entryproof({"upgrade", "--from", "predecessor:3.9.3", "--to", "predecessor:4.0.2", "--manifest", file});
  EXPECT_EQ(ended.exit_code, 1) << ended.out << ended.err;
  EXPECT_THAT(ended.out, testing::ContainsRegex("! kubeconfig +is there and current, mode 0600 +is there with an old token\n"));
  EXPECT_THAT(ended.out, testing::ContainsRegex("! attach +is possible +works until the old token expires\n"));
}

TEST(UpgradeCommand, ToTheReferenceNothingGetsWorse) {
  const auto ended = entryproof({"upgrade", "--from", "predecessor:4.0.2", "--to", "reference"});
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("automatic mode, the usual Pod\n"));
  EXPECT_THAT(ended.out, HasSubstr("manual mode, the usual Pod\n"));
  EXPECT_THAT(ended.out, testing::ContainsRegex("kubeconfig +is not there +is there and current"));
  EXPECT_THAT(ended.out, HasSubstr("is published"));
}

TEST(UpgradeCommand, InAMemoryWorldAnHourPasses) {
  const auto ended = entryproof({"upgrade", "--from", "reference", "--to", "reference"});
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("the token after that is published, too"));
}

TEST(UpgradeCommand, WhatCannotBePlayedIsTwo) {
  EXPECT_EQ(entryproof({"upgrade", "--from", "predecessor:0", "--to", "reference"}).exit_code, 2);
  EXPECT_EQ(entryproof({"upgrade", "--from", "reference"}).exit_code, 2);
  EXPECT_EQ(entryproof({"upgrade", "--from", "reference", "--to", "reference", "--manifest", "/absent.yaml"}).exit_code, 2);
  EXPECT_EQ(entryproof({"upgrade", "--from", "reference", "--to", "predecessor:4.0.2", "--world", "memory"}).exit_code, 2);
}

TEST(RunWithManifest, PlaysTheStoriesOfThatDeployment) {
  const ScratchDirectory scratch;
  const auto file = scratch.write("m.yaml", kManual);
  const auto good = entryproof({"run", "--manifest", file, "--profile", "production", "--build", "reference", "-v"});
  EXPECT_EQ(good.exit_code, 0) << good.out << good.err;
  for (const char* story : {"manifest/install", "manifest/restart", "manifest/rotation", "manifest/reboot", "manifest/upgrade"})
    EXPECT_THAT(good.out, HasSubstr(story));
  const auto bad = entryproof({"run", "--manifest", file, "--build", "predecessor:4.0.2", "manifest/install", "manifest/upgrade"});
  EXPECT_EQ(bad.exit_code, 1) << bad.out << bad.err;
  EXPECT_THAT(bad.out, HasSubstr("EXIST-01/manual-fresh-node"));
  EXPECT_THAT(bad.out, HasSubstr("UPGRADE-M1/current-kubeconfig"));
  EXPECT_THAT(bad.out, HasSubstr("replay --manifest " + file));
  const auto again = entryproof(
      {"replay", "--manifest", file, "manifest/install", "--check", "EXIST-01/manual-fresh-node", "--build", "predecessor:4.0.2"});
  EXPECT_EQ(again.exit_code, 1) << again.out << again.err;
}

TEST(RunWithManifest, WhatIsNotMountedIsNotThere) {
  const ScratchDirectory scratch;
  std::string text = kManual;
  text.replace(text.find("mountPath: /host/etc/cni/net.d"), 30, "mountPath: /host/elsewhere/net.d");
  const auto ended = entryproof({"run", "--manifest", scratch.write("m.yaml", text), "--build", "predecessor:4.3.0", "manifest/install"});
  EXPECT_EQ(ended.exit_code, 1) << ended.out << ended.err;
}

TEST(RunWithManifest, WithoutAnEntrypointThereIsNothingToPlay) {
  const ScratchDirectory scratch;
  EXPECT_EQ(entryproof({"run", "--manifest", scratch.write("pod.yaml", "kind: Pod\nspec: {containers: [{image: nginx}]}\n")}).exit_code, 2);
}

}  // namespace
}  // namespace entryproof::cli
