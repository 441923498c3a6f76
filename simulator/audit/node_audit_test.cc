// Nodes in the shapes of the field: what an audit says of each, and nothing else.
#include "simulator/audit/node_audit.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>

#include "simulator/audit/disk_for_test.h"
#include "simulator/audit/life.h"
#include "simulator/audit/node_root.h"
#include "simulator/base/digest.h"
#include "simulator/cluster/tokens.h"
#include "simulator/oracles/test_lab.h"

namespace entryproof::audit {
namespace {

namespace lab = oracles::lab;
using Said = std::multiset<std::string>;  // "CLAUSE severity"

const std::int64_t kNow = parse_time("2026-12-01T14:00:00Z").value();
constexpr const char* kNet = "/etc/cni/net.d";
constexpr const char* kSingle = "/etc/cni/net.d/00-multus.conf";
constexpr const char* kCredential = "/etc/cni/net.d/multus.d/multus.kubeconfig";

// A token issued so many seconds ago.
std::string token(std::int64_t age = 600, bool stretched = false) {
  return cluster::issue_token({.seed = 3, .wall_ns = (kNow - age) * 1'000'000'000, .stretched = stretched});
}

std::string kubeconfig(const std::string& bearer = token(), std::string_view server = "https://10.96.0.1:443") {
  return lab::kubeconfig(server, bearer);
}

// As the reference generates it.
std::string configuration(const std::string& more = "") {
  return "{\n        \"cniVersion\": \"0.3.1\",\n        \"name\": \"multus-cni-network\",\n        \"type\": \"multus\",\n" + more +
         "        \"kubeconfig\": \"/etc/cni/net.d/multus.d/multus.kubeconfig\",\n        \"delegates\": [\n                " +
         lab::kFlannel + "\n        ]\n}\n";
}

// Where a primary and the plugins are, and Multus is not.
void primary(Disk& disk, const std::string& net = kNet, const std::string& bin = "/opt/cni/bin") {
  disk.file(net + "/10-flannel.conflist", lab::kFlannel);
  for (const char* plugin : {"flannel", "portmap", "bridge", "loopback"}) disk.file(bin + "/" + plugin, "#!", 0755);
}

// A node as the reference keeps it.
void good(Disk& disk) {
  primary(disk);
  disk.file("/opt/cni/bin/multus", "#!plugin", 0755).directory("/etc/cni/net.d/multus.d", 0700);
  disk.file(kSingle, configuration(), 0600).file(kCredential, kubeconfig(), 0600).directory("/etc/containerd");
}

Report audit(const Disk& disk, NodeQuestion question = {}) {
  question.root = disk.root();
  if (question.now == 0) question.now = kNow;
  auto report = audit_node(question);
  EXPECT_TRUE(report) << report.error().line();
  return report ? *report : Report();
}

Said said(const Report& report) {
  Said words;
  for (const Finding& finding : report.findings) words.insert(finding.clause + " " + std::string(to_string(finding.severity)));
  return words;
}

std::string fact(const Report& report, std::string_view name) {
  for (const Fact& fact : report.facts) {
    if (fact.name == name) return fact.text;
  }
  return "(no such fact)";
}

struct Case {
  const char* name;
  std::function<void(Disk&)> change;  // of the good node
  Said expected;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"AsTheReferenceKeepsIt", [](Disk&) {}, {}},
      {"WithoutMultus", [](Disk& d) { d.remove(kSingle).remove("/etc/cni/net.d/multus.d").remove("/opt/cni/bin/multus"); }, {}},
      {"NoConfigurationAtAll", [](Disk& d) { d.remove(kNet).directory(kNet); }, {}},
      {"LegacyTokenHasNoEnd",
       [](Disk& d) { d.file(kCredential, kubeconfig(cluster::issue_token({.seed = 3, .legacy = true})), 0600); },
       {}},
      {"KubeconfigGone", [](Disk& d) { d.remove(kCredential); }, {"EXIST-01 broken"}},
      {"KubeconfigOfAnotherPlace",
       [](Disk& d) {
         auto text = configuration();
         text.replace(text.find("multus.d/multus"), 15, "elsewhere/multus");
         d.file(kSingle, text, 0600);
       },
       {"EXIST-03 broken"}},
      {"KubeconfigEmpty", [](Disk& d) { d.file(kCredential, "", 0600); }, {"ATOM-22 broken"}},
      {"KubeconfigTorn", [](Disk& d) { d.file(kCredential, kubeconfig().substr(0, 200), 0600); }, {"FRESH-21 broken"}},
      {"KubeconfigReadableByAll", [](Disk& d) { d.file(kCredential, kubeconfig(), 0644); }, {"SECURE-53 risk"}},
      {"BracketedAddress",
       [](Disk& d) { d.file(kCredential, kubeconfig(token(), "https://[10.96.0.1]:443"), 0600); },
       {"FRESH-18 risk", "FRESH-06 will-break"}},  // and by the brackets it is an upstream build's
      {"Ipv6InBracketsIsRight", [](Disk& d) { d.file(kCredential, kubeconfig(token(), "https://[fd00::1]:443"), 0600); }, {}},
      {"TokenExpired", [](Disk& d) { d.file(kCredential, kubeconfig(token(4000)), 0600); }, {"FRESH-06 broken"}},
      {"TokenOverdue", [](Disk& d) { d.file(kCredential, kubeconfig(token(3550)), 0600); }, {"FRESH-06 will-break"}},
      {"TokenNotYetOverdue", [](Disk& d) { d.file(kCredential, kubeconfig(token(2900)), 0600); }, {}},
      {"StretchedTokenOverdue", [](Disk& d) { d.file(kCredential, kubeconfig(token(7200, true)), 0600); }, {"FRESH-06 will-break"}},
      {"TokenFromTheFuture", [](Disk& d) { d.file(kCredential, kubeconfig(token(-900)), 0600); }, {"FRESH-12 risk"}},
      {"PluginGone", [](Disk& d) { d.remove("/opt/cni/bin/multus"); }, {"UPGRADE-49 broken"}},
      {"PluginNotExecutable", [](Disk& d) { d.file("/opt/cni/bin/multus", "#!", 0644); }, {"LIFE-59 broken"}},
      {"PluginEmpty", [](Disk& d) { d.file("/opt/cni/bin/multus", "", 0755); }, {"LIFE-59 broken"}},
      {"PluginHalfCopied",
       [](Disk& d) {
         std::string head(
             "\x7f"
             "ELF\2\1\1",
             7);
         head.resize(64);
         head[41] = 16;  // its section headers lie 4 KiB from its start
         d.file("/opt/cni/bin/multus", head + std::string(100, 'x'), 0755);
       },
       {"LIFE-59 broken"}},
      {"PrimaryPluginGone", [](Disk& d) { d.remove("/opt/cni/bin/flannel"); }, {"UPGRADE-49 broken"}},
      {"DelegatesToItself",
       [](Disk& d) {
         auto text = configuration();
         const auto at = text.find(lab::kFlannel);
         text.replace(
             at, lab::kFlannel.size(),
             R"({"cniVersion":"0.3.1","name":"multus-cni-network","type":"multus","kubeconfig":"/k","delegates":[)" + lab::kFlannel + "]}");
         d.file(kSingle, text, 0600);
       },
       {"CONF-30 broken", "FRESH-06 will-break"}},
      {"ConfigurationEmpty", [](Disk& d) { d.file(kSingle, "", 0600); }, {"ATOM-22 broken"}},
      {"ConfigurationWithATail", [](Disk& d) { d.file(kSingle, configuration() + "}\n", 0600); }, {"ATOM-27 broken"}},
      {"ListUnderTheOtherName",
       [](Disk& d) { d.remove(kSingle).file("/etc/cni/net.d/00-multus.conflist", configuration(), 0600); },
       {"CONF-36 broken"}},
      {"ManualSortsBehind",
       [](Disk& d) { d.remove(kSingle).file("/etc/cni/net.d/70-multus.conf", configuration(), 0600); },
       {"MANUAL-50 broken"}},
      {"TwinsOfWhichTheListIsNewer",
       [](Disk& d) {
         d.file("/etc/cni/net.d/00-multus.conflist", lab::multus_conflist(lab::kFlannel), 0600).at(kSingle, 1);
         d.at("/etc/cni/net.d/00-multus.conflist", 2);
       },
       {"CONF-31 broken"}},
      {"TwinsOfWhichTheListIsOlder",
       [](Disk& d) {
         d.file("/etc/cni/net.d/00-multus.conflist", lab::multus_conflist(lab::kFlannel), 0600).at("/etc/cni/net.d/00-multus.conflist", 2);
       },
       {"CONF-31 risk"}},
      {"ContainerPath",
       [](Disk& d) { d.file(kSingle, configuration("        \"logFile\": \"/host/var/log/multus.log\",\n"), 0600); },
       {"CONF-34 risk"}},
      {"ContainerPathThatIsThere",
       [](Disk& d) {
         d.directory("/host/var/log")
             .file("/host/var/log/multus.log", "")
             .file(kSingle, configuration("        \"logFile\": \"/host/var/log/multus.log\",\n"), 0600);
       },
       {}},
      {"TemporaryOfTheKubeconfig", [](Disk& d) { d.file("/etc/cni/net.d/multus.d/multus.kubeconfig.new", "x", 0644); }, {"SECURE-53 risk"}},
      {"TemporaryOfTheKubeconfigThatIsPrivate", [](Disk& d) { d.file("/etc/cni/net.d/multus.d/multus.kubeconfig.new", "x", 0600); }, {}},
      {"TemporaryThatIsALink", [](Disk& d) { d.link("/etc/cni/net.d/multus.d/multus.kubeconfig.new", "/etc/passwd"); }, {"SECURE-55 risk"}},
      {"TemporaryOfTheConfiguration", [](Disk& d) { d.file("/etc/cni/net.d/00-multus.conf.new", "{", 0600); }, {"ATOM-27 risk"}},
      {"ThreeCopies",
       [](Disk& d) { d.file("/opt/cni/bin/_multus1", "x").file("/opt/cni/bin/_multus22", "x").file("/opt/cni/bin/_multus333", "x"); },
       {"LIFE-59 risk"}},
      {"TwoCopiesAndAFriend",
       [](Disk& d) { d.file("/opt/cni/bin/_multus1", "x").file("/opt/cni/bin/_multus22", "x").file("/opt/cni/bin/_multusx", "x"); },
       {}},
      {"PrimaryRenamed",
       [](Disk& d) { d.file("/etc/cni/net.d/10-flannel.conflist.old", "{}").remove("/etc/cni/net.d/10-flannel.conflist"); },
       {"UPGRADE-48 risk"}},
      {"WrittenBy393",
       [](Disk& d) { d.directory("/etc/cni/net.d/multus.d", 0755).file(kSingle, lab::multus_conf_3_9_3(lab::kFlannel), 0600); },
       {"FRESH-06 will-break"}},
      {"CrioWithoutThePlugin",
       [](Disk& d) { d.remove("/etc/containerd").directory("/etc/crio").remove("/opt/cni/bin/multus"); },
       {"UPGRADE-49 broken", "UPGRADE-49 broken"}},
      {"CrioPassesOver", [](Disk& d) { d.remove("/etc/containerd").directory("/etc/crio").file(kSingle, "", 0600); }, {"ATOM-22 broken"}},
      {"AnotherFirstFileIsBroken", [](Disk& d) { d.file("/etc/cni/net.d/00-aaa.conf", "{"); }, {"MANUAL-50 broken"}},
  };
  return kCases;
}

class Nodes : public testing::TestWithParam<Case> {};

TEST_P(Nodes, SayWhatIsExpected) {
  Disk disk;
  good(disk);
  GetParam().change(disk);
  const Report report = audit(disk);
  EXPECT_EQ(said(report), GetParam().expected);
  EXPECT_TRUE(report.unread.empty());
  for (const Finding& finding : report.findings) {
    EXPECT_TRUE(finding.file.starts_with("/")) << finding.file;
    EXPECT_FALSE(finding.what.empty() || finding.consequence.empty() || finding.remedy.empty()) << finding.clause;
  }
}

INSTANTIATE_TEST_SUITE_P(Audit, Nodes, testing::ValuesIn(cases()), [](const auto& each) { return std::string(each.param.name); });

TEST(NodeAudit, SaysFromWhenPodsFail) {
  Disk disk;
  good(disk);
  disk.file(kCredential, kubeconfig(token(3550)), 0600);
  const Report report = audit(disk);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_NE(report.findings.front().consequence.find("Pods fail from 2026-12-01 14:00 UTC"), std::string::npos)
      << report.findings.front().consequence;
  EXPECT_NE(fact(report, "depends").find("yes"), std::string::npos);
}

TEST(NodeAudit, ShowsNoByteOfAToken) {
  Disk disk;
  good(disk);
  const std::string bearer = token(3550);
  disk.file(kCredential, kubeconfig(bearer), 0644);
  const Report report = audit(disk);
  const std::string signature = bearer.substr(bearer.rfind('.') + 1);
  std::string all;
  for (const Fact& each : report.facts) all += each.text + "\n";
  for (const Finding& each : report.findings) all += each.what + each.consequence + each.remedy + "\n";
  for (std::size_t at = 0; at + 8 <= signature.size(); ++at) ASSERT_EQ(all.find(signature.substr(at, 8)), std::string::npos);
  EXPECT_NE(fact(report, "token").find(sha256_hex(bearer).substr(0, 12)), std::string::npos);
}

TEST(NodeAudit, KnowsWhoWroteIt) {
  Disk disk;
  good(disk);
  EXPECT_TRUE(fact(audit(disk), "written by").starts_with("the reference (likely"));
  disk.file(kSingle, lab::multus_conf_3_9_3(lab::kFlannel), 0600);
  EXPECT_TRUE(fact(audit(disk), "written by").starts_with("3.9.3 or an earlier 3.x (sure"));
  disk.directory("/etc/cni/net.d/multus.d", 0755).file(kSingle, lab::multus_conf(lab::kFlannel), 0600);
  EXPECT_TRUE(fact(audit(disk), "written by").starts_with("4.2.3 or later (likely"));
  disk.file(kCredential, kubeconfig(token(), "https://[10.96.0.1]:443"), 0600);
  EXPECT_TRUE(fact(audit(disk), "written by").starts_with("4.1 to 4.2.2 (sure"));
  disk.file(kSingle, configuration(), 0600);
  EXPECT_TRUE(fact(audit(disk), "written by").starts_with("4.0.x (likely"));
  disk.remove(kSingle).file("/etc/cni/net.d/05-multus.conf", configuration(), 0600);
  EXPECT_TRUE(fact(audit(disk), "written by").starts_with("3.9.3, or 4.1 to 4.2.2 (likely"));
  disk.file(kCredential, "apiVersion: v1\nkind: Config\n", 0600);
  EXPECT_TRUE(fact(audit(disk), "written by").starts_with("somebody else"));
}

TEST(NodeAudit, FindsThePlacesOfDistributions) {
  struct Distribution {
    const char* net;
    const char* bin;
  };
  for (const auto& [net, bin] : {Distribution{"/var/lib/rancher/k3s/agent/etc/cni/net.d", "/var/lib/rancher/k3s/data/cni"},
                                 Distribution{"/etc/kubernetes/cni/net.d", "/var/lib/cni/bin"},
                                 Distribution{"/var/snap/microk8s/current/args/cni-network", "/var/snap/microk8s/current/opt/cni/bin"}}) {
    Disk disk;
    primary(disk, net, bin);
    const std::string credential = std::string(net) + "/multus.d/multus.kubeconfig";
    auto text = configuration();
    text.replace(text.find(kCredential), std::string_view(kCredential).size(), credential);
    disk.directory(std::string(net) + "/multus.d", 0700).file(credential, kubeconfig(), 0600);
    disk.file(std::string(net) + "/00-multus.conf", text, 0600).file(std::string(bin) + "/multus", "#!", 0755);
    const Report report = audit(disk);
    EXPECT_EQ(said(report), Said()) << net;
    EXPECT_NE(fact(report, "runtime").find(net), std::string::npos);
    EXPECT_NE(fact(report, "runtime").find(bin), std::string::npos);

    disk.remove(std::string(net) + "/00-multus.conf").file(kSingle, configuration(), 0600);  // where that runtime does not look
    EXPECT_EQ(said(audit(disk)), Said{"EXIST-03 broken"}) << net;
  }
}

TEST(NodeAudit, BelievesTheRuntimesOwnConfiguration) {
  Disk disk;
  good(disk);
  disk.file("/etc/containerd/config.toml",
            "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\n  # conf_dir = \"/no\"\n  bin_dir = \"/srv/bin\"\n  conf_dir = "
            "'/srv/net'\n");
  primary(disk, "/srv/net", "/srv/bin");
  const Report report = audit(disk);
  EXPECT_NE(fact(report, "runtime").find("/srv/net (/etc/containerd/config.toml says so), plugins in /srv/bin"), std::string::npos)
      << fact(report, "runtime");
  EXPECT_EQ(said(report), Said{"EXIST-03 broken"}) << "Multus is where nobody looks";
  EXPECT_EQ(said(audit(disk, {.root = {}, .now = kNow, .net_dir = kNet, .bin_dir = "/opt/cni/bin"})), Said())
      << "what is asked for goes first";

  Disk crio;
  good(crio);
  crio.remove("/etc/containerd").file("/etc/crio/crio.conf", "network_dir = \"/etc/cni/net.d/\"\n");
  crio.file("/etc/crio/crio.conf.d/10-dirs.conf",
            "[crio.network]\nnetwork_dir = \"/srv/net\"\nplugin_dirs = [\n  \"/srv/none\",\n  \"/srv/bin\",\n]\n");
  primary(crio, "/srv/net", "/srv/bin");
  crio.file("/srv/bin/multus", "#!", 0755);
  EXPECT_NE(fact(audit(crio), "runtime").find("/srv/net (/etc/crio/crio.conf.d/10-dirs.conf says so), plugins in /srv/bin"),
            std::string::npos);
}

TEST(NodeAudit, OfTheThickPluginNoKubeconfigIsDemanded) {
  Disk disk;
  primary(disk);
  disk.file("/opt/cni/bin/multus-shim", "#!", 0755).directory("/etc/containerd");
  disk.file(
      kSingle,
      R"({"capabilities":{"portMappings":true},"cniVersion":"0.3.1","logLevel":"verbose","logToStderr":true,"name":"multus-cni-network",)"
      R"("clusterNetwork":"/host/etc/cni/net.d/10-flannel.conflist","type":"multus-shim","socketDir":"/run/multus/"})",
      0600);
  const Report report = audit(disk);
  for (const Finding& finding : report.findings) ADD_FAILURE() << finding.clause << " " << finding.what;
  EXPECT_TRUE(fact(report, "depends").starts_with("no"));
}

TEST(NodeAudit, NamesWhatItCannotReadAndConcludesNothing) {
  Disk disk;
  good(disk);
  disk.crowd(kNet, NodeRoot::kEntriesMax + 1);
  const Report report = audit(disk);
  ASSERT_EQ(report.unread.size(), 1U);
  EXPECT_EQ(report.unread.front().path, kNet);
  EXPECT_EQ(exit_code({report}, false), 2);
}

TEST(NodeAudit, OfADirectoryThatIsNoNodeThereIsNoVerdict) {
  Disk disk;
  disk.file("/README", "not a node");
  EXPECT_EQ(exit_code({audit(disk)}, true), 2);
}

TEST(NodeAudit, ExitCodesSayWhetherPodsBreak) {
  Report clean;
  Report risky;
  risky.findings.push_back(
      {.clause = "SECURE-53", .severity = Severity::kRisk, .file = {}, .line = 0, .what = {}, .consequence = {}, .remedy = {}});
  Report breaking = risky;
  breaking.findings.front().severity = Severity::kWillBreak;
  breaking.unread.push_back({"/x", "EACCES"});
  EXPECT_EQ(exit_code({}, false), 2);
  EXPECT_EQ(exit_code({clean}, false), 0);
  EXPECT_EQ(exit_code({clean, risky}, false), 0);
  EXPECT_EQ(exit_code({clean, risky}, true), 1);
  EXPECT_EQ(exit_code({clean, breaking}, false), 1);
}

TEST(NodeAudit, ADirectoryThatIsNotThereIsAnError) {
  EXPECT_FALSE(audit_node({.root = "/nonexistent/node", .now = kNow, .net_dir = {}, .bin_dir = {}}));
}

}  // namespace
}  // namespace entryproof::audit
