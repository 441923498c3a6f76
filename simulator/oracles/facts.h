// Facts: what is true of the world and is not written on the node: where things shall lie, and what the cluster holds.
//
// The engine fills these from its own cluster and mounts; an audit of a live node fills what it knows. All paths are the host's, which are
// paths of the node's Tree.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entryproof::oracles {

// The plugin binary as the build's image has it.
struct SourceBinary {
  std::uint64_t size = 0;
  std::string sha256;  // lower-case hex
  // The bytes themselves, where they are known: comparing is cheaper than hashing. May be null.
  std::shared_ptr<const std::string> bytes = {};
};

struct Layout {
  std::string net_dir = "/etc/cni/net.d";
  std::string bin_dir = "/opt/cni/bin";
  std::string binary = "multus";
  std::string kubeconfig = "/etc/cni/net.d/multus.d/multus.kubeconfig";  // where it shall be while no configuration names another place
  mode_t kubeconfig_mode = 0600;
  std::optional<SourceBinary> source;  // unknown: any non-empty executable counts as complete
};

// One projected generation of the service account: the token and ca.crt that appeared together.
struct Generation {
  std::uint64_t id = 0;
  std::string token;   // bytes of the file
  std::string ca_pem;  // bytes of the file
};

struct ClusterFacts {
  std::vector<Generation> generations;  // oldest first; the last is current. Empty: nothing is known, nothing is "current"
  // As the Pod's environment has them; unset or empty where the Pod has none.
  std::string scheme = "https";
  std::optional<std::string> host;
  std::optional<std::string> port;

  bool http_allowed() const { return scheme == "http"; }
  const Generation* current() const { return generations.empty() ? nullptr : &generations.back(); }
};

// A demand that the node does not meet. Both texts are printable, capped and without token bytes.
struct Mismatch {
  std::string expected;
  std::string actual;
};

}  // namespace entryproof::oracles
