// What tales are told with: options, primaries, half-written files, and where things lie.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/runner/scenario.h"

namespace entryproof::explore {

inline constexpr std::string_view kNetDirectory = "/host/etc/cni/net.d";
inline constexpr std::string_view kOwnDirectory = "/host/etc/cni/net.d/multus.d";
inline constexpr std::string_view kKubeconfigFile = "/host/etc/cni/net.d/multus.d/multus.kubeconfig";
inline constexpr std::string_view kPlugin = "/host/opt/cni/bin/multus";
inline constexpr std::string_view kImagePlugin = "/usr/src/multus-cni/bin/multus";
inline constexpr std::string_view kManualFile = "/tmp/multus-conf/70-multus.conf";
inline constexpr std::string_view kManualCopy = "/host/etc/cni/net.d/70-multus.conf";
inline constexpr std::string_view kAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

inline std::string in_net(std::string_view name) { return std::string(kNetDirectory) + "/" + std::string(name); }

// A primary of the fixtures.
struct Body {
  std::string_view file;
  std::string_view fixture;
  std::string_view type;
  bool from_1_0 = false;  // its version is 1.0.0 or later
};
inline constexpr std::array<Body, 10> kBodies{{{"10-flannel.conflist", "flannel", "flannel"},
                                               {"20-calico.conflist", "calico", "calico"},
                                               {"05-cilium.conf", "cilium", "cilium-cni"},
                                               {"10-flannel.conflist", "flannel-1-0", "flannel", true},
                                               {"10-flannel.conflist", "kindnet", "ptp"},
                                               {"10-ovn-kubernetes.conf", "ovn-kubernetes", "ovn-k8s-cni-overlay"},
                                               {"30-flannel.conf", "flannel-single", "flannel"},
                                               {"60-calico.conflist", "calico", "calico"},
                                               {"15-bridge.json", "bridge-json", "bridge"},
                                               {"10-flannel.conflist", "flannel-1-1", "flannel", true}}};

inline constexpr std::array<std::string_view, 2> kHalves{"{\n  \"name\": \"cbr0\",\n  \"cniVer", ""};
inline constexpr std::array<std::string_view, 4> kBrokenManuals{
    "{ \"cniVersion\": \"0.3.1\", ", "", R"({"cniVersion": "0.3.1", "name": "multus-cni-network", "plugins": [{"type": "multus"}]})",
    "[]\n"};
inline constexpr std::string_view kSelfDelegating =
    R"({"cniVersion": "0.3.1", "name": "multus-cni-network", "type": "multus", "kubeconfig": "/etc/cni/net.d/multus.d/multus.kubeconfig", )"
    R"("delegates": [{"cniVersion": "0.3.1", "name": "multus-cni-network", "type": "multus"}]})";

// A kubeconfig that somebody brings to the node, other than every build's.
inline constexpr std::string_view kBroughtKubeconfig =
    "# brought by the site\napiVersion: v1\nkind: Config\nclusters:\n- name: site\n  cluster:\n    server: https://192.0.2.20:6443\n"
    "    insecure-skip-tls-verify: true\nusers:\n- name: site\n  user:\n    token: brought-by-the-site\ncontexts:\n- name: site\n"
    "  context:\n    cluster: site\n    user: site\ncurrent-context: site\n";

// Files of another CNI that no runtime takes for a configuration.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kForeignFiles{
    {{"/host/etc/cni/net.d/calico-kubeconfig", "apiVersion: v1\nkind: Config\n"},
     {"/host/opt/cni/bin/bridge", "#!/bin/false\n"},
     {"/host/etc/cni/net.d/99-loopback.conf.bak", "{}\n"},
     {"/host/opt/cni/bin/multus.old", "#!/bin/true\n"}}};

// Who provides the kubeconfig, where a build can be told.
enum class Policy : std::uint8_t { kAlways, kIfMissing, kNever };

// How the build is started.
struct Options {
  std::vector<std::string> arguments;
  bool manual = false;
  bool clean_up = false;  // on exit
  bool watches = true;    // the primary is followed
  Policy policy = Policy::kAlways;
  bool refused = false;  // nobody knows what is meant by them
};
extern const std::array<Options, 21> kOptions;
inline constexpr std::size_t kFirstManual = 11;

// Where the Pod is told that the API server is.
struct Environment {
  std::map<std::string, std::optional<std::string>> variables;
  bool good = true;
  std::string_view server;  // the URL that comes of it; empty: not asked for
  std::string_view check;   // that speaks of it
  std::string_view flag{};  // the URL that the feature "api-server" names; empty: the variables decide
};
extern const std::array<Environment, 10> kEnvironments;

// How plain credentials are spoiled.
struct SpoiltCredentials {
  std::vector<std::string> removed;
  std::string put;  // a file's name; empty: none
  runner::Object object;
  std::string check;  // what is said of what is published meanwhile; empty: nothing
};
extern const std::array<SpoiltCredentials, 6> kSpoiltCredentials;

// Calls of the build that fail, once or from then on; the n-th of twelve ways.
faults::Plan failing_calls(std::uint32_t which, bool sticky);
// Nothing more can be written on the node.
faults::Plan full_disk();

runner::Object text_object(std::string text);
runner::Object directory_object(unsigned mode);
runner::Object json_object(std::string text);
runner::Object fixture_object(std::string_view name);
// A manual configuration, as compact JSON; the n-th of four.
std::string manual_text(std::uint32_t which);
runner::StartStep start_step(const Options& options, const Environment& environment);

}  // namespace entryproof::explore
