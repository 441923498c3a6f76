#include "simulator/oracles/test_lab.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "simulator/base/digest.h"
#include "simulator/oracles/host.h"

namespace entryproof::oracles::lab {

const std::string kCa =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjDCCATOgAwIBAgIUCjM92E+EN8VIWSUZagAo8295McswCgYIKoZIzj0EAwIw\n"
    "GzEZMBcGA1UEAwwQb3JhY2xlLXRlc3QtY2EtMDAgFw0yNjExMjMwOTE5MzJaGA8y\n"
    "MDgxMDgyNjA5MTkzMlowGzEZMBcGA1UEAwwQb3JhY2xlLXRlc3QtY2EtMDBZMBMG\n"
    "ByqGSM49AgEGCCqGSM49AwEHA0IABBizgLlCw+t9qneAXqPCbDVOaaWZydwdjxEe\n"
    "vPT4UhGQpEqbGyhcLHzzfTLuwmMHitLSqqMYrl8P7HY/VRwb0HqjUzBRMB0GA1Ud\n"
    "DgQWBBSw1mxnPF2fy3IU1im4aX3v5QLpDDAfBgNVHSMEGDAWgBSw1mxnPF2fy3IU\n"
    "1im4aX3v5QLpDDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIEBy\n"
    "t0qBApNqrNj12ODFm3u9uq/Ty3rGlZSx7qtzzkkKAiAbYRI7oKg+z82Pr51M4xet\n"
    "CvsR4shDqe6x1F9OEpZkVw==\n"
    "-----END CERTIFICATE-----\n";
const std::string kOtherCa =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjjCCATOgAwIBAgIUFSPjBMV1eclFsWwVYdnQ2ZnlpSMwCgYIKoZIzj0EAwIw\n"
    "GzEZMBcGA1UEAwwQb3JhY2xlLXRlc3QtY2EtMTAgFw0yNjExMjMwOTE5MzJaGA8y\n"
    "MDgxMDgyNjA5MTkzMlowGzEZMBcGA1UEAwwQb3JhY2xlLXRlc3QtY2EtMTBZMBMG\n"
    "ByqGSM49AgEGCCqGSM49AwEHA0IABJxJ28ZPYbhIAuUNisvjiBXg+eHsMa2Ac+qD\n"
    "hS488YyppyozZoxWMJ0B28+BL+I3HM5TIBeyFvyjeMbCsPoIi5GjUzBRMB0GA1Ud\n"
    "DgQWBBT7pnvTbkK8xUE6Wdlx8bIb2jmaRDAfBgNVHSMEGDAWgBT7pnvTbkK8xUE6\n"
    "Wdlx8bIb2jmaRDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDM\n"
    "sKVX0MDs1Ft9Q4bN83mEdbaqjUs7yrwyFlBWrDQtYgIhALqA3i4CmZe+THqlEUX9\n"
    "a2pXJ7Z6whUP6MQEGndPD9Dr\n"
    "-----END CERTIFICATE-----\n";

std::string kubeconfig(std::string_view server, std::string_view token, std::string_view tls) {
  const std::string line = tls.empty() ? "certificate-authority-data: " + base64_encode(kCa) : std::string(tls);
  return fmt::format(
      "# Kubeconfig file for Multus CNI plugin.\napiVersion: v1\nkind: Config\nclusters:\n- name: local\n  cluster:\n    server: {}\n    "
      "{}\n"
      "users:\n- name: multus\n  user:\n    token: \"{}\"\ncontexts:\n- name: multus-context\n  context:\n    cluster: local\n"
      "    user: multus\ncurrent-context: multus-context\n",
      server, line, token);
}

std::string multus_conf(std::string_view delegate) {
  return fmt::format(
      "{{\n        \"cniVersion\": \"0.3.1\",\n        \"name\": \"multus-cni-network\",\n        \"type\": \"multus\",\n"
      "        \"capabilities\": {{\"portMappings\":true}},\n        \"cniConf\": \"/host/etc/cni/multus/net.d\",\n"
      "        \"kubeconfig\": \"{}\",\n        \"delegates\": [\n                {}\n        ]\n}}\n",
      kKubeconfig, delegate);
}

std::string multus_conf_3_9_3(std::string_view delegate) {
  return fmt::format(
      R"({{ "cniVersion": "0.3.1", "name": "multus-cni-network", "type": "multus", "capabilities": {{"portMappings": true}}, )"
      R"("kubeconfig": "{}", "delegates": [ {} ] }})"
      "\n",
      kKubeconfig, delegate);
}

std::string multus_conflist(std::string_view delegate) {
  return fmt::format(
      "{{\n    \"cniVersion\": \"1.0.0\",\n    \"name\": \"multus-cni-network\",\n    \"plugins\": [ {{\n        \"type\": \"multus\",\n"
      "        \"kubeconfig\": \"{}\",\n        \"delegates\": [\n            {}\n        ]\n    }}]\n}}\n",
      kKubeconfig, delegate);
}

ClusterFacts two_generations() {
  ClusterFacts cluster;
  cluster.generations = {{1, kOtherToken, kOtherCa}, {2, kToken, kCa}};
  cluster.host = "10.96.0.1";
  cluster.port = "443";
  return cluster;
}

Layout layout_with_source() {
  Layout layout;
  layout.source = SourceBinary{kBinary.size(), sha256_hex(kBinary)};
  return layout;
}

Lab::Lab(Layout layout) : node_(node::Tree(), clock_), oracle_(std::move(layout)) {
  make_directories(kNetDir);
  make_directories("/opt/cni/bin");
  replace(kNetDir + "/10-flannel.conflist", kFlannel, 0644);
  oracle_.reset(node_.tree());
  node_.set_observer(this);
}

void Lab::observe(const node::Operation& operation, const node::Tree& now) {
  for (Finding& finding : oracle_.judge(operation, now)) findings_.push_back(std::move(finding));
}

Lab& Lab::as(node::Actor actor) {
  caller_.actor = actor;
  ++caller_.session;
  return *this;
}

void Lab::taken_by_others(const std::string& path) {
  const auto acting = caller_;
  as(node::Actor::kWorld).unlink(path);
  caller_ = acting;
}

node::InodeId Lab::at(const std::string& path) {
  const auto inode = resolve_on_host(node_.tree(), path);
  EXPECT_TRUE(inode) << "no " << path;
  return inode.value_or(0);
}

node::InodeId Lab::parent_of(const std::string& path) { return at(path.substr(0, std::max<std::size_t>(path.rfind('/'), 1))); }

namespace {
std::string last(const std::string& path) { return path.substr(path.rfind('/') + 1); }
}  // namespace

void Lab::make_directories(const std::string& path) {
  for (auto slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string prefix = path.substr(0, slash);
    if (!resolve_on_host(node_.tree(), prefix)) {
      EXPECT_TRUE(node_.mkdir(caller_, parent_of(prefix), last(prefix), 0755)) << prefix;
    }
    if (slash == std::string::npos) return;
  }
}

void Lab::create(const std::string& path, mode_t mode) { EXPECT_TRUE(node_.create(caller_, parent_of(path), last(path), mode, 0)) << path; }

void Lab::write(const std::string& path, std::string_view bytes, std::uint64_t offset) {
  EXPECT_TRUE(node_.write(caller_, at(path), offset, bytes)) << path;
}

void Lab::truncate(const std::string& path) {
  node::AttributeChange change;
  change.size = 0;
  EXPECT_TRUE(node_.set_attributes(caller_, at(path), change)) << path;
}

void Lab::chmod(const std::string& path, mode_t mode) {
  node::AttributeChange change;
  change.mode = mode;
  EXPECT_TRUE(node_.set_attributes(caller_, at(path), change)) << path;
}

void Lab::unlink(const std::string& path) { EXPECT_TRUE(node_.unlink(caller_, parent_of(path), last(path))) << path; }

void Lab::rename(const std::string& from, const std::string& to) {
  EXPECT_TRUE(node_.rename(caller_, parent_of(from), last(from), parent_of(to), last(to), node::RenameFlag::kNone)) << from;
}

void Lab::fsync(const std::string& path) { EXPECT_TRUE(node_.fsync(caller_, at(path), false)) << path; }

void Lab::replace(const std::string& path, std::string_view bytes, mode_t mode) {
  const std::string temp = path + ".new";
  create(temp, mode);
  write(temp, bytes.substr(0, bytes.size() / 2));
  write(temp, bytes.substr(bytes.size() / 2), bytes.size() / 2);
  fsync(temp);
  rename(temp, path);
}

void Lab::overwrite(const std::string& path, std::string_view bytes) {
  truncate(path);
  write(path, bytes.substr(0, bytes.size() / 2));
  write(path, bytes.substr(bytes.size() / 2), bytes.size() / 2);
}

void Lab::unlink_and_copy(const std::string& path, std::string_view bytes, mode_t mode) {
  if (resolve_on_host(node_.tree(), path)) unlink(path);
  create(path, mode);
  write(path, bytes.substr(0, bytes.size() / 2));
  write(path, bytes.substr(bytes.size() / 2), bytes.size() / 2);
}

std::vector<std::string> Lab::charged() const {
  std::vector<std::string> checks;
  for (const Finding& finding : findings_) checks.push_back(finding.check);
  return checks;
}

}  // namespace entryproof::oracles::lab
