// Node audit: does this node depend on the generated kubeconfig, is it good, and until when?
//
// Reads a node's root (NodeRoot) and asks the same oracles that judge builds: what containerd and CRI-O would load, what the plugin would
// find. Nothing is written, nothing of the node is executed.
#pragma once

#include <cstdint>
#include <string>

#include "simulator/audit/finding.h"
#include "simulator/base/result.h"

namespace entryproof::audit {

struct NodeQuestion {
  std::string root;      // a directory of this machine
  std::int64_t now = 0;  // seconds since the epoch
  std::string net_dir;   // host paths; empty: found by looking
  std::string bin_dir;
};

// An error means that there is no such directory; what cannot be read in it is in the report.
Result<Report> audit_node(const NodeQuestion& question);

}  // namespace entryproof::audit
