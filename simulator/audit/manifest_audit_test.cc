// Manifests in the shapes of the field (written for this test): what an audit says of each, and nothing else.
#include "simulator/audit/manifest_audit.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <set>

#include "simulator/audit/disk_for_test.h"

namespace entryproof::audit {
namespace {

using Said = std::multiset<std::string>;  // "CLAUSE severity"

constexpr const char* kAccount = R"(apiVersion: v1
kind: ServiceAccount
metadata: {name: multus, namespace: kube-system}
---
)";

// A DaemonSet of the thin entrypoint; IMAGE and the lines with a + are what cases change.
constexpr const char* kThin = R"(apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: kube-multus-ds
  namespace: kube-system
spec:
  template:
    spec:
      hostNetwork: true
      serviceAccountName: multus
      containers:
      - name: kube-multus
        image: ghcr.io/example/multus-cni:IMAGE
        command: ["/thin_entrypoint"]
        args:
        - "--multus-conf-file=auto"
        - "--multus-autoconfig-dir=/host/etc/cni/net.d"
        - "--cni-conf-dir=/host/etc/cni/net.d"
        volumeMounts:
        - name: cni
          mountPath: /host/etc/cni/net.d
        - name: cnibin
          mountPath: /host/opt/cni/bin
        - name: cfg
          mountPath: /tmp/multus-conf
      volumes:
      - name: cni
        hostPath: {path: /etc/cni/net.d}
      - name: cnibin
        hostPath: {path: /opt/cni/bin}
      - name: cfg
        configMap:
          name: multus-cni-config
          items:
          - key: cni-conf.json
            path: 00-multus.conf
---
kind: ConfigMap
apiVersion: v1
metadata:
  name: multus-cni-config
  namespace: kube-system
data:
  cni-conf.json: |
    {
      "cniVersion": "0.3.1",
      "name": "multus-cni-network",
      "type": "multus",
      "delegates": [{"cniVersion": "0.3.1", "name": "default-cni-network", "plugins": [{"type": "flannel"}]}],
      "kubeconfig": "/etc/cni/net.d/multus.d/multus.kubeconfig"
    }
)";

std::string changed(std::string text, const std::vector<std::pair<std::string, std::string>>& changes) {
  for (const auto& [from, to] : changes) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at != std::string::npos) text.replace(at, from.size(), to);
  }
  return text;
}

Manifests read(const std::string& text) {
  Manifests manifests;
  const auto done = read_manifest(text, "m.yaml", manifests);
  EXPECT_TRUE(done) << done.error().line();
  return manifests;
}

Said said(const std::vector<Report>& reports) {
  Said words;
  for (const Report& report : reports) {
    for (const Finding& finding : report.findings) words.insert(finding.clause + " " + std::string(to_string(finding.severity)));
  }
  return words;
}

const std::string kReference = "v9\n        env: []";  // any tag: the flag tells
const std::pair<std::string, std::string> kHealth{"        - \"--cni-conf-dir",
                                                  "        - \"--health-file=/run/x\"\n        - \"--cni-conf-dir"};
const std::pair<std::string, std::string> kManual{"conf-file=auto", "conf-file=/tmp/multus-conf/00-multus.conf"};

// A further flag for the container.
std::pair<std::string, std::string> also(const std::string& flag) {
  return {"        - \"--cni-conf-dir", "        - \"" + flag + "\"\n        - \"--cni-conf-dir"};
}

struct Case {
  const char* name;
  std::vector<std::pair<std::string, std::string>> changes;  // of the thin DaemonSet, in order
  Said expected;
};

const std::vector<Case>& cases() {
  const std::pair<std::string, std::string> v393{"IMAGE", "v3.9.3"};
  const std::pair<std::string, std::string> v402{"IMAGE", "v4.0.2"};
  const std::pair<std::string, std::string> v424{"IMAGE", "v4.2.4"};
  const std::pair<std::string, std::string> reference{"IMAGE", "v9"};
  static const std::vector<Case> kCases = {
      {"ReferenceAutomatic", {reference, kHealth}, {}},
      {"ReferenceManual", {reference, kHealth, kManual}, {}},
      {"UpstreamAutomatic", {v424}, {"FRESH-06 will-break"}},
      {"UpstreamOfNoKnownVersion", {{"IMAGE", "snapshot"}}, {"FRESH-06 will-break"}},
      {"UpstreamWithCleanup", {v424, also("--cleanup-config-on-exit=true")}, {"UPGRADE-45 risk"}},
      {"UpstreamWithCleanupAndWithoutTheLoop",
       {v424, also("--cleanup-config-on-exit=true"), also("--skip-config-watch")},
       {"UPGRADE-45 risk", "FRESH-07 will-break"}},
      {"UpstreamManual", {v424, kManual}, {"FRESH-08 will-break"}},
      {"SomeFourManual", {{"IMAGE", "stable"}, kManual}, {"FRESH-08 will-break", "EXIST-01 risk"}},
      {"FourZeroManual", {v402, kManual}, {"EXIST-01 broken"}},
      {"FourZeroAutomatic", {v402}, {"FRESH-06 will-break", "CONF-30 will-break"}},
      {"FourZeroWithCleanup", {v402, also("--cleanup-config-on-exit=true")}, {"CONF-30 broken"}},
      {"FourZeroRenames", {v402, also("--rename-conf-file=true")}, {"FRESH-06 will-break", "CONF-30 will-break", "UPGRADE-48 will-break"}},
      {"FourZeroMasterName",
       {v402, also("--multus-master-cni-file-name=10-x.conflist")},
       {"FRESH-06 will-break", "CONF-30 will-break", "CONF-33 risk"}},
      {"FourTwoMasterName", {v424, also("--multus-master-cni-file-name=10-x.conflist")}, {"FRESH-06 will-break"}},
      {"ThreeManual", {v393, {"/thin_entrypoint", "/entrypoint.sh"}, kManual}, {"FRESH-08 will-break"}},
      {"ThreeAutomatic", {v393, {"/thin_entrypoint", "/entrypoint.sh"}, also("--cni-version=0.3.1")}, {"FRESH-06 will-break"}},
      {"ThreeAutomaticWithoutAVersion", {v393, {"/thin_entrypoint", "/entrypoint.sh"}}, {"FRESH-06 will-break", "CONF-35 broken"}},
      {"ThreeRestartsCrio",
       {v393, {"/thin_entrypoint", "/entrypoint.sh"}, also("--cni-version=0.3.1"), also("--restart-crio=true")},
       {"FRESH-06 will-break"}},
      {"FourRestartsCrio", {v424, also("--restart-crio=false")}, {"FRESH-06 will-break", "UPGRADE-47 broken"}},
      {"ReferenceRestartsCrio", {reference, kHealth, also("--restart-crio=false")}, {}},
      {"FlagOfALaterVersion", {v402, also("--skip-config-watch")}, {"FRESH-06 will-break", "CONF-30 will-break", "UPGRADE-47 broken"}},
      {"FlagThatNobodyKnows", {v424, also("--multus-config-file=auto")}, {"FRESH-06 will-break", "UPGRADE-47 broken"}},
      {"FlagOfTheReference", {v424, also("--once")}, {}},  // which makes it the reference's
      {"VariableOf393",
       {v424, {"        args:", "        env:\n        - {name: KUBECONFIG_MODE, value: \"644\"}\n        args:"}},
       {"FRESH-06 will-break", "UPGRADE-47 risk"}},
      {"VariableOf393InThe393",
       {v393,
        {"/thin_entrypoint", "/entrypoint.sh"},
        also("--cni-version=0.3.1"),
        {"        args:", "        env:\n        - {name: KUBECONFIG_MODE, value: \"644\"}\n        args:"}},
       {"FRESH-06 will-break"}},
      {"DirectoryOfK3s",
       {v424, {"hostPath: {path: /etc/cni/net.d}", "hostPath: {path: /var/lib/rancher/k3s/agent/etc/cni/net.d}"}},
       {"FRESH-06 will-break", "EXIST-03 broken"}},
      {"DirectoryOfK3sAndItsName",
       {v424,
        {"hostPath: {path: /etc/cni/net.d}", "hostPath: {path: /var/lib/rancher/k3s/agent/etc/cni/net.d/}"},
        also("--multus-kubeconfig-file-host=/var/lib/rancher/k3s/agent/etc/cni/net.d/multus.d/multus.kubeconfig")},
       {"FRESH-06 will-break"}},
      {"ReferenceInTheDirectoryOfK3s",
       {reference,
        kHealth,
        {"hostPath: {path: /etc/cni/net.d}", "hostPath: {path: /var/lib/rancher/k3s/agent/etc/cni/net.d}"},
        also("--multus-kubeconfig-file-host=/var/lib/rancher/k3s/agent/etc/cni/net.d/multus.d/multus.kubeconfig")},
       {}},
      {"ReferenceNamesAPlaceThatItHasNot",
       {reference, kHealth, also("--multus-kubeconfig-file-host=/var/lib/multus/kubeconfig")},
       {"EXIST-03 broken"}},
      {"MountOfThePlugins", {v424, {"mountPath: /host/opt/cni/bin", "mountPath: /host/bin"}}, {"FRESH-06 will-break", "UPGRADE-49 broken"}},
      {"MountOfThePluginsThatAreNotCopied",
       {v424, {"mountPath: /host/opt/cni/bin", "mountPath: /host/bin"}, also("--skip-multus-binary-copy=true")},
       {"FRESH-06 will-break"}},
      {"MountOfTheConfigurations",
       {v424, {"mountPath: /host/etc/cni/net.d", "mountPath: /host/etc/cni"}, also("--x=y")},
       {"FRESH-06 will-break", "UPGRADE-47 broken", "EXIST-03 broken"}},
      {"NoMountOfTheConfigurations",
       {v424, {"mountPath: /host/etc/cni/net.d", "mountPath: /host/elsewhere"}},
       {"FRESH-06 will-break", "EXIST-03 broken", "ORDER-40 broken"}},
      {"ReadOnly",
       {v424, {"mountPath: /host/etc/cni/net.d", "mountPath: /host/etc/cni/net.d\n          readOnly: true"}},
       {"FRESH-06 will-break", "SECURE-56 broken"}},
      {"ReadOnlyPlugins",
       {v424, {"mountPath: /host/opt/cni/bin", "mountPath: /host/opt/cni/bin\n          readOnly: true"}},
       {"FRESH-06 will-break", "SECURE-56 broken"}},
      {"ReadOnlyPluginsOfTheReference",
       {reference, kHealth, {"mountPath: /host/opt/cni/bin", "mountPath: /host/opt/cni/bin\n          readOnly: true"}},
       {}},
      {"VolumeThatIsNotThere",
       {v424, {"- name: cni\n          mountPath", "- name: cnii\n          mountPath"}},
       {"FRESH-06 will-break", "EXIST-03 broken"}},
      {"AutomountOff",
       {v424, {"serviceAccountName", "automountServiceAccountToken: false\n      serviceAccountName"}},
       {"FRESH-06 will-break", "EXIST-02 broken"}},
      {"AutomountOffAndMountedByHand",
       {v424,
        {"serviceAccountName", "automountServiceAccountToken: false\n      serviceAccountName"},
        {"        - name: cfg\n", "        - {name: sa, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}\n        - name: cfg\n"},
        {"      volumes:\n", "      volumes:\n      - name: sa\n        projected: {sources: [{serviceAccountToken: {path: token}}]}\n"}},
       {"FRESH-06 will-break"}},
      {"TokenBySubPath",
       {v424,
        {"        - name: cfg\n",
         "        - {name: sa, mountPath: /var/run/secrets/kubernetes.io/serviceaccount/token, subPath: token}\n        - name: cfg\n"},
        {"      volumes:\n", "      volumes:\n      - name: sa\n        secret: {secretName: multus}\n"}},
       {"FRESH-06 will-break", "FRESH-15 will-break"}},
      {"AutomountOffInTheAccount",
       {v424, {"kind: ServiceAccount\n", "kind: ServiceAccount\nautomountServiceAccountToken: false\n"}},
       {"FRESH-06 will-break", "EXIST-02 broken"}},
      {"ManualNotMounted", {reference, kHealth, {"conf-file=auto", "conf-file=/etc/multus/00-multus.conf"}}, {"MANUAL-50 broken"}},
      {"ManualOfAKeyThatIsNotThere", {reference, kHealth, kManual, {"key: cni-conf.json", "key: other.json"}}, {"MANUAL-50 broken"}},
      {"ManualOfAMapThatIsNotHere",
       {reference, kHealth, kManual, {"name: multus-cni-config\n          items", "name: other\n          items"}},
       {}},
      {"ManualSortsBehind",
       {reference,
        kHealth,
        {"conf-file=auto", "conf-file=/tmp/multus-conf/70-multus.conf"},
        {"path: 00-multus.conf", "path: 70-multus.conf"}},
       {"MANUAL-50 risk"}},
      {"ManualIsAList",
       {reference,
        kHealth,
        {"conf-file=auto", "conf-file=/tmp/multus-conf/00-multus.conflist"},
        {"path: 00-multus.conf", "path: 00-multus.conflist"}},
       {"CONF-36 broken"}},
      {"ManualIsNotJson", {reference, kHealth, kManual, {"\"type\": \"multus\",", "\"type\": \"multus\""}}, {"MANUAL-50 broken"}},
      {"ManualNamesAnotherKubeconfig",
       {reference, kHealth, kManual, {"multus.d/multus.kubeconfig\"", "multus.kubeconfig\""}},
       {"EXIST-03 broken"}},
      {"ManualNamesNone",
       {reference, kHealth, kManual, {",\n      \"kubeconfig\": \"/etc/cni/net.d/multus.d/multus.kubeconfig\"", ""}},
       {"MANUAL-50 broken"}},
      {"ManualDelegatesToNobody", {reference, kHealth, kManual, {"\"delegates\": [", "\"nobody\": ["}}, {"MANUAL-50 broken"}},
      {"ManualDelegatesToItself",
       {reference, kHealth, kManual, {"\"type\": \"flannel\"", "\"type\": \"multus\", \"delegates\": []"}},
       {"CONF-30 broken"}},
      {"ManualIsSomethingElse", {reference, kHealth, kManual, {"\"type\": \"multus\"", "\"type\": \"bridge\""}}, {"MANUAL-50 risk"}},
      {"ManualBySubPath",
       {reference,
        kHealth,
        kManual,
        {"mountPath: /tmp/multus-conf", "mountPath: /tmp/multus-conf/00-multus.conf\n          subPath: 00-multus.conf"}},
       {"MANUAL-50 risk"}},
      {"FlagInTwoWords",
       {v424, {"- \"--multus-conf-file=auto\"", "- --multus-conf-file\n        - /tmp/multus-conf/00-multus.conf"}},
       {"FRESH-08 will-break"}},
      {"FlagOfAVariable",
       {v402,
        {"conf-file=auto", "conf-file=$(MODE)"},
        {"        args:", "        env:\n        - {name: MODE, value: /tmp/multus-conf/00-multus.conf}\n        args:"}},
       {"EXIST-01 broken"}},
      {"InAShell",
       {v402,
        {"[\"/thin_entrypoint\"]", "[\"/bin/sh\", \"-c\"]"},
        {"- \"--multus-conf-file=auto\"",
         "- |\n          sleep 1\n          exec /thin_entrypoint --multus-conf-file=/tmp/multus-conf/00-multus.conf"}},
       {"EXIST-01 broken"}},
      {"StaticPod",
       {reference,
        kHealth,
        {"apps/v1", "v1"},
        {"kind: DaemonSet", "kind: Pod"},
        {"  name: kube-multus-ds\n", "  annotations: {kubernetes.io/config.source: file}\n  name: kube-multus-ds\n"},
        {"spec:\n  template:\n    spec:", "spec:"}},
       {"STATIC-51 broken"}},
      {"StaticPodWithCredentials",
       {reference,
        kHealth,
        {"apps/v1", "v1"},
        {"kind: DaemonSet", "kind: Pod"},
        {"  name: kube-multus-ds\n", "  annotations: {kubernetes.io/config.source: file}\n  name: kube-multus-ds\n"},
        {"spec:\n  template:\n    spec:", "spec:"},
        also("--token-file=/c/token")},
       {}},
      {"PodOfNobody",
       {reference,
        kHealth,
        {"kind: DaemonSet", "kind: Pod"},
        {"spec:\n  template:\n    spec:", "spec:"},
        {"      serviceAccountName: multus\n", ""}},
       {"STATIC-51 risk"}},
      {"SomebodysFork", {{"ghcr.io/example/multus-cni:IMAGE", "registry.example.org/cni-setup:7"}}, {"FRESH-06 risk"}},
      {"ByDigest", {{"multus-cni:IMAGE", "multus-cni:v4.0.2-build1@sha256:00"}, kManual}, {"EXIST-01 broken"}},
      {"Thick", {{"IMAGE", "v4.2.4-thick"}, {"/thin_entrypoint", "/usr/src/multus-cni/bin/multus-daemon"}}, {}},
  };
  return kCases;
}

class ManifestsOfTheField : public testing::TestWithParam<Case> {};

TEST_P(ManifestsOfTheField, SayWhatIsExpected) {
  const std::string text = changed(std::string(kAccount) + kThin, GetParam().changes);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  const auto reports = audit_manifests(read(text));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(said(reports), GetParam().expected);
  for (const Finding& finding : reports.front().findings) {
    EXPECT_EQ(finding.file, "m.yaml");
    EXPECT_TRUE(finding.line > 0 && finding.line <= lines) << finding.clause << " at " << finding.line;
    EXPECT_FALSE(finding.what.empty() || finding.consequence.empty() || finding.remedy.empty()) << finding.clause;
  }
}

INSTANTIATE_TEST_SUITE_P(Audit, ManifestsOfTheField, testing::ValuesIn(cases()),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(ManifestAudit, OurOwnManifestsAreClean) {
  Manifests manifests;
  const auto loaded = load_manifests(ENTRYPROOF_SOURCE_DIR "/docs/deploy", manifests);
  ASSERT_TRUE(loaded) << loaded.error().line();
  const auto reports = audit_manifests(manifests);
  EXPECT_EQ(reports.size(), 2U);
  EXPECT_EQ(said(reports), Said());
}

TEST(ManifestAudit, NamesFileAndLine) {
  const auto reports = audit_manifests(read(changed(kThin, {{"IMAGE", "v4.0.2"}, kManual})));
  ASSERT_EQ(reports.size(), 1U);
  ASSERT_EQ(reports.front().findings.size(), 1U);
  EXPECT_EQ(reports.front().findings.front().line, 13U) << "the line of the image";
}

TEST(ManifestAudit, ReadsKubectlsListsAndJson) {
  const std::string item =
      R"({"kind":"Pod","metadata":{"name":"p"},"spec":{"serviceAccountName":"m","containers":[{"name":"c","image":"x/multus-cni:v4.0.2",
    "args":["--multus-conf-file=/m/00.conf"],"volumeMounts":[{"name":"h","mountPath":"/host"},{"name":"m","mountPath":"/m"}]}],
    "volumes":[{"name":"h","hostPath":{"path":"/"}},{"name":"m","configMap":{"name":"absent"}}]}})";
  const auto reports = audit_manifests(
      read(R"({"apiVersion":"v1","kind":"List","items":[)" + item + "," + R"({"kind":"PodList","items":[)" + item + "]}]}"));
  EXPECT_EQ(said(reports), (Said{"EXIST-01 broken", "EXIST-01 broken"}));
}

TEST(ManifestAudit, InitContainersThatCopyAreNoEntrypoints) {
  const auto reports = audit_manifests(read(changed(kThin, {{"      containers:", R"(      initContainers:
      - name: install
        image: ghcr.io/example/multus-cni:v4.2.4
        command: ["cp", "/usr/src/multus-cni/bin/multus", "/host/opt/cni/bin/multus"]
      containers:)"},
                                                            {"IMAGE", "v4.2.4"}})));
  EXPECT_EQ(reports.size(), 1U);
}

TEST(ManifestAudit, OfWhatHasNoEntrypointThereIsNoReport) {
  EXPECT_TRUE(audit_manifests(read("")).empty());
  EXPECT_TRUE(
      audit_manifests(read("kind: Pod\nspec: {containers: [{image: nginx}]}\n---\nkind: Pod\nspec: 5\n---\n[]\n---\nhello\n")).empty());
}

TEST(ManifestAudit, RefusesWithFileAndLine) {
  Manifests manifests;
  for (const char* bad : {"a: &x 1\nb: *x\n", "a: [", "a: 1\na: 2\n", "\t- x", "a: \"\\q\"\n", "a: !!binary x\n"}) {
    const auto done = read_manifest(bad, "bad.yaml", manifests);
    ASSERT_FALSE(done) << bad;
    EXPECT_TRUE(done.error().line().starts_with("bad.yaml: line ")) << done.error().line();
  }
  EXPECT_FALSE(read_manifest(std::string(std::size_t{9} << 20, ' '), "big.yaml", manifests));
  EXPECT_FALSE(read_manifest(std::string(500, '['), "deep.yaml", manifests));
}

TEST(ManifestAudit, FoldersAreReadWithoutFollowingLinksOrOpeningFifos) {
  Disk disk;
  disk.file("/a/b/m.yaml", changed(kThin, {{"IMAGE", "v4.2.4"}})).file("/a/notes.txt", "{").fifo("/a/pipe.yaml").link("/a/loop", "..");
  Manifests manifests;
  ASSERT_TRUE(load_manifests(disk.root(), manifests));
  EXPECT_EQ(manifests.workloads.size(), 1U);
  EXPECT_FALSE(load_manifests(disk.root() + "/a/pipe.yaml", manifests));
  EXPECT_FALSE(load_manifests(disk.root() + "/absent.yaml", manifests));
}

// Bytes changed, cut, doubled and moved at random: a clean end, always, and every finding in a line that is there.
TEST(ManifestAudit, NoMutationOfAManifestDoesHarm) {
  const std::string good = std::string(kAccount) + kThin;
  std::mt19937 random(8);
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  constexpr std::string_view kTokens[] = {"- ", ": ", "\n",    "  ", "{",      "}",    "[",    "]",  "\"", "&a ",
                                          "*a", "|",  "---\n", "#",  "!!str ", "null", "\xff", "$(", "/"};
  std::size_t read_well = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = good;
    for (std::size_t change = below(4) + 1; change-- > 0 && text.size() > 100;) {
      const std::size_t at = below(text.size());
      const std::size_t length = std::min(below(40), text.size() - at);
      switch (below(5)) {
        case 0:
          text.erase(at, length);
          break;
        case 1:
          text.insert(at, kTokens[below(std::size(kTokens))]);
          break;
        case 2:
          text.insert(below(text.size()), text.substr(at, length));
          break;
        case 3:
          text[at] = static_cast<char>(random());
          break;
        default:
          text.resize(at + 1);
          break;
      }
    }
    Manifests manifests;
    const auto done = read_manifest(text, "m.yaml", manifests);
    if (!done) {
      EXPECT_TRUE(done.error().line().starts_with("m.yaml: ")) << done.error().line();
      continue;
    }
    ++read_well;
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const Report& report : audit_manifests(manifests)) {
      for (const Finding& finding : report.findings) ASSERT_LE(finding.line, lines) << text;
    }
  }
  EXPECT_GT(read_well, 300U) << "the changes are so coarse that hardly anything is audited";
}

}  // namespace
}  // namespace entryproof::audit
