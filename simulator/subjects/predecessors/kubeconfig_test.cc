// Facts about the kubeconfig of each release: when there is one, what is in it, and what of the service account stops the start.
#include <gtest/gtest.h>

#include "simulator/subjects/predecessors/table_for_test.h"

namespace entryproof::subjects::predecessor {
namespace {

std::string account(const std::string& name) { return std::string(kAccount) + "/" + name; }

std::function<void(Pod&)> token(const std::string& bytes) {
  return [=](Pod& pod) { pod.rotate(bytes, "CA-AAA\n"); };
}

std::function<void(Pod&)> ca(const std::string& bytes) {
  return [=](Pod& pod) { pod.rotate("tok-AAA", bytes); };
}

void without_token(Pod& pod) { pod.remove(account("token")); }
void without_ca(Pod& pod) { pod.remove(account("ca.crt")); }

std::function<void(Pod&)> server(const std::string& url) { return says(kKubeconfig, "\n    server: " + url + "\n"); }

std::function<Start(const std::string&)> at_host(const std::string& host) { return in_auto({}, {{"KUBERNETES_SERVICE_HOST", host}}); }

std::function<void(Pod&)> mode_is(const std::string& path, mode_t mode) {
  return [=](Pod& pod) { EXPECT_EQ(pod.mode(path), mode) << path; };
}

std::function<Start(const std::string&)> with_umask(mode_t umask) {
  return [=](const std::string& version) { return Start{.version = version, .flags = automatic(version), .umask = umask}; };
}

const std::vector<std::string> kBracketing = {"3.9.3", "4.0.2", "4.1.4", "4.2.2"};
const std::vector<std::string> kJoining = {"4.2.3", "4.3.0"};
const std::vector<std::string> kBracketingThin = {"4.0.2", "4.1.4", "4.2.2"};

void whole_document(Pod& pod) {
  const std::string text = pod.read(kKubeconfig).value_or("(missing)");
  EXPECT_EQ(text.size(), 414U);
  EXPECT_TRUE(text.starts_with("# Kubeconfig file for Multus CNI plugin.\napiVersion: v1\n"));
  EXPECT_TRUE(
      text.ends_with("    token: \"tok-AAA\"\ncontexts:\n- name: multus-context\n  context:\n    cluster: local\n    user: multus\n"
                     "current-context: multus-context\n"));
}

std::vector<Row> produced() {
  return {
      {"auto produces it", kAllVersions, {}, in_auto(), "runs", says(kKubeconfig, "token: \"tok-AAA\"")},
      {"manual produces it", kShellOnly, {}, in_manual(), "runs", says(kKubeconfig, "token: \"tok-AAA\"")},
      {"manual produces it", kLater, {}, in_manual(), "runs", says(kKubeconfig, "token: \"tok-AAA\"")},
      {"manual produces none",
       {"4.0.0", "4.0.1", "4.0.2"},
       {},
       in_manual(),
       "runs",
       all_of({missing("/host/etc/cni/net.d/multus.d"), says(kManualCopy, "multus")})},
      {"414 bytes", kJoining, ca(std::string(59, 'c')), in_auto(), "runs", whole_document},
      {"multus cni conf dir is made", kLater, {}, in_manual(), "runs", mode_is("/host/etc/cni/multus/net.d", 0755)},
      {"no multus cni conf dir", {"3.9.3", "4.0.2"}, {}, in_auto(), "runs", missing("/host/etc/cni/multus/net.d")},
      {"large ca", kAllVersions, ca(std::string(200000, 'c')), in_auto(), "runs",
       [](Pod& pod) { EXPECT_GT(pod.read(kKubeconfig).value_or("").size(), 266000U); }},
  };
}

std::vector<Row> addresses() {
  return {
      {"IPv4 in brackets", kBracketing, {}, in_auto(), "runs", server("https://[10.96.0.1]:443")},
      {"IPv4", kJoining, {}, in_auto(), "runs", server("https://10.96.0.1:443")},
      {"IPv6", kAllVersions, {}, at_host("fd00::1"), "runs", server("https://[fd00::1]:443")},
      {"name in brackets", kBracketing, {}, at_host("kubernetes.default.svc"), "runs", server("https://[kubernetes.default.svc]:443")},
      {"name", kJoining, {}, at_host("kubernetes.default.svc"), "runs", server("https://kubernetes.default.svc:443")},
      {"brackets twice", kAllVersions, {}, at_host("[fd00::1]"), "runs", server("https://[[fd00::1]]:443")},
      {"protocol",
       kAllVersions,
       {},
       in_auto({}, {{"KUBERNETES_SERVICE_PROTOCOL", "http"}}),
       "runs",
       [](Pod& pod) { says(kKubeconfig, "    server: http://")(pod); }},
      {"no host", kShellOnly, {}, at_host(""), "exit 1", missing(kKubeconfig)},
      {"no host", kBracketingThin, {}, at_host(""), "runs", server("https://[]:443")},
      {"no host", kJoining, {}, at_host(""), "runs", server("https://:443")},
      {"no host manual",
       kShellOnly,
       {},
       in_manual({}, {{"KUBERNETES_SERVICE_HOST", ""}}),
       "exit 1",
       all_of({missing(kKubeconfig), says(kManualCopy, "multus")})},
      {"no port", kShellOnly, {}, in_auto({}, {{"KUBERNETES_SERVICE_PORT", ""}}), "exit 1", missing(kKubeconfig)},
      {"no port", kBracketingThin, {}, in_auto({}, {{"KUBERNETES_SERVICE_PORT", ""}}), "runs", server("https://[10.96.0.1]:")},
      {"no port", kJoining, {}, in_manual({}, {{"KUBERNETES_SERVICE_PORT", ""}}), "runs", server("https://10.96.0.1:")},
  };
}

std::vector<Row> credentials() {
  return {
      {"token with LF", kShellOnly, token("tok-AAA\n"), in_auto(), "runs", says(kKubeconfig, "token: \"tok-AAA\"\n")},
      {"token with LF", kThinOnes, token("tok-AAA\n"), in_auto(), "runs", says(kKubeconfig, "token: \"tok-AAA\n\"\n")},
      {"token with CRLF", kShellOnly, token("tok-AAA\r\n"), in_auto(), "runs", says(kKubeconfig, "token: \"tok-AAA\r\"\n")},
      {"token with CRLF", kThinOnes, token("tok-AAA\r\n"), in_auto(), "runs", says(kKubeconfig, "token: \"tok-AAA\r\n\"\n")},
      {"token empty", kAllVersions, token(""), in_auto(), "runs", says(kKubeconfig, "token: \"\"\n")},
      {"token with quote", kAllVersions, token("a\"b\\c"), in_auto(), "runs", says(kKubeconfig, "token: \"a\"b\\c\"\n")},
      {"ca empty", kAllVersions, ca(""), in_auto(), "runs", says(kKubeconfig, "\n    certificate-authority-data: \n")},

      {"token missing", kShellOnly, without_token, in_auto(), "exit 1",
       [](Pod& pod) { EXPECT_TRUE(pod.exists("/host/etc/cni/net.d/multus.d")); }},
      {"token missing", kThinOnes, without_token, in_auto(), "exit 0", all_of({missing(kKubeconfig), missing(kConf)})},
      {"token missing manual", kShellOnly, without_token, in_manual(), "exit 1",
       all_of({says(kManualCopy, "multus"), mode_is("/host/opt/cni/bin/multus", 0755), missing(kKubeconfig)})},
      {"token missing manual", kFirst, without_token, in_manual(), "runs", says(kManualCopy, "multus")},
      {"token missing manual", kLater, without_token, in_manual(), "exit 0",
       all_of({mode_is("/host/opt/cni/bin/multus", 0755), missing(kManualCopy), missing("/host/etc/cni/net.d/multus.d")})},
      {"ca missing", kShellOnly, without_ca, in_auto(), "runs", says(kKubeconfig, "443\n    \nusers:")},
      {"ca missing", kThinOnes, without_ca, in_auto(), "exit 0", missing(kKubeconfig)},
      {"ca missing manual", kFirst, without_ca, in_manual(), "runs", says(kManualCopy, "multus")},

      {"SKIP_TLS_VERIFY",
       kShellOnly,
       {},
       in_auto({}, {{"SKIP_TLS_VERIFY", "true"}}),
       "runs",
       says(kKubeconfig, "\n    insecure-skip-tls-verify: true\n")},
      {"SKIP_TLS_VERIFY in capitals",
       kShellOnly,
       {},
       in_auto({}, {{"SKIP_TLS_VERIFY", "TRUE"}}),
       "runs",
       says(kKubeconfig, "certificate-authority-data: Q0EtQUFBCg==")},
      {"SKIP_TLS_VERIFY",
       kThinOnes,
       {},
       in_auto({}, {{"SKIP_TLS_VERIFY", "true"}}),
       "runs",
       says(kKubeconfig, "certificate-authority-data: Q0EtQUFBCg==")},
      {"skip tls verify flag",
       kShellOnly,
       {},
       in_auto({"--skip-tls-verify=true"}),
       "runs",
       says(kKubeconfig, "certificate-authority-data: ")},
      {"skip tls verify flag", kThinOnes, {}, in_auto({"--skip-tls-verify"}), "runs", says(kKubeconfig, "insecure-skip-tls-verify: true")},
      {"skip tls and no ca", kShellOnly, without_ca, in_auto({}, {{"SKIP_TLS_VERIFY", "true"}}), "runs",
       says(kKubeconfig, "insecure-skip-tls-verify: true")},
      {"skip tls and no ca", kThinOnes, without_ca, in_auto({"--skip-tls-verify"}), "exit 0", missing(kKubeconfig)},
      {"KUBE_CA_FILE", kShellOnly, [](Pod& pod) { pod.put("/tmp/other.crt", "OTHER"); }, in_auto({}, {{"KUBE_CA_FILE", "/tmp/other.crt"}}),
       "runs", says(kKubeconfig, "certificate-authority-data: T1RIRVI=\n")},
      {"KUBE_CA_FILE", kThinOnes, [](Pod& pod) { pod.put("/tmp/other.crt", "OTHER"); }, in_auto({}, {{"KUBE_CA_FILE", "/tmp/other.crt"}}),
       "runs", says(kKubeconfig, "certificate-authority-data: Q0EtQUFBCg==\n")},
  };
}

std::vector<Row> modes() {
  const std::string directory = "/host/etc/cni/net.d/multus.d";
  const auto old_file = [](const char* path) {
    return [path](Pod& pod) {
      pod.make_directory("/host/etc/cni/net.d/multus.d");
      pod.put(path, std::string(5000, 'x'));
    };
  };
  const char* const leftover = "/host/etc/cni/net.d/multus.d/multus.kubeconfig.new";
  return {
      {"0600", kAllVersions, {}, in_auto(), "runs", mode_is(kKubeconfig, 0600)},
      {"KUBECONFIG_MODE", kShellOnly, {}, in_auto({}, {{"KUBECONFIG_MODE", "644"}}), "runs", mode_is(kKubeconfig, 0644)},
      {"KUBECONFIG_MODE", kThinOnes, {}, in_auto({}, {{"KUBECONFIG_MODE", "644"}}), "runs", mode_is(kKubeconfig, 0600)},
      {"umask 022", kAllVersions, {}, with_umask(022), "runs", mode_is(directory, 0755)},
      {"umask 077", {"3.9.3", "4.2.3", "4.3.0"}, {}, with_umask(077), "runs", mode_is(directory, 0700)},
      {"umask 000", kShellOnly, {}, with_umask(0), "runs", mode_is(directory, 0777)},
      {"umask 000", kJoining, {}, with_umask(0), "runs", mode_is(directory, 0755)},
      {"multus.d left 0700",
       {"4.3.0"},
       [=](Pod& pod) { pod.make_directory(directory, 0700); },
       in_auto(),
       "runs",
       mode_is(directory, 0700)},
      {"existing file 0644", kAllVersions, old_file(kKubeconfig), in_auto(), "runs", mode_is(kKubeconfig, 0600)},
      {"stale new file", kShellOnly, old_file(leftover), in_auto(), "runs", all_of({mode_is(kKubeconfig, 0600), mode_is(leftover, 0644)})},
      {"stale new file", kThinOnes, old_file(leftover), in_auto(), "runs",
       all_of(
           {mode_is(kKubeconfig, 0644), missing(leftover), [](Pod& pod) { EXPECT_LT(pod.read(kKubeconfig).value_or("").size(), 500U); }})},
  };
}

class Kubeconfig : public testing::TestWithParam<Row> {};
TEST_P(Kubeconfig, Fact) { play(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Produced, Kubeconfig, testing::ValuesIn(produced()), row_name);
INSTANTIATE_TEST_SUITE_P(Addresses, Kubeconfig, testing::ValuesIn(addresses()), row_name);
INSTANTIATE_TEST_SUITE_P(Credentials, Kubeconfig, testing::ValuesIn(credentials()), row_name);
INSTANTIATE_TEST_SUITE_P(Modes, Kubeconfig, testing::ValuesIn(modes()), row_name);

}  // namespace
}  // namespace entryproof::subjects::predecessor
