// Runtimes: which CNI configuration containerd and CRI-O would load from a node (O-containerd and O-crio of clauses.md, section 0).
//
// The two differ where it hurts: one broken first file makes a containerd node NotReady (loud) and lets Pods of a CRI-O node start on the
// primary network (quiet).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/node/tree.h"
#include "simulator/oracles/cni_config.h"

namespace entryproof::oracles {

struct SkippedFile {
  std::string file;
  std::string reason;
};

struct RuntimeSelection {
  std::string file;       // name in net.d; "" = NotReady
  std::string not_ready;  // why
  std::shared_ptr<const CniConfig> config;
  std::vector<SkippedFile> skipped;  // CRI-O only

  bool ready() const { return !file.empty(); }
};

inline constexpr std::size_t kConfigBytesMax = 2U << 20;  // containerd refuses more

// Names that a runtime would consider, byte sorted: loadable names of anything that is no directory.
std::vector<std::string> loadable_files(const node::Tree& tree, std::string_view net_dir);

// Loads the first file only; any error there means no network.
RuntimeSelection containerd_selection(const node::Tree& tree, std::string_view net_dir, CniConfigReader& reader);

// Skips files that are invalid or name a plugin whose binary is not in bin_dir, and takes the first that is left.
RuntimeSelection crio_selection(const node::Tree& tree, std::string_view net_dir, std::string_view bin_dir, CniConfigReader& reader);

}  // namespace entryproof::oracles
