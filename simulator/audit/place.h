// Place: where a node's runtime looks for CNI configurations and plugins, and how that is known.
//
// Asked for on the command line, else said by the runtime's own configuration (containerd's conf_dir and bin_dir, CRI-O's network_dir and
// plugin_dirs), else the directories of the distributions that are known, the most particular first: k3s, OpenShift, MicroK8s, and what
// everybody else has (RKE2 and Talos too).
#pragma once

#include <string>
#include <vector>

#include "simulator/audit/node_root.h"

namespace entryproof::audit {

struct Place {
  std::string net_dir;
  std::string bin_dir;      // of several the first that holds a Multus, else the first
  bool containerd = false;  // what runs here; both where nothing tells
  bool crio = false;
  std::string why;                     // "conf_dir of /etc/containerd/config.toml", "k3s", "the usual place"
  std::vector<std::string> elsewhere;  // other known directories for configurations that are there, too
};

// Everything that was looked at is in the root's tree afterwards, the chosen directories with all their entries.
Place find_place(NodeRoot& root, const std::string& asked_net_dir, const std::string& asked_bin_dir);

// Names of a TOML file's string value, or of its list of strings, under `key`, wherever it stands; the last one counts. Empty if none.
std::vector<std::string> toml_strings(std::string_view text, std::string_view key);

}  // namespace entryproof::audit
