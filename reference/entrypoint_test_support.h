// EntrypointTest: a node in memory with everything that a Pod finds there, and as many lives of the entrypoint as a test needs.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reference/entrypoint.h"
#include "reference/json.h"
#include "reference/memory_host_test_support.h"
#include "reference/problem.h"

namespace reference {

using namespace std::chrono_literals;

inline const std::string kNet = "/host/etc/cni/net.d";
inline const std::string kBin = "/host/opt/cni/bin";
inline const std::string kKubeconfig = kNet + "/multus.d/multus.kubeconfig";
inline const std::string kConf = kNet + "/00-multus.conf";
inline const std::string kList = kNet + "/00-multus.conflist";
inline const std::string kPlugin = kBin + "/multus";
inline const std::string kSource = "/usr/src/multus-cni/bin/multus";
inline const std::string kAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
inline const std::string kPem = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n";
inline const std::string kFlannel = R"({"cniVersion":"0.3.1","name":"cbr0","type":"flannel"})";
inline const std::string kCalico = R"({"cniVersion":"1.0.0","name":"k8s","plugins":[{"type":"calico"}]})";
inline const std::string kManualFile = "/tmp/multus-conf/70-multus.conf";
inline const std::string kManual =
    R"({"cniVersion":"0.3.1","name":"multus","type":"multus","kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig"})";

// A node with everything that a Pod has there, and as many lives of the entrypoint as a test needs.
class EntrypointTest : public testing::Test {
 protected:
  EntrypointTest() {
    host.put_directory(kNet);
    host.put_directory(kBin);
    host.put(kSource, "program", 0755);
    host.put(kNet + "/10-flannel.conf", kFlannel);
    host.project(kAccount, "first-token", kPem);
  }

  void start(std::vector<std::string> args = {}, std::map<std::string, std::string> environment = kEnvironment) {
    auto options = parse_options(args, environment);
    ASSERT_TRUE(options) << options.error().message;
    entrypoint.reset();
    entrypoint = std::make_unique<Entrypoint>(host, std::move(*options));
    exit.reset();
  }
  void start_manual(std::vector<std::string> more = {}) {
    more.push_back("--multus-conf-file=" + kManualFile);
    start(std::move(more));
  }

  // Turns for this long by the entrypoint's own clock, as main.cc does.
  void run(std::chrono::nanoseconds time) {
    const auto end = host.now + time;
    while (!exit && host.now <= end) {
      const Turn turn = entrypoint->turn();
      exit = turn.exit;
      if (!exit) {
        ASSERT_GT(turn.wait_until, host.now);
        ASSERT_LE(turn.wait_until, host.now + 5s);
        host.now = turn.wait_until;
      }
    }
  }

  bool has_token(const std::string& token) const {
    return host.bytes(kKubeconfig).value_or("").find("token: \"" + token + "\"") != std::string::npos;
  }
  // The text of the only delegate of what is published.
  std::string delegate() const {
    const auto text = host.bytes(kConf) ? host.bytes(kConf) : host.bytes(kList);
    const auto document = json::Document::parse(text.value_or(""));
    if (!document) return "none";
    const auto plugins = document->root().find("plugins");
    const json::Value top = plugins ? plugins->items().at(0) : document->root();
    return std::string(top.find("delegates")->items().at(0).source());
  }
  bool said(const std::string& text) const {
    const auto has = [&](const std::string& line) { return line.find(text) != std::string::npos; };
    return std::ranges::any_of(host.out, has) || std::ranges::any_of(host.error, has);
  }
  bool litter() const {
    const auto tree = host.tree("/host");
    return std::ranges::any_of(tree, [](const std::string& name) { return name.find(".thin_entrypoint") != std::string::npos; });
  }

  static const inline std::map<std::string, std::string> kEnvironment{{"KUBERNETES_SERVICE_HOST", "10.96.0.1"},
                                                                      {"KUBERNETES_SERVICE_PORT", "443"}};
  MemoryHost host;
  std::unique_ptr<Entrypoint> entrypoint;
  std::optional<int> exit;
};

}  // namespace reference
